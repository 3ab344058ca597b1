//! Many clouds behind one driver that every thread and every task shares.

mod call;
mod cancel;
mod driver;
mod error;
mod op;
mod page;
mod provider;
mod service;
mod session;
mod settings;
mod wire;

pub use call::{Call, Cursor, Page};
pub use cancel::Cancel;
pub use driver::Driver;
pub use error::{Error, ErrorKind, Phase, Result};
pub use op::Op;
pub use page::List;
pub use provider::Provider;
#[cfg(feature = "openstack")]
pub use provider::openstack;
pub use service::compute::Compute;
pub use service::node::{Image, ImageState, NewNode, Node, NodeState, Size};
pub use session::Stats;
pub use settings::{Retry, Settings};

#[cfg(feature = "sim")]
pub mod sim;
