//! The two ends of the connection that a request came by.
//!
//! Not here: looking up who is at one (that is `host::authority`).

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use host::authority::{Peer, tcp_peer};
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// The two ends of a connection. A server has them from `into_make_service_with_connect_info::<Ends>()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The end of this server.
    pub local: SocketAddr,
    /// The end of whoever connected.
    pub remote: SocketAddr,
}

impl Connected<IncomingStream<'_, TcpListener>> for Ends {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Ends {
        Ends::of(stream.io().local_addr(), *stream.remote_addr())
    }
}

impl Ends {
    /// The ends as the system tells them. With an end that it does not tell, a peer on this machine is not found.
    pub(crate) fn of(local: std::io::Result<SocketAddr>, remote: SocketAddr) -> Ends {
        Ends { local: local.unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0))), remote }
    }

    /// Who is at the other end. It looks through all programs, away from the tasks that others wait for.
    pub(crate) async fn peer(self) -> Peer {
        tokio::task::spawn_blocking(move || tcp_peer(self.local, self.remote)).await.unwrap_or(Peer::Child)
    }
}
