//! The authorities' door: SOAP over mutual TLS. An edge: translates and never decides.

pub mod answer;
pub mod budget;
pub mod cause;
pub mod content;
pub mod description;
pub mod fault;
mod file_name;
pub mod signature;
pub mod soap;
mod xml;

#[cfg(test)]
mod tests;
