//! `mbxd --check-config` and the start judge alike: each refusal in the same words and with the
//! same exit code, and whatever the check accepts starts.

use mbx_tests::installation::{Installation, Setup};
use std::fs;
use std::path::Path;

/// What is put into `conf.d`, `{root}` being the installation's folder, and words of the refusal.
const REFUSED: &[(&str, &str)] = &[
    ("[installation]\ncountry = \"US\"", "installation.country: "),
    ("[store]\nsegment_size = \"1 KiB\"", "store.segment_size: "),
    ("[audit]\norigin = \"two words\"", "audit.origin: "),
    ("[delivery]\nlisten = \"127.0.0.1:1\"\n[scan]\nscanner = \"clamd\"", "scan.scanner"),
    ("[log]\nlevel = \"mbxd=loud\"", "log.level: "),
    ("[hsm]\nmodule = \"\"", "hsm.module is not set"),
    ("[hsm]\ntoken_label = \"\"", "hsm.token_label and hsm.token_serial"),
    ("[policy]\nrepeat_window = \"29 d\"", "policy.repeat_window: "),
    ("[terms]\nfile = \"{root}/none.txt\"", "terms.file: cannot read"),
    ("[operators]\npassword_memory = \"8 GiB\"", "operators.password_memory"),
    ("[operators]\npassword_passes = 0", "operators.password_passes"),
    ("[delivery]\nbody_max = \"65 MiB\"", "[delivery] body_max"),
    ("[delivery]\nmemory_max = \"8 MiB\"", "[delivery] memory_max"),
    ("[delivery]\npath = \"service\"", "[delivery] path"),
    ("[delivery]\nconnections_max = 0", "[delivery] connections_max"),
    ("[delivery]\ndrain = \"11 min\"", "[delivery] drain"),
    ("[delivery.tls]\ncertificate = \"{root}/none.pem\"", "none.pem"),
    ("[delivery.tls]\nprivate_key = \"{root}/pki/root.pem\"", "root.pem"),
    ("[portal]\naudience = \"\"", "[portal] audience"),
    ("[portal]\nassertion_life_max = \"6 min\"", "[portal] assertion_life_max"),
    ("[portal]\nclock_skew_max = \"61 s\"", "[portal] clock_skew_max"),
    ("[portal.tls]\ncertificate = \"{root}/terms.txt\"", "terms.txt"),
    ("[trust]\nroots = [\"{root}/none.pem\"]", "none.pem"),
    ("[trust]\nrsa_bits_min = 1024", "[trust] rsa_bits_min"),
    ("[keys]\nlookup_credential = \"damaged\"", "the credential damaged is not a short text"),
    ("[hsm]\npin_credential = \"empty\"", "the credential empty is not a short text"),
];

/// What looks odd and is accepted: it starts.
const ACCEPTED: &[&str] = &[
    "[delivery]\nbody_max = \"64 MiB\"\nmemory_max = \"384 MiB\"\nconnections_max = 1\ndrain = \"0 ms\"",
    "[delivery]\nverify_parallel = 100000\nverify_waiting_max = 9223372036854775807",
    "[portal]\nrequests_max = 0\nassertion_life_max = \"5 min\"\nclock_skew_max = \"60 s\"",
    "[log]\nlevel = \"off\"\nformat = \"json\"",
    "[hsm]\nmodule = \"/nonexistent/libpkcs11.so\"\nunlock = \"operator\"",
    "[keys]\ncache_keys_max = 0\nlookup_credential = \"not-given\"",
    "[operators]\npassword_memory = \"64 KiB\"\nsessions_per_person = 0",
    "[store]\nsegment_size = \"1 MiB\"\nqueue_units = 1\ngroup_bytes = \"1 B\"\nindex_cache = \"0 B\"",
    "[audit]\norigin = \"brev.example.se/audit\"\ncheckpoint_entries = 0\ncheck_every = \"0 ms\"",
    "[trust]\ncrl_dir = \"/nonexistent\"\ncrl_read_every = \"0 ms\"",
];

fn installation() -> Installation {
    let credentials = [("damaged", "no secret"), ("empty", "")];
    let credentials = credentials.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
    Installation::new(&Setup { credentials, ..Setup::default() })
}

fn configure(installation: &Installation, text: &str) {
    let root = installation.folder.path().display().to_string();
    let text = text.replace("{root}", &root);
    fs::write(installation.path("conf.d/90-test.toml"), text).unwrap();
}

/// The exit code and what was said last: the start may log before.
fn outcome(installation: &Installation, arguments: &[&str]) -> (Option<i32>, String) {
    let output = installation.mbxd().args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = said.lines().rfind(|line| line.starts_with("mbxd: ")).unwrap_or(&said);
    (output.status.code(), last.to_owned())
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn what_the_start_refuses_the_check_refuses_in_the_same_words_and_nothing_is_touched() {
    let installation = installation();
    for (text, words) in REFUSED {
        configure(&installation, text);
        let (code, said) = outcome(&installation, &["--check-config"]);
        assert!(said.contains(words), "{text}: {said}");
        assert!(matches!(code, Some(77 | 78)), "{text}: {code:?}: {said}");
        assert_eq!(outcome(&installation, &[]), (code, said), "{text}");
        assert!(is_empty(&installation.state()), "{text}: the state was touched");
    }
}

#[test]
fn what_the_check_accepts_starts() {
    for text in ACCEPTED {
        let mut installation = installation();
        configure(&installation, text);
        let (code, said) = outcome(&installation, &["--check-config"]);
        assert_eq!(code, Some(0), "{text}: {said}");
        installation.start();
        assert!(installation.stop().success(), "{text}:\n{}", installation.log());
    }
}

#[test]
fn a_reload_refuses_what_the_next_start_would_refuse() {
    let mut installation = installation();
    installation.start();
    configure(&installation, "[delivery]\nconnections_max = 0");
    installation.reload();
    installation.wait_until("the reload is refused", |installation| {
        installation.log().contains("[delivery] connections_max")
    });
    assert!(installation.stop().success());
}
