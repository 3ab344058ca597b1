//! Who logs in, where, and what is trusted on the way.

use crate::call::{Account, Auth, Trust};
use crate::settings::{Proxy, Settings, TlsVersion};
use crate::wire::Origin;

/// All that decides what a login gives, and whom it may be given to: who differs in any of it shares
/// nothing.
///
/// What one got over a channel that anybody could have changed is never given to one who asked for
/// more.
#[derive(PartialEq, Eq)]
pub(super) struct Who {
    provider: &'static str,
    account: Account,
    trust: Trust,
    min_tls: TlsVersion,
    proxy: Option<Proxy>,
}

impl Who {
    /// Returns `None` if there is nothing to share, or nobody to log in at.
    pub(super) fn new(
        provider: &'static str,
        auth: &dyn Auth,
        trust: &Trust,
        settings: &Settings,
    ) -> Option<Self> {
        let account = auth.account()?;
        let (origin, ..) = Origin::split(&account.url).ok()?;
        // One that cannot be used fails the login, and each driver says so for itself.
        let proxy = settings.proxies.find(origin.tls, &origin.host, origin.port).ok()?.cloned();
        let (trust, min_tls) = (trust.clone(), settings.min_tls);
        Some(Self { provider, account, trust, min_tls, proxy })
    }
}
