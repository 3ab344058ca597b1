//! Tunnels through a proxy (RFC 9110, 9.3.6): it sees where they lead, and nothing of what passes.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;

use http::HeaderValue;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zeroize::Zeroizing;

use super::Origin;
use super::stream::Plain;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Proxy;

/// Has the proxy at the other end of `socket` connect to `origin`. The caller drives it, and bounds
/// its time.
pub(super) async fn open(
    socket: &mut Plain,
    proxy: &Proxy,
    origin: &Origin,
    agent: &HeaderValue,
) -> Result<()> {
    let broken = |e: io::Error| {
        let text = format!("the proxy {proxy} hung up instead of opening the way to {origin}");
        Error::new(ErrorKind::Connection, text).with_source(e)
    };
    send(socket, &request(proxy, origin, agent)).await.map_err(broken)?;
    let mut head = Vec::new();
    loop {
        while let Some((status, reason, length)) = answer(&head)
            .map_err(|why| Error::protocol(format!("the proxy {proxy} {why}")).lasting())?
        {
            match status {
                // Another answer follows (RFC 9110, 15.2).
                100..=199 => drop(head.drain(..length)),
                200..=299 if head.len() == length => return Ok(()),
                200..=299 => {
                    let text = format!(
                        "the proxy {proxy} sent bytes of its own before the first of {origin}"
                    );
                    return Err(Error::protocol(text).lasting());
                }
                _ => return Err(refused(proxy, origin, status, &reason)),
            }
        }
        receive(socket, &mut head).await.map_err(broken)?;
    }
}

/// Writes the request. It holds the password, if there is one.
fn request(proxy: &Proxy, origin: &Origin, agent: &HeaderValue) -> Zeroizing<Vec<u8>> {
    let host = match origin.host.contains(':') {
        true => format!("[{}]:{}", origin.host, origin.port),
        false => format!("{}:{}", origin.host, origin.port),
    };
    let authorization = proxy.authorization().unwrap_or_default();
    let parts: [&[u8]; 9] = [
        b"CONNECT ",
        host.as_bytes(),
        b" HTTP/1.1\r\nHost: ",
        host.as_bytes(),
        b"\r\nUser-Agent: ",
        agent.as_bytes(),
        if authorization.is_empty() { b"" } else { b"\r\nProxy-Authorization: " },
        authorization.as_bytes(),
        b"\r\n\r\n",
    ];
    // Sized beforehand: a buffer that grows would leave the password in what it grew out of.
    let mut request = Zeroizing::new(Vec::with_capacity(parts.iter().map(|p| p.len()).sum()));
    parts.iter().for_each(|part| request.extend_from_slice(part));
    request
}

async fn send(socket: &mut Plain, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let sent = poll_fn(|cx| Pin::new(&mut *socket).poll_write(cx, bytes)).await?;
        bytes = &bytes[sent..];
    }
    Ok(())
}

async fn receive(socket: &mut Plain, into: &mut Vec<u8>) -> io::Result<()> {
    let mut piece = [0; 1024];
    let mut piece = ReadBuf::new(&mut piece);
    poll_fn(|cx| Pin::new(&mut *socket).poll_read(cx, &mut piece)).await?;
    if piece.filled().is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    into.extend_from_slice(piece.filled());
    Ok(())
}

/// Reads the status and its text, and how many bytes the head has; `None` if more must come.
fn answer(bytes: &[u8]) -> Result<Option<(u16, String, usize)>, &'static str> {
    const NO_HTTP: &str = "does not speak HTTP; is it a proxy of another kind, or no proxy?";
    let known = bytes.len().min(START.len());
    if bytes[..known] != START[..known] {
        return Err(NO_HTTP);
    }
    let end = |mark: &[u8]| Some(bytes.windows(mark.len()).position(|w| w == mark)? + mark.len());
    let Some(length) = end(b"\r\n\r\n").into_iter().chain(end(b"\n\n")).min() else {
        return match bytes.len() {
            LONGEST_HEAD.. => Err("does not come to the end of its answer"),
            _ => Ok(None),
        };
    };
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.trim_end().splitn(3, ' ').skip(1);
    let status = words.next().filter(|word| word.len() == 3).and_then(|word| word.parse().ok());
    let reason = words.next().unwrap_or_default().chars().take(LONGEST_REASON).collect();
    Ok(Some((status.ok_or(NO_HTTP)?, reason, length)))
}

fn refused(proxy: &Proxy, origin: &Origin, status: u16, reason: &str) -> Error {
    let Proxy { setting, .. } = proxy;
    match (status, proxy.authorization()) {
        (407, None) => {
            let text = format!(
                "the proxy {proxy} wants a name and a password (407); set them in {setting}, as \
                 in http://name:password@host:port"
            );
            Error::new(ErrorKind::Auth, text)
        }
        // tinyproxy 1.11 says 401 to a wrong password.
        (401 | 407, Some(_)) => {
            let text = format!(
                "the proxy {proxy} does not accept the name and the password in {setting} ({status})"
            );
            Error::new(ErrorKind::Auth, text)
        }
        _ => {
            let said = format!("{status} {reason}");
            let text = format!(
                "the proxy {proxy} did not open the way to {origin}: it says {:?}",
                said.trim_end()
            );
            let error = Error::new(ErrorKind::Connection, text);
            // Servers come back, and crowds go home; what it does not allow, it never will.
            if status == 429 || status >= 500 { error } else { error.lasting() }
        }
    }
}

const START: &[u8] = b"HTTP/1.";
const LONGEST_HEAD: usize = 16 << 10;
const LONGEST_REASON: usize = 200;

#[cfg(test)]
mod tests;
