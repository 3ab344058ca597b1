//! Names to addresses, by the system's own resolver.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::thread;

use tokio::sync::oneshot;

/// Looks up where a host can be reached, in the system's order of preference.
///
/// The system's resolver blocks and knows no deadline. It gets a thread for each question, which is
/// left behind when the caller has no more time.
pub(crate) async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let (answer, asked) = oneshot::channel();
    let host = host.to_owned();
    thread::Builder::new().name("welkin-resolve".into()).spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        // Nobody may be there to hear it any more.
        let _ = answer.send(found);
    })?;
    let found = asked.await.map_err(io::Error::other)??;
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(found)
}
