//! The control API's types: one file per noun.
