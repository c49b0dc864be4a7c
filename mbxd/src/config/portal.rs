//! `[portal]`: the door for the operator's own portals.

use super::trust::{Fingerprint, TlsIdentity};
use super::value::Span;
use mbx_common::assurance::Loa;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The portals' HTTPS door.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Portal {
    /// Address and port to listen on. Default: none, and the door stays shut.
    pub listen: Option<SocketAddr>,
    /// The certificate by which the door shows itself. Needed where `listen` is set. Portals'
    /// certificates chain to `trust.portal_roots`.
    pub tls: TlsIdentity,
    /// What assertions must name in `aud`. Default: none; needed where `listen` is set.
    pub audience: Option<String>,
    /// Longest time from `iat` to `exp` of an assertion. Default `60 s`, at most `5 min`.
    pub assertion_life_max: Span,
    /// How far a portal's clock may be off. Default `5 s`, at most `60 s`.
    pub clock_skew_max: Span,
    /// Requests in progress at most, each until the last byte of its answer was taken; more are
    /// answered with 503 at once. Default 256.
    pub requests_max: u32,
    /// The portals.
    pub client: Vec<Client>,
}

impl Default for Portal {
    fn default() -> Self {
        Self {
            listen: None,
            tls: TlsIdentity::default(),
            audience: None,
            assertion_life_max: Span::secs(60),
            clock_skew_max: Span::secs(5),
            requests_max: 256,
            client: Vec::new(),
        }
    }
}

/// One portal: `[[portal.client]]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Name in the audit log and in metrics, 1–32 of `a–z 0–9 -`.
    pub name: String,
    /// SHA-256 of each client certificate that the portal may use.
    pub certificates: Vec<Fingerprint>,
    /// What its assertions name in `iss`.
    pub issuer: String,
    /// Its public keys: a JWKS (RFC 7517) or PEM file. Read again at reload and when an assertion
    /// names a key that is not in it.
    pub keys: PathBuf,
    /// Which `acr` means which level of assurance, exact texts. Default: the three levels of the
    /// Swedish framework, `http://id.elegnamnden.se/loa/1.0/loa2` to `loa4`.
    #[serde(default = "default_acr")]
    pub acr: BTreeMap<String, Loa>,
    /// Highest level that this portal may vouch for: an assertion that claims more is refused.
    /// Default 4.
    #[serde(default = "default_loa_max")]
    pub loa_max: Loa,
    /// Names of the claims that may hold the person's 12-digit number; exactly one must be there.
    /// Default `sub`.
    #[serde(default = "default_number_claims")]
    pub number_claims: Vec<String>,
}

fn default_acr() -> BTreeMap<String, Loa> {
    [("loa2", Loa::Two), ("loa3", Loa::Three), ("loa4", Loa::Four)]
        .into_iter()
        .map(|(name, loa)| (format!("http://id.elegnamnden.se/loa/1.0/{name}"), loa))
        .collect()
}

const fn default_loa_max() -> Loa {
    Loa::Four
}

fn default_number_claims() -> Vec<String> {
    vec!["sub".to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portal_of_four_lines_gets_the_levels_of_the_framework() {
        let portal: Portal = toml::from_str(
            &r#"
            listen = "127.0.0.1:8444"
            audience = "https://mbx.example/"
            [[client]]
            name = "my-pages"
            certificates = ["AA"]
            issuer = "https://portal.example"
            keys = "/etc/mbxd/portal.jwks"
            "#
            .replace("AA", &"00".repeat(32)),
        )
        .unwrap();
        let client = &portal.client[0];
        assert_eq!(client.acr.len(), 3);
        assert_eq!(client.acr["http://id.elegnamnden.se/loa/1.0/loa3"], Loa::Three);
        assert_eq!(client.number_claims, ["sub"]);
    }

    #[test]
    fn a_mistyped_key_is_refused() {
        assert!(toml::from_str::<Portal>("assertion_life = \"60 s\"").is_err());
    }
}
