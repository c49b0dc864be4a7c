//! What is read at the moment that metrics are asked for.

use super::ability::{Ability, Health};
use super::token;
use crate::telemetry::metrics::{write_all, write_counter, write_gauge};

/// The whole OpenMetrics text.
pub(super) fn exposition(health: &Health) -> String {
    let mut out = String::with_capacity(8192);
    write_all(&mut out);
    let plain = |value| [(String::new(), value)];
    let abilities = health.abilities();
    let up = [("deliver", abilities.deliver), ("read", abilities.read), ("admin", abilities.admin)]
        .map(|(name, ability)| (format!("ability=\"{name}\""), level(ability)));
    write_gauge(&mut out, "mbx_ability", "2 whole, 1 in part, 0 away.", &up);
    let space = health.store.space();
    write_gauge(
        &mut out,
        "mbx_store_used_bytes",
        "Bytes that the store uses.",
        &plain(space.used_bytes),
    );
    write_gauge(
        &mut out,
        "mbx_store_free_bytes",
        "Bytes free on the store's disk.",
        &plain(space.free_bytes),
    );
    let done = health.store.stats();
    for (name, help, count) in [
        ("mbx_store_units", "Units of work made durable, each with its audit entry.", done.units),
        ("mbx_store_groups", "Groups that they were written in, one sync each.", done.groups),
        ("mbx_store_log_bytes", "Bytes written to the log.", done.log_bytes),
        ("mbx_store_content_bytes", "Bytes of contents among them.", done.content_bytes),
    ] {
        write_counter(&mut out, name, help, &plain(count));
    }
    let status = health.keys.status();
    token::write(&mut out, &status.hsm, &health.keys.hsm_metrics());
    let cached = u64::try_from(status.cached_keys).unwrap_or(u64::MAX);
    write_gauge(&mut out, "mbx_cached_keys", "Opened mailbox keys in memory.", &plain(cached));
    write_gauge(
        &mut out,
        "mbx_integrity_violations",
        "Stored things found altered since the start.",
        &plain(status.altered),
    );
    out.push_str("# EOF\n");
    out
}

const fn level(ability: Ability) -> u64 {
    match ability {
        Ability::Ready => 2,
        Ability::Degraded(_) => 1,
        Ability::Away(_) => 0,
    }
}
