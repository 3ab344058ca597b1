//! Session (being written).
use crate::{call::*, error::Result, op::Options, settings::Settings};
use std::sync::Arc;
#[derive(Clone)]
pub(crate) struct Session;
/// Stats.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stats {}
impl Session {
    pub(crate) fn new(
        _: &'static str,
        _: Arc<dyn Auth>,
        _: &Trust,
        _: Option<&str>,
        _: Settings,
    ) -> Result<Self> {
        Ok(Self)
    }
    pub(crate) fn in_region(&self, _: &str) -> Self {
        Self
    }
    pub(crate) fn stats(&self) -> Stats {
        Stats {}
    }
    pub(crate) fn close_idle(&self) {}
    pub(crate) async fn run<T: 'static>(
        &self,
        _: &'static str,
        _: Result<Call<T>>,
        _: &Options,
    ) -> Result<T> {
        unimplemented!()
    }
}
