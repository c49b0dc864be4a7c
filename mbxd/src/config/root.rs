//! The whole configuration.

use super::{
    Audit, Control, Health, Hsm, Installation, Keys, Log, Operators, Paths, Policy, Portal, Store,
    Terms, Trust,
};
use super::{Delivery, Scan};
use serde::{Deserialize, Serialize};

/// Everything `mbxd.toml` and `conf.d` can say. Every key has a default, so an empty file is valid;
/// what a default cannot know (token, certificates, roots) is asked for where it is first needed.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Admits what no production installation may have: soft tokens, software keys without
    /// hardware. `doctor` says so as long as it is on. Default `false`.
    pub development: bool,
    /// Which installation this is.
    pub installation: Installation,
    /// Where things are on disk.
    pub paths: Paths,
    /// The token that holds the keys.
    pub hsm: Hsm,
    /// Sessions and passwords of staff.
    pub operators: Operators,
    /// How often the audit log is signed and checked.
    pub audit: Audit,
    /// The control socket.
    pub control: Control,
    /// Probes and metrics.
    pub health: Health,
    /// Logging.
    pub log: Log,
    /// Roots, revocation lists, key strength.
    pub trust: Trust,
    /// The cache of opened keys, the lookup credential.
    pub keys: Keys,
    /// Rules for holders and deliveries.
    pub policy: Policy,
    /// The portals' door.
    pub portal: Portal,
    /// What holders agree to.
    pub terms: Terms,
    /// The authorities' door.
    pub delivery: Delivery,
    /// The malware scanner.
    pub scan: Scan,
    /// The log, its index and the disk they stand on.
    pub store: Store,
}
