//! The real daemon, the real command line, a real token, real TLS and real signed XML.
//!
//! Each test has an installation of its own.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "what does not hold fails the test"
)]

/// Each test once per kind of token; on Kryoptic only where that is built.
macro_rules! suite {
    ($($name:ident)+) => {
        mod softhsm {
            $(#[tokio::test]
            async fn $name() {
                super::$name(mbx_tests::token::Kind::SoftHsm).await;
            })+
        }

        mod kryoptic {
            $(#[tokio::test]
            async fn $name() {
                let kind = mbx_tests::token::Kind::Kryoptic;
                if kind.is_installed() {
                    super::$name(kind).await;
                }
            })+
        }
    };
}

mod at_rest;
mod audit;
mod check_config;
mod crash;
mod generated;
mod hostile;
mod hsm;
mod interop;
mod locked;
mod main_job;
mod metrics;
mod reading;
mod service;
mod staff;
