//! `--check-config`: everything that the start would read of files, without touching the state.

use super::error::StartError;
use super::{rooms, settings};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::memory;

/// Reads what the configuration names, as the start would.
pub(super) async fn check(config: &Config) -> Result<(), StartError> {
    settings::mailboxes(config)?;
    let store = memory::engine();
    rooms::open_trust(config, store, Clock::system()).await?;
    if config.hsm.module.as_os_str().is_empty() {
        return Err(crate::hsm::StartError::NoModule.into());
    }
    if !config.hsm.module.exists() {
        let module = config.hsm.module.display();
        return Err(StartError::Setting(format!("hsm.module: {module} does not exist")));
    }
    Ok(())
}
