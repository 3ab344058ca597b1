//! The locks and atomics of the parts that are checked with loom.
//!
//! `--cfg welkin_loom` puts loom's in their place; the sources that use them stay the same.

#[cfg(welkin_loom)]
pub(crate) use model::*;
#[cfg(not(welkin_loom))]
pub(crate) use real::*;

#[cfg(not(welkin_loom))]
mod real {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

    pub(crate) use arc_swap::ArcSwapOption;
    pub(crate) use parking_lot::Mutex;

    /// Runs `f` on a thread of its own; drops it if there is none to be had.
    pub(crate) fn spawn(name: &str, f: impl FnOnce() + Send + 'static) {
        let _ = std::thread::Builder::new().name(name.into()).spawn(f);
    }
}

#[cfg(welkin_loom)]
mod model {
    use std::sync::Arc;

    use loom::sync::MutexGuard;
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

    pub(crate) fn spawn(_: &str, f: impl FnOnce() + Send + 'static) {
        loom::thread::spawn(f);
    }

    /// loom's, with the face of `parking_lot`'s.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }
    }

    impl<T: Default> Default for Mutex<T> {
        fn default() -> Self {
            Self::new(T::default())
        }
    }

    /// Stands in for `arc_swap`'s, which loom cannot look into: a pointer that is read and replaced
    /// as one.
    pub(crate) struct ArcSwapOption<T>(Mutex<Option<Arc<T>>>);

    impl<T> ArcSwapOption<T> {
        pub(crate) fn empty() -> Self {
            Self(Mutex::new(None))
        }

        pub(crate) fn load(&self) -> Option<Arc<T>> {
            self.0.lock().clone()
        }

        pub(crate) fn store(&self, value: Option<Arc<T>>) {
            *self.0.lock() = value;
        }
    }
}
