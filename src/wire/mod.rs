//! Wire (being written).
pub(crate) fn block_on<F: std::future::Future>(_: F) -> F::Output {
    unimplemented!()
}
