//! Plans and the second person: `Approved<T>` comes only from another operator.
