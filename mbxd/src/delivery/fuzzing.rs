//! Entry points for hostile bytes (`fuzz/`).

/// A file name as the portal shows it.
pub fn file_name(name: &str) -> String {
    super::file_name::clean(name)
}
