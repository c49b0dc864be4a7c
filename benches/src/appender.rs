//! What the engine is held against: appending the same bytes to a file with one `fdatasync`.
//!
//! Its file is made as the engine makes its segments, by the same back end: of the same length, its
//! space reserved, written at its end in one vectored write, synced, and followed by the next when
//! it is full. What is appended is as long as what the engine writes to its log for one message.

use mbxd::store::back_end::{BackEnd as _, BackFile, Disk};
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// A log without index, rows, checks or checksums.
pub struct Appender {
    disk: Disk,
    segment_len: u64,
    file: Arc<dyn BackFile>,
    number: u32,
    end: u64,
    full: Vec<String>,
}

impl Appender {
    /// An empty one in a folder.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new(folder: &Path, segment_len: u64) -> io::Result<Self> {
        let disk = Disk::new(folder);
        let file = segment(&disk, 0, segment_len)?;
        Ok(Self { disk, segment_len, file, number: 0, end: 0, full: Vec::new() })
    }

    /// Appends messages in one write and makes them durable by one sync.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn append(&mut self, messages: &[Arc<[u8]>]) -> io::Result<()> {
        let len: u64 = messages.iter().map(|message| message.len()).map(wide).sum();
        if self.end.saturating_add(len) > self.segment_len {
            self.full.push(name(self.number));
            self.number = self.number.saturating_add(1);
            self.file = segment(&self.disk, self.number, self.segment_len)?;
            self.end = 0;
        }
        let pieces: Vec<_> = messages.iter().map(|message| IoSlice::new(message)).collect();
        let written = self.file.write_at(self.end, &pieces)?;
        if wide(written) != len {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.file.sync()?;
        self.end = self.end.saturating_add(len);
        Ok(())
    }

    /// Removes the files that are full, while nothing is measured: the engine keeps its own.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn tidy(&mut self) -> io::Result<()> {
        self.full.drain(..).try_for_each(|name| self.disk.remove(&name))
    }

    /// Messages appended for some time, so many with each sync, by one thread alone.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn alone(&mut self, message: &Arc<[u8]>, group: usize, time: Duration) -> io::Result<u64> {
        let messages = vec![Arc::clone(message); group];
        let started = Instant::now();
        let mut appended = 0;
        while started.elapsed() < time {
            self.append(&messages)?;
            appended += wide(group);
        }
        Ok(appended)
    }

    /// Messages that so many senders hand over to one appending thread, each waiting for its
    /// answer: what had queued goes with one sync.
    ///
    /// # Errors
    /// Those of the file system.
    pub async fn handed_over(
        mut self,
        message: &Arc<[u8]>,
        senders: usize,
        time: Duration,
    ) -> io::Result<(Self, u64)> {
        type Handed = (Arc<[u8]>, oneshot::Sender<()>);
        let (to, mut from) = mpsc::channel::<Handed>(senders);
        let appending = std::thread::spawn(move || {
            let mut appended = 0;
            while let Some(first) = from.blocking_recv() {
                let mut handed = vec![first];
                while let Ok(next) = from.try_recv() {
                    handed.push(next);
                }
                let (messages, answers): (Vec<_>, Vec<_>) = handed.into_iter().unzip();
                self.append(&messages)?;
                appended += wide(messages.len());
                for answer in answers {
                    // A sender whose time is over does not wait.
                    let _nobody_waits = answer.send(());
                }
            }
            Ok::<_, io::Error>((self, appended))
        });
        let started = Instant::now();
        let sending: Vec<_> = (0..senders)
            .map(|_| {
                let (to, message) = (to.clone(), Arc::clone(message));
                tokio::spawn(async move {
                    while started.elapsed() < time {
                        let (answer, answered) = oneshot::channel();
                        if to.send((Arc::clone(&message), answer)).await.is_err()
                            || answered.await.is_err()
                        {
                            break;
                        }
                    }
                })
            })
            .collect();
        drop(to);
        for sender in sending {
            sender.await?;
        }
        appending.join().unwrap_or_else(|_| Err(io::Error::other("the appending thread ended")))
    }
}

impl std::fmt::Debug for Appender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Appender").field("end", &self.end).finish_non_exhaustive()
    }
}

fn segment(disk: &Disk, number: u32, len: u64) -> io::Result<Arc<dyn BackFile>> {
    let file = disk.create(&name(number))?;
    file.allocate(len)?;
    file.sync()?;
    Ok(file)
}

fn name(number: u32) -> String {
    format!("append-{number}")
}

fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_stands_in_the_file_and_a_full_file_is_followed_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let mut appender = Appender::new(folder.path(), 10).unwrap();
        let message: Arc<[u8]> = Arc::from(*b"abc");
        appender.append(&[Arc::clone(&message), Arc::clone(&message)]).unwrap();
        appender.append(&[Arc::clone(&message)]).unwrap();
        assert_eq!(std::fs::read(folder.path().join("append-0")).unwrap(), b"abcabcabc\0");
        appender.append(&[message]).unwrap();
        assert_eq!(std::fs::read(folder.path().join("append-1")).unwrap(), b"abc\0\0\0\0\0\0\0");
        appender.tidy().unwrap();
        assert!(!folder.path().join("append-0").exists());
        assert!(folder.path().join("append-1").exists());
    }
}
