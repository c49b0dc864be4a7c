//! The malware scanner behind the authorities' door.

use crate::delivery::{Screen, Screened};
use crate::scan::{Decision, Scan};
use bytes::Bytes;
use futures_util::future::BoxFuture;

/// Asks the scanner, and turns its decision into what the door knows.
#[derive(Debug)]
pub(super) struct Screening(pub(super) Scan);

impl Screen for Screening {
    fn is_on(&self) -> bool {
        self.0.is_on()
    }

    fn look(&self, parts: Vec<Bytes>) -> BoxFuture<'_, Screened> {
        Box::pin(async move {
            match self.0.judge(parts.into_iter()).await {
                Decision::Clean | Decision::NotScanned => Screened::Pass,
                // There is no quarantine yet: what cannot be kept apart is not taken.
                Decision::Quarantine { .. } | Decision::RefuseForNow => Screened::ComeBack,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Scanner as Configured;
    use crate::scan::{ScanError, Scanner, Verdict, WhenAway};
    use std::sync::Arc;

    struct Says(Result<Verdict, ScanError>);

    impl Scanner for Says {
        fn scan(&self, _octets: Bytes) -> BoxFuture<'_, Result<Verdict, ScanError>> {
            Box::pin(std::future::ready(self.0.clone()))
        }
    }

    async fn screened(says: Result<Verdict, ScanError>, when_away: WhenAway) -> Screened {
        let screening = Screening(Scan::with(Arc::new(Says(says)), when_away));
        assert!(screening.is_on());
        screening.look(vec![Bytes::from_static(b"part")]).await
    }

    #[tokio::test]
    async fn only_what_is_clean_passes_a_scanner() {
        let clean = Ok(Verdict::Clean);
        assert_eq!(screened(clean, WhenAway::Refuse).await, Screened::Pass);
        let infected = Ok(Verdict::Infected("Eicar-Signature".to_owned()));
        for when_away in [WhenAway::Refuse, WhenAway::Quarantine] {
            assert_eq!(screened(infected.clone(), when_away).await, Screened::ComeBack);
            for error in [ScanError::Unavailable, ScanError::TooLong] {
                assert_eq!(screened(Err(error), when_away).await, Screened::ComeBack);
            }
        }
    }

    #[tokio::test]
    async fn where_none_is_wanted_nothing_is_decoded_for_it() {
        assert!(!Screening(Scan::new(Configured::None)).is_on());
    }
}
