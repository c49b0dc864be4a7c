//! Giving a thread something that must not be lost with it.

use std::io;
use std::sync::mpsc;

/// What a thread runs.
pub(super) type Run = Box<dyn FnOnce() + Send>;

/// Gives a value to a thread; gives it back where there is none to be had.
pub(super) fn lend<T: Send + 'static>(
    lent: T,
    spawn: impl FnOnce(Run) -> io::Result<()>,
    work: impl FnOnce(T) + Send + 'static,
) -> Result<(), (T, io::Error)> {
    let (give, take) = mpsc::channel();
    // Given only to a thread that is there.
    let run = Box::new(move || {
        if let Ok(lent) = take.recv() {
            work(lent);
        }
    });
    match spawn(run) {
        Ok(()) => {
            drop(give.send(lent));
            Ok(())
        }
        Err(error) => Err((lent, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn what_is_lent_comes_back_where_no_thread_can_be_started() {
        let refused = |run: Run| {
            drop(run);
            Err(io::ErrorKind::WouldBlock.into())
        };
        let back = lend("the context", refused, |_| panic!("there is no thread"));
        assert_eq!(back.map_err(|(lent, _)| lent), Err("the context"));
        let (told, heard) = mpsc::channel();
        let here = |run: Run| {
            thread::spawn(run);
            Ok(())
        };
        assert!(lend("the context", here, move |lent| told.send(lent).unwrap()).is_ok());
        assert_eq!(heard.recv(), Ok("the context"));
    }
}
