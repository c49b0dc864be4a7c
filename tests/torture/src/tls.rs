//! A public scanner looks for every known weakness of TLS, at both doors.

use crate::programme::{Programme, Run};
use mbx_tests::installation::{Installation, Setup};
use std::path::Path;
use std::process::Command;

/// testssl.sh in full.
pub(crate) const TLS: Programme = Programme {
    name: "tls",
    what: "testssl.sh in full at the authorities' and the portals' door",
    run,
};

fn run(run: &mut Run) {
    let installation = Installation::ready(&Setup::default());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tls/run");
    for (name, address) in
        [("authorities", installation.authorities), ("portals", installation.portal)]
    {
        let mut command = Command::new(&script);
        command.arg(address.to_string()).arg(installation.pki().join("root.pem"));
        match command.output() {
            Ok(output) => {
                let told = String::from_utf8_lossy(&output.stdout);
                for line in told.lines() {
                    run.finding(format_args!("{name}: {line}"));
                }
                if !output.status.success() && told.is_empty() {
                    run.finding(format_args!("{name}: {}", output.status));
                }
            }
            Err(error) => run.finding(format_args!("{}: {error}", script.display())),
        }
        run.done(1, "doors");
    }
}
