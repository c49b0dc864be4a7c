//! `version [--check]`.

use crate::cli::VersionArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Answer, Line, Tone};
use mbx_common::control::route::Route;
use mbx_common::control::{self, version::Version};
use serde_json::json;

const OURS: &str = env!("CARGO_PKG_VERSION");

/// `version`.
pub(super) async fn run(context: &mut Context, arguments: &VersionArgs) -> Result<Answer, Failure> {
    let api = format!("{}.{}", control::MAJOR, control::MINOR);
    let ours = Line::plain(format!("mbxctl {OURS}   control API {api}"));
    if !arguments.check {
        let data = json!({"mbxctl": OURS, "api": api});
        return Ok(Answer::new("version", data).line(ours));
    }
    let answered = context.client.get::<Version>(Route::Version, None, &()).await?;
    let theirs = answered.value;
    let their_api = format!("{}.{}", theirs.api_major, theirs.api_minor);
    let same = theirs.version == OURS;
    let data = json!({
        "mbxctl": OURS, "api": api,
        "mbxd": {"version": theirs.version, "api": their_api, "initialised": theirs.initialised},
        "same": same,
    });
    let tone = if same { Tone::Ok } else { Tone::Attention };
    let verdict = if same { "the same version" } else { "different versions, the same API" };
    Ok(Answer::new("version", data)
        .request(answered.request_id)
        .line(ours)
        .line(Line::plain(format!(
            "{} {}   control API {their_api}",
            theirs.product, theirs.version
        )))
        .line(Line::signed(tone, verdict)))
}
