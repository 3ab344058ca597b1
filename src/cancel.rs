//! Cancel.
/// Cancel.
#[derive(Clone, Debug)]
pub struct Cancel;
