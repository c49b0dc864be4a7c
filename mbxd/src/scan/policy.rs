//! What a scanner's answer means for a delivery.

use crate::config;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// What a scanner says of one part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It found nothing.
    Clean,
    /// It found something; the name is the scanner's, public data.
    Infected(String),
}

/// Why a scanner gives no verdict.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// It does not answer, or took too long.
    #[error("the malware scanner does not answer")]
    Unavailable,
    /// It refuses parts of this length.
    #[error("the malware scanner refuses a part of this length")]
    TooLong,
}

/// A malware scanner. Takes decoded octets; must bound its own time.
pub trait Scanner: Send + Sync {
    /// Looks at one part.
    fn scan(&self, octets: Bytes) -> BoxFuture<'_, Result<Verdict, ScanError>>;
}

/// What was found in the parts of one delivery, in order.
pub type Findings = Vec<Result<Verdict, ScanError>>;

/// What becomes of a delivery.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decision {
    /// Every part was scanned and is clean.
    Clean,
    /// Nothing was scanned, because no scanner is configured.
    NotScanned,
    /// It is kept where the holder does not see it, until staff decide.
    Quarantine {
        /// The scanner's name for what it found; `None` where it gave no verdict.
        found: Option<String>,
    },
    /// The sender is told to come back: the scanner is away.
    RefuseForNow,
}

/// What happens to a delivery while the scanner does not answer. Without effect as long as there is
/// no scanner; a key of `[scan]` when the first one is connected.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WhenAway {
    /// The sender is told to come back.
    #[default]
    Refuse,
    /// It is accepted into quarantine.
    Quarantine,
}

/// The scanner and the policy around it.
#[derive(Clone)]
pub struct Scan {
    scanner: Option<Arc<dyn Scanner>>,
    when_away: WhenAway,
}

impl Scan {
    /// The configured scanner: none is known yet.
    pub const fn new(scanner: config::Scanner) -> Self {
        match scanner {
            config::Scanner::None => Self { scanner: None, when_away: WhenAway::Refuse },
        }
    }

    /// A given scanner.
    pub fn with(scanner: Arc<dyn Scanner>, when_away: WhenAway) -> Self {
        Self { scanner: Some(scanner), when_away }
    }

    /// Whether there is a scanner.
    pub const fn is_on(&self) -> bool {
        self.scanner.is_some()
    }

    /// Scans the parts of a delivery, one after another, and decides. Stops at the first
    /// infection.
    pub async fn judge(&self, parts: impl Iterator<Item = Bytes>) -> Decision {
        let Some(scanner) = &self.scanner else { return Decision::NotScanned };
        let mut findings = Findings::new();
        for part in parts {
            let finding = scanner.scan(part).await;
            let infected = matches!(finding, Ok(Verdict::Infected(_)));
            findings.push(finding);
            if infected {
                break;
            }
        }
        decide(findings, self.when_away)
    }
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scan(on: {}, when away: {:?})", self.is_on(), self.when_away)
    }
}

/// One infection is enough; then one part without verdict.
fn decide(findings: Findings, when_away: WhenAway) -> Decision {
    let mut unknown = None;
    for finding in findings {
        match finding {
            Ok(Verdict::Clean) => {}
            Ok(Verdict::Infected(name)) => return Decision::Quarantine { found: Some(name) },
            Err(error) => unknown = Some(error),
        }
    }
    match (unknown, when_away) {
        (None, _) => Decision::Clean,
        // Coming back cannot help where the part itself is refused.
        (Some(ScanError::TooLong), _) | (Some(ScanError::Unavailable), WhenAway::Quarantine) => {
            Decision::Quarantine { found: None }
        }
        (Some(ScanError::Unavailable), WhenAway::Refuse) => Decision::RefuseForNow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Answers from a list, and remembers how many it gave.
    struct Script(Mutex<Vec<Result<Verdict, ScanError>>>);

    impl Scanner for Script {
        fn scan(&self, _octets: Bytes) -> BoxFuture<'_, Result<Verdict, ScanError>> {
            let answer = self.0.lock().unwrap().pop().unwrap();
            Box::pin(std::future::ready(answer))
        }
    }

    async fn judge(
        mut answers: Vec<Result<Verdict, ScanError>>,
        when_away: WhenAway,
    ) -> (Decision, usize) {
        let parts = answers.len();
        answers.reverse();
        let script = Arc::new(Script(Mutex::new(answers)));
        let scan = Scan::with(script.clone(), when_away);
        let decision = scan.judge(std::iter::repeat_n(Bytes::from_static(b"part"), parts)).await;
        let left = script.0.lock().unwrap().len();
        (decision, left)
    }

    const FOUND: &str = "Eicar-Signature";

    #[tokio::test]
    async fn without_a_scanner_nothing_is_called_clean() {
        let scan = Scan::new(config::Scanner::None);
        let decision = scan.judge(std::iter::once(Bytes::from_static(b"part"))).await;
        assert_eq!(decision, Decision::NotScanned);
        assert!(!scan.is_on());
    }

    #[tokio::test]
    async fn clean_needs_a_verdict_on_every_part() {
        let clean = || Ok(Verdict::Clean);
        let away = || Err(ScanError::Unavailable);
        assert_eq!(judge(vec![clean(), clean()], WhenAway::Refuse).await.0, Decision::Clean);
        assert_eq!(judge(vec![clean(), away()], WhenAway::Refuse).await.0, Decision::RefuseForNow);
        assert_eq!(
            judge(vec![away(), clean()], WhenAway::Quarantine).await.0,
            Decision::Quarantine { found: None }
        );
    }

    #[tokio::test]
    async fn an_infection_outweighs_an_absence_and_ends_the_scan() {
        let (decision, left) = judge(
            vec![
                Err(ScanError::Unavailable),
                Ok(Verdict::Infected(FOUND.to_owned())),
                Ok(Verdict::Clean),
            ],
            WhenAway::Refuse,
        )
        .await;
        assert_eq!(decision, Decision::Quarantine { found: Some(FOUND.to_owned()) });
        assert_eq!(left, 1);
    }

    #[tokio::test]
    async fn a_part_that_the_scanner_refuses_is_quarantined_because_a_repeat_cannot_help() {
        let (decision, _) = judge(vec![Err(ScanError::TooLong)], WhenAway::Refuse).await;
        assert_eq!(decision, Decision::Quarantine { found: None });
    }
}
