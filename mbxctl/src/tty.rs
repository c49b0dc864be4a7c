//! The controlling terminal's name: what binds a session to where it began, whatever is piped.

/// Name of the controlling terminal, such as `/dev/pts/3`; `None` where there is none.
pub(crate) fn controlling() -> Option<String> {
    name(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// Reads field `tty_nr` of `proc_pid_stat(5)`, which follows the command in parentheses.
fn name(stat: &str) -> Option<String> {
    let (_, fields) = stat.rsplit_once(')')?;
    let device: u32 = fields.split_whitespace().nth(4)?.parse().ok()?;
    let major = (device >> 8) & 0xfff;
    let minor = (device & 0xff) | ((device >> 12) & 0xf_ff00);
    match major {
        0 => None,
        136..=143 => Some(format!("/dev/pts/{}", (major - 136) * 256 + minor)),
        4 if minor < 64 => Some(format!("/dev/tty{minor}")),
        4 => Some(format!("/dev/ttyS{}", minor - 64)),
        _ => Some(format!("tty:{major}:{minor}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_number_is_read_behind_any_command_name() {
        assert_eq!(name("7 (a) b) S 1 7 7 34819 7 0"), Some("/dev/pts/3".to_owned()));
        assert_eq!(name("7 (sh) S 1 7 7 1025 7 0"), Some("/dev/tty1".to_owned()));
        assert_eq!(name("7 (sh) S 1 7 7 0 -1 0"), None);
        assert_eq!(name("nonsense"), None);
    }
}
