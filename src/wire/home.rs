//! Where a socket is watched from while nobody blocks on it.

use std::sync::OnceLock;
use std::thread;

use tokio::runtime::{Builder, Handle};

/// Returns the runtime that waits for the caller: its own tokio runtime if it has one, else ours.
pub(crate) fn runtime(own_reactor: bool) -> Handle {
    if own_reactor {
        return reactor().clone();
    }
    Handle::try_current().unwrap_or_else(|_| reactor().clone())
}

/// Tells whether this thread belongs to a tokio runtime.
pub(crate) fn is_inside_runtime() -> bool {
    Handle::try_current().is_ok()
}

/// Returns our reactor: one thread, started when an executor that is not tokio first needs it.
pub(crate) fn reactor() -> &'static Handle {
    static REACTOR: OnceLock<Handle> = OnceLock::new();
    REACTOR.get_or_init(|| {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("the system gives a process one epoll instance");
        let handle = runtime.handle().clone();
        thread::Builder::new()
            .name("welkin-reactor".into())
            .spawn(move || runtime.block_on(std::future::pending::<()>()))
            .expect("the system gives a process one more thread");
        handle
    })
}

#[cfg(unix)]
pub(crate) use registered::Home;

#[cfg(unix)]
mod registered {
    use std::io;
    use std::net::TcpStream;
    use std::sync::Arc;

    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;
    use tokio::runtime::{Handle, Id};

    /// Who watches a socket. Changing it flips no flag of the socket, which blocks for life.
    pub(crate) enum Home {
        /// Nobody; a thread blocks on it when it needs it.
        Bare,
        /// A tokio runtime, the reactor among them.
        Runtime { id: Id, watch: AsyncFd<Arc<TcpStream>> },
    }

    impl Home {
        /// Lets `runtime` watch the stream.
        pub(crate) fn register(stream: &Arc<TcpStream>, runtime: &Handle) -> io::Result<Self> {
            let _entered = runtime.enter();
            // SAFETY: the descriptor must stay open, and stay the same, for as long as the `AsyncFd`
            // lives. The `AsyncFd` owns one of the `Arc`s; `TcpStream` never changes its descriptor
            // and closes it only when the last `Arc` is gone.
            #[allow(unsafe_code)]
            let watch = unsafe {
                AsyncFd::register_with_interest(
                    Arc::clone(stream),
                    Interest::READABLE | Interest::WRITABLE,
                )
            };
            Ok(Self::Runtime { id: runtime.id(), watch: watch.map_err(|e| e.into_parts().1)? })
        }

        /// Returns the runtime that watches it, if one does.
        pub(crate) fn runtime(&self) -> Option<Id> {
            match self {
                Self::Bare => None,
                Self::Runtime { id, .. } => Some(*id),
            }
        }
    }
}
