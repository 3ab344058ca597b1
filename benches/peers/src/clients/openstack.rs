//! openstack_sdk: one session, whose clones share its client and its token, for all tasks.

use std::borrow::Cow;
use std::{env, fs, process};

use hyper::Method;
use openstack_sdk::AsyncOpenStack;
use openstack_sdk::api::compute::v2::server::list_detailed_21;
use openstack_sdk::api::{Pagination, QueryAsync, RestEndpoint, paged, raw};
use openstack_sdk::config::{Auth, CloudConfig};
use openstack_sdk::types::ServiceType;
use openstack_types::compute::v2::server::response::list_detailed_21::ServerResponse;

use crate::crew::Asynchronous;
use crate::failure::Failure;
use crate::place::{Place, Work};

#[derive(Clone)]
pub(crate) struct Session {
    cloud: AsyncOpenStack,
    work: Work,
}

impl Asynchronous for Session {
    async fn open(place: &Place) -> Result<Self, Failure> {
        // It takes certificates from files alone.
        let ca = env::temp_dir().join(format!("welkin-peers-{}.pem", process::id()));
        fs::write(&ca, &place.ca_pem)?;
        let cloud = connect(place, ca.display().to_string()).await;
        fs::remove_file(&ca)?;
        Ok(Self { cloud: cloud?, work: place.work })
    }

    async fn ask(&mut self) -> Result<(), Failure> {
        match self.work {
            Work::Thing => {
                raw(Thing).query_async(&self.cloud).await?;
            }
            Work::Nodes => {
                let request = list_detailed_21::Request::builder().build()?;
                let nodes: Vec<ServerResponse> =
                    paged(request, Pagination::All).query_async(&self.cloud).await?;
                if nodes.is_empty() {
                    return Err(Failure::new("the list has no server in it"));
                }
            }
        }
        Ok(())
    }
}

async fn connect(place: &Place, ca: String) -> Result<AsyncOpenStack, Failure> {
    let auth = Auth {
        auth_url: Some(place.url("/v3")),
        username: Some("bench".into()),
        password: Some("secret".into()),
        user_domain_name: Some("Default".into()),
        project_name: Some("bench".into()),
        project_domain_name: Some("Default".into()),
        ..Auth::default()
    };
    // A service that OpenStack does not know is found by this setting alone, not in the catalog.
    let bench = place.url("/bench").into();
    let config = CloudConfig {
        auth: Some(auth),
        cacert: Some(ca),
        region_name: Some("R".into()),
        interface: Some("public".into()),
        options: [("bench_endpoint_override".into(), bench)].into(),
        ..CloudConfig::default()
    };
    let cloud = AsyncOpenStack::builder(&config)
        // By default it would take the token that the last process left on the disk.
        .disable_auth_cache(true)
        // Ten by default: it would throw away the connections of more tasks. This is reqwest's own.
        .http_pool_max_idle_per_host(usize::MAX)
        .connect()
        .await?;
    if place.work == Work::Nodes {
        cloud.discover_service_endpoint(&ServiceType::Compute).await?;
    }
    Ok(cloud)
}

/// What the library has no type for.
struct Thing;

impl RestEndpoint for Thing {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        "thing".into()
    }

    fn service_type(&self) -> ServiceType {
        ServiceType::Other("bench".into())
    }
}
