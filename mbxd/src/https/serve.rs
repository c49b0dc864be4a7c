//! Taking connections, and stopping.

use super::connection::House;
use super::edge::{Bounds, Edge};
use crate::peers::Places;
use crate::telemetry::Seldom;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Pause after a failed accept (no descriptors left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until `stop` is done; then takes no more and gives those under way time to
/// finish.
pub async fn serve<E: Edge>(
    edge: Arc<E>,
    bounds: Bounds,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) {
    let connections_max = bounds.connections_max.saturating_add(bounds.handshakes_max);
    let house = Arc::new(House {
        edge,
        bounds,
        handshakes: Places::new(bounds.handshakes_max, bounds.handshakes_max),
        places: Places::new(bounds.connections_max, bounds.client_connections_max),
    });
    let (stopping, _) = watch::channel(());
    let mut connections = JoinSet::new();
    let failing = Seldom::default();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, address)) => {
                let connection = Arc::clone(&house).connection(stream, address.ip(), &stopping);
                connections.spawn(connection);
                // Whose place was given to another still holds its socket for a moment.
                while connections.len() > connections_max {
                    connections.join_next().await;
                }
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if let Some(times) = failing.tell() {
                    tracing::warn!(%error, times, "cannot accept connections");
                }
                if house.handshakes.give_up_one() || house.places.give_up_one() {
                    tokio::time::timeout(ACCEPT_PAUSE, connections.join_next()).await.ok();
                } else {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
    drop(listener);
    stopping.send(()).ok();
    while connections.join_next().await.is_some() {}
}

/// Whether only the connection failed that would have been accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}
