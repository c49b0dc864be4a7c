//! The rooms whose tests are tried, and which tests those are.

/// A room: what is mutated in it and what has to notice.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) name: &'static str,
    /// Files and folders below the root of the workspace.
    pub(crate) places: &'static [&'static str],
    /// The tests: package, and the part of the tests' names.
    pub(crate) tests: &'static [(&'static str, &'static str)],
}

/// Parts of names of tests that are left out: they start other programs, and take a hundred times
/// as long as the others.
pub(crate) const LEFT_OUT: &[&str] = &["interop", "hostile_independent", "::token::"];

pub(crate) const ROOMS: &[Room] = &[
    Room {
        name: "signature",
        places: &["mbxd/src/delivery/signature"],
        tests: &[("mbxd", "delivery::signature::")],
    },
    Room {
        name: "prescan",
        places: &["mbxd/src/delivery/soap/prescan.rs", "mbxd/src/delivery/soap/declaration.rs"],
        tests: &[("mbxd", "delivery::soap::")],
    },
    Room { name: "cipher", places: &["mbxd/src/cipher"], tests: &[("mbxd", "cipher::")] },
    Room { name: "access", places: &["mbxd/src/access"], tests: &[("mbxd", "access::")] },
    Room {
        name: "audit",
        places: &["common/src/audit", "mbxd/src/audit"],
        tests: &[("mbx-common", "audit::"), ("mbxd", "audit::")],
    },
    Room {
        name: "identity",
        places: &["common/src/identity.rs", "common/src/assurance.rs", "common/src/holder.rs"],
        tests: &[("mbx-common", "")],
    },
    Room {
        name: "soap",
        places: &["mbxd/src/delivery/soap"],
        tests: &[("mbxd", "delivery::soap::")],
    },
];

/// The room of a name.
pub(crate) fn named(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == name)
}
