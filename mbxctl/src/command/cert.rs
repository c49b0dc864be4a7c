//! `cert`: certificates of both HTTPS doors, roots, revocation lists.

use super::status::tone;
use crate::cli::CertCommand;
use crate::client::Changed;
use crate::context::{Context, changed, value};
use crate::failure::Failure;
use crate::now;
use crate::output::{Answer, Cell, Column, Line, Table, Tone};
use mbx_common::control::Page;
use mbx_common::control::certificate::{Certificate, CertificateUse, Reloaded};
use mbx_common::control::route::Route;

/// `cert …`.
pub(super) async fn run(context: &mut Context, command: CertCommand) -> Result<Answer, Failure> {
    match command {
        CertCommand::List => list(context).await,
        CertCommand::Show { name } => {
            let answered =
                context.client.get::<Certificate>(Route::CertShow, Some(&name), &()).await?;
            Ok(show(context, &answered.value).request(answered.request_id))
        }
        CertCommand::Reload => {
            let done: Changed<Reloaded> =
                context.client.change(Route::CertReload, None, &serde_json::json!({})).await?;
            Ok(changed("cert.reload", done, |answer, done| {
                let names = if done.changed.is_empty() {
                    "nothing".to_owned()
                } else {
                    done.changed.join(", ")
                };
                let audit = done.audit.map(|position| format!("   audit {position}"));
                let text = format!(
                    "Read anew: {names} changed, {} as before{}",
                    done.unchanged,
                    audit.unwrap_or_default()
                );
                let mut answer = answer.line(Line::signed(Tone::Ok, text));
                for file in &done.refused {
                    let text = format!("Not used: {}: {}", file.file, file.reason);
                    answer = answer.line(Line::signed(Tone::Wrong, text)).exit(3);
                }
                answer.hint("mbxctl cert list")
            }))
        }
    }
}

async fn list(context: &mut Context) -> Result<Answer, Failure> {
    let answered = context.client.get::<Page<Certificate>>(Route::CertList, None, &()).await?;
    let page = answered.value;
    let now = now::now();
    let row = |certificate: &Certificate| {
        let days = certificate.not_after.since(now) / 86_400_000;
        let cells = vec![
            Cell::text(certificate.name.clone()),
            Cell::text(word(certificate.usage)),
            Cell::pair(context.zone.day(certificate.not_after), certificate.not_after.to_string())
                .tone(tone(certificate.level)),
            Cell::text(format!("{days} d")).tone(tone(certificate.level)),
            Cell::text(certificate.subject.clone()),
            Cell::optional(certificate.issuer.clone()),
            Cell::text(certificate.sha256.clone()),
        ];
        (cells, value(certificate))
    };
    let table = Table {
        columns: vec![
            Column::text("name", "NAME"),
            Column::text("use", "USE"),
            Column::text("until", "VALID UNTIL"),
            Column::figure("left", "LEFT"),
            Column::text("subject", "SUBJECT").cut(),
            Column::text("issuer", "ISSUER").wide(),
            Column::text("sha256", "SHA-256").wide(),
        ],
        rows: page.rows.iter().map(row).collect(),
        id: "name",
        total: page.total,
        empty: "no certificate",
    };
    Ok(Answer::list("cert.list", table, page.next).request(answered.request_id))
}

fn show(context: &Context, certificate: &Certificate) -> Answer {
    let mut pairs = vec![
        ("Name", certificate.name.clone()),
        ("Use", word(certificate.usage).to_owned()),
        ("Subject", certificate.subject.clone()),
        ("SHA-256", certificate.sha256.clone()),
        ("Valid from", context.zone.minute(certificate.not_before)),
        ("Until", context.zone.minute(certificate.not_after)),
    ];
    if let Some(issuer) = &certificate.issuer {
        pairs.push(("Issuer", issuer.clone()));
    }
    if let Some(serial) = &certificate.serial {
        pairs.push(("Serial", serial.clone()));
    }
    if let Some(file) = &certificate.file {
        pairs.push(("File", file.clone()));
    }
    Answer::new("cert.show", value(certificate))
        .pairs(&pairs)
        .id(&certificate.name)
        .exit(certificate.level.exit_code())
}

const fn word(usage: CertificateUse) -> &'static str {
    match usage {
        CertificateUse::DeliveryServer => "delivery-server",
        CertificateUse::HolderServer => "holder-server",
        CertificateUse::Receipt => "receipt",
        CertificateUse::Root => "root",
        CertificateUse::Intermediate => "intermediate",
        CertificateUse::Portal => "portal",
        CertificateUse::Crl => "crl",
    }
}
