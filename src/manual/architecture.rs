//! The route of a request, and where a line belongs.
//!
//! ```text
//! src/
//!   driver.rs settings.rs (settings/: proxies) op.rs cancel.rs page.rs download.rs error.rs    1  what a user holds
//!   service/     compute, storage (handle + what a provider must translate), node (a model)    2
//!   call.rs      all that passes between provider and session, named by both; call/content
//!   provider/    translators: the table of them, dialect/ (spoken by several clouds),
//!                aws/, openstack/    3
//!   session/     send (attempts: begin, tries), token, desk, pace, pool, retry, route, body, clock,
//!                stats, trace (spans)    4
//!   wire/        dial (resolve, race and attempt, proxy, tls), connection (hyper, driven by its
//!                holder), drive, tcp, stream, home and park and alarm (what waiting means where)    5
//!   sim/         the embedded cloud (feature sim)
//!   bin/welkin/  the command line (feature cli)
//!   manual/      this
//! ```
//!
//! Rules, checked by `tests/architecture`:
//! - `provider/` names `service`, `call` and `error` only; it does no I/O and sees no clock. Its
//!   `config.rs` and `clouds.rs` alone read files and the environment, when a driver is opened;
//!   the machine's proxies are read then too, by `settings/environment.rs`.
//! - `session/` and `service/` never name a provider.
//! - Only `wire/` opens sockets.
//!
//! # One operation, step by step
//! `compute.get_node(id)` asks the provider for a [`Call`](crate::Call): `GET /servers/{id}` and the
//! way to read the answer. Nothing has happened yet. Awaited or waited for, the session takes over:
//!
//! 1. *Token*: one load of the current snapshot and a comparison of times. Only when there is none to
//!    use does the caller wait, for a login that belongs to the store and not to any caller.
//!    In the rare time in which the cloud asks for fewer requests, the caller then waits for its turn.
//! 2. *Lease*: a connection of the pool of that endpoint, or a place in the line for one.
//! 3. *Token again*: it may have been replaced during the wait. Then the request is written and the
//!    provider puts its token on it.
//! 4. *Exchange*: the caller drives the connection until the answer's last byte. The connection goes
//!    back, to the first in line if there is one.
//! 5. *Retry* encloses 1 to 4: after a 401 with the next token, after a pause when the cloud is busy,
//!    at once when a pooled connection turns out to have been closed.
//! 6. *Read*: the provider turns the answer into a result, or into the next call.
//!
//! # What waiting means
//! The same future runs everywhere; what a leaf does instead of waiting is decided at each poll.
//! Inside `.wait()` it blocks in the system call. Inside a tokio runtime it registers with that
//! runtime. Anywhere else it registers with one small reactor thread.
