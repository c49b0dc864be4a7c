//! Steps of judging a delivery by themselves, for measurements (`benches/`).

use super::content::Rules;
use super::soap::SealedDelivery;
use crate::config;

pub use super::signature::{canonical_len, vouch};

/// What a delivery's messages are checked by, as configured.
#[derive(Debug)]
pub struct ContentRules(Rules);

impl ContentRules {
    /// The rules of a configuration.
    pub fn new(config: &config::Delivery) -> Self {
        Self(Rules::new(config))
    }

    /// Whether every message keeps them; `payload` is the whole request.
    pub fn are_kept(&self, delivery: &SealedDelivery<'_>, payload: &[u8]) -> bool {
        delivery.messages.iter().all(|message| {
            let (header, body) = (&message.header, &message.body);
            self.0.check(header, body, &message.attachments, payload, 0).is_ok()
        })
    }
}
