//! Independent verifiers: python-xmlsec and Java's own XML signatures (`tests/interop/judge.py`,
//! `Judge.java`), one long-lived process each, fed by a pipe.

use serde_json::Value;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Which verifier.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Peer {
    /// lxml and python-xmlsec (libxml2 and xmlsec1).
    Python,
    /// Java's XML parser and XML signatures.
    Java,
}

/// A verifier that runs.
#[derive(Debug)]
pub struct Oracle {
    /// Which it is.
    pub peer: Peer,
    child: Child,
    input: Sender<Vec<u8>>,
    output: BufReader<ChildStdout>,
}

/// What a verifier says of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Both signatures verify, over these facts; and whether the request keeps the schema, where
    /// that was looked at.
    Taken(Vec<(String, Vec<u8>)>, Option<bool>),
    /// Why not.
    Refused(String),
}

impl Oracle {
    /// Starts a verifier; `None` where it is not installed.
    pub fn start(peer: Peer) -> Option<Self> {
        let (probe, arguments, file): (_, &[&str], _) = match peer {
            Peer::Python => ("python3", &["-c", "import xmlsec, lxml"], "judge.py"),
            Peer::Java => ("java", &["-version"], "Judge.java"),
        };
        let probed = Command::new(probe).args(arguments).output();
        probed.ok().filter(|output| output.status.success())?;
        let mut command = Command::new(probe);
        command.arg(here(file)).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let (Peer::Python, Some(spec)) = (peer, std::env::var_os("MBX_SPEC_DIR")) {
            command.arg(Path::new(&spec).join("sundsvall/schema/v3/Service.xsd"));
        }
        let mut child = command.stderr(Stdio::null()).spawn().ok()?;
        let (pipe, output) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        let (input, requests) = channel();
        // A thread of its own, so that many requests can be under way.
        std::thread::spawn(move || feed(pipe, &requests));
        Some(Self { peer, child, input, output })
    }

    /// Hands it a request; each needs one [`Oracle::answer`].
    pub fn ask(&mut self, request: Vec<u8>) {
        // Where it does not run any more, the answer says so.
        drop(self.input.send(request));
    }

    /// Its answer to the request before.
    ///
    /// # Errors
    /// Where it does not run any more, or says something else.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line).map_err(io::Error::other)?;
        if said["taken"] != true {
            return Ok(Answer::Refused(said["why"].as_str().unwrap_or_default().to_owned()));
        }
        let fact = |pair: &Value| Some((pair[0].as_str()?.to_owned(), unhex(pair[1].as_str()?)?));
        let facts = said["facts"].as_array().and_then(|all| all.iter().map(fact).collect());
        let facts = facts.ok_or_else(|| io::Error::other("no facts"))?;
        Ok(Answer::Taken(facts, said["valid"].as_bool()))
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn feed(mut pipe: ChildStdin, requests: &Receiver<Vec<u8>>) -> io::Result<()> {
    while let Ok(request) = requests.recv() {
        let len = u32::try_from(request.len()).map_err(io::Error::other)?;
        pipe.write_all(&len.to_be_bytes())?;
        pipe.write_all(&request)?;
        pipe.flush()?;
    }
    Ok(())
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../interop").join(name)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = (0..text.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
