//! The key hierarchy: KEKs, mailbox keys, DEKs, keyring, directory, cache.
