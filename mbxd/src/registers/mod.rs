//! Registers of others: senders and dispatchers, later companies and addresses.
