//! `[health]`: probes and metrics.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where probes and metrics are served.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// `"unix:/run/mbxd/health.sock"`, or a loopback address such as `"127.0.0.1:9464"`; other
    /// addresses are refused. Default: none, and nothing is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<Listen>,
}

/// A place on this machine to listen at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Listen {
    /// A Unix socket.
    Unix(PathBuf),
    /// A loopback address.
    Loopback(SocketAddr),
}

/// A text that names no place on this machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected \"unix:/path\" or a loopback address such as \"127.0.0.1:9464\"")]
pub struct BadListen;

impl FromStr for Listen {
    type Err = BadListen;

    fn from_str(text: &str) -> Result<Self, BadListen> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.starts_with('/') {
                Ok(Self::Unix(path.into()))
            } else {
                Err(BadListen)
            };
        }
        let address: SocketAddr = text.parse().map_err(|_| BadListen)?;
        if address.ip().is_loopback() { Ok(Self::Loopback(address)) } else { Err(BadListen) }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Loopback(address) => write!(f, "{address}"),
        }
    }
}

impl Serialize for Listen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_on_this_machine_are_taken() {
        for text in ["unix:/run/mbxd/health.sock", "127.0.0.1:9464", "[::1]:9464"] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
        }
        for text in ["0.0.0.0:9464", "192.0.2.1:9464", "unix:relative", "localhost:1", ""] {
            assert_eq!(text.parse::<Listen>(), Err(BadListen), "{text}");
        }
    }
}
