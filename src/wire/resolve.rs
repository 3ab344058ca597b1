//! Names to addresses, by the system's own resolver.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use super::{home, park};

/// Looks up where a host can be reached, in the system's order of preference.
///
/// The system's resolver blocks: a waiting thread calls it in place, a task has it called on its
/// runtime's blocking threads.
pub(crate) async fn resolve(
    host: &str,
    port: u16,
    own_reactor: bool,
) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let found: Vec<_> = if park::in_wait() {
        (host, port).to_socket_addrs()?.collect()
    } else {
        let host = host.to_owned();
        let looked_up = home::runtime(own_reactor)
            .spawn_blocking(move || (host.as_str(), port).to_socket_addrs().map(Iterator::collect));
        looked_up.await.map_err(io::Error::other)??
    };
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(found)
}
