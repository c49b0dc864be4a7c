//! Holder side: who may do what. Rules only; nothing here reads or writes.
