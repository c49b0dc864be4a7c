//! A stream that does not wait for ever for whoever reads it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How long whoever reads may let what is written wait, at the doors to the outside.
pub const GRACE: Duration = Duration::from_secs(30);

/// Bytes a second that a reader takes at least there; as many as the slowest request body that the
/// authorities' door bears by default.
pub const RATE_MIN: u64 = 8 * 1024;

/// A stream whose reader may let a write wait for a time that it earns back with each byte that it
/// takes. Who takes fewer bytes a second than asked for uses it up; then writing fails.
#[derive(Debug)]
pub struct Paced<S> {
    stream: S,
    grace: Duration,
    rate_min: u64,
    /// Time that a write may still wait.
    left: Duration,
    /// The end of it, while one waits.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    /// A stream whose reader may wait so long, and takes so many bytes a second.
    pub const fn new(stream: S, grace: Duration, rate_min: u64) -> Self {
        Self { stream, grace, rate_min, left: grace, waiting: None }
    }

    /// Accounts for what became of a write.
    fn account(
        &mut self,
        context: &mut Context<'_>,
        write: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let Poll::Ready(written) = write else {
            let left = self.left;
            let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(left)));
            ready!(waiting.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        };
        if let Some(waiting) = self.waiting.take() {
            self.left = waiting.deadline().saturating_duration_since(Instant::now());
        }
        let len = written.as_ref().map_or(0, |len| u64::try_from(*len).unwrap_or(u64::MAX));
        let micros = len.saturating_mul(1_000_000).checked_div(self.rate_min);
        let earned = micros.map_or(self.grace, Duration::from_micros);
        self.left = self.left.saturating_add(earned).min(self.grace);
        Poll::Ready(written)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.account(context, write)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.account(context, write)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_borne_for_the_grace_and_no_longer() {
        let (writer, reader) = duplex(10);
        let mut writer = Paced::new(writer, GRACE, 10);
        let began = Instant::now();
        let error = writer.write_all(&[0; 11]).await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed().as_secs()), (io::ErrorKind::TimedOut, 30));
        drop(reader);
    }

    /// Reads so many bytes each second for ten minutes.
    async fn read_at(rate: usize) -> io::Result<()> {
        let (writer, mut reader) = duplex(10);
        let mut writer = Paced::new(writer, GRACE, 10);
        let reading = tokio::spawn(async move {
            let mut buffer = vec![0; rate];
            for _ in 0..600 {
                sleep(Duration::from_secs(1)).await;
                if reader.read_exact(&mut buffer).await.is_err() {
                    return;
                }
            }
        });
        let written = writer.write_all(&vec![0; rate * 600]).await;
        drop(writer);
        reading.await.unwrap();
        written
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_as_much_as_is_asked_for_is_borne_for_ever() {
        read_at(10).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_drips_uses_the_grace_up() {
        let began = Instant::now();
        assert_eq!(read_at(5).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() < Duration::from_secs(70), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn time_between_writes_is_nobodys_waiting() {
        let (writer, mut reader) = duplex(10);
        let mut writer = Paced::new(writer, GRACE, 10);
        let mut buffer = [0; 10];
        for _ in 0..3 {
            writer.write_all(&[0; 10]).await.unwrap();
            sleep(GRACE * 2).await;
            reader.read_exact(&mut buffer).await.unwrap();
        }
    }
}
