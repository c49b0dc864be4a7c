//! The daemon's entry point.

fn main() -> std::process::ExitCode {
    mbxd::daemon::main()
}
