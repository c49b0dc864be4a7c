//! Taking connections, and stopping.

use super::connection::House;
use super::edge::{Bounds, Edge};
use super::handshakes::Handshakes;
use super::places::Places;
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
    let places = Places::new(bounds.connections_max, bounds.client_connections_max);
    let house = Arc::new(House { edge, bounds, places });
    let mut handshakes = Handshakes::new(bounds.handshakes_max);
    let (stopping, _) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            // What there is no place for is closed before it costs a handshake.
            Ok(_) if house.places.are_taken() => {}
            Ok((stream, address)) => {
                let (given_up, stopping) = (handshakes.begin(), stopping.subscribe());
                let house = Arc::clone(&house);
                connections.spawn(house.connection(stream, address.ip(), given_up, stopping));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                handshakes.give_up_oldest();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    stopping.send(()).ok();
    while connections.join_next().await.is_some() {}
}
