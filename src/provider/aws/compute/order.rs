//! Ordering an instance once.
//!
//! EC2 knows an order again by its `ClientToken` and answers it as it did the first time
//! (<https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>). So an order is sent
//! again when its answer was lost: by the session as often as any request, then here, more slowly.

use super::{EC2, Instance, Reservation, VERSION};
use crate::call::{Call, Response, Step};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::aws::query::Query;
use crate::provider::aws::{fault, image};
use crate::provider::dialect::once::{Search, unique};
use crate::provider::dialect::user_data::user_data;
use crate::service::node::{NewNode, Node};

/// The tag that is an instance's name.
const NAME: &str = "Name";
/// EC2's limit, before it is Base64.
const MOST_USER_DATA: usize = 16_384;

pub(super) fn create(new: &NewNode) -> Result<Call<Node>> {
    let order = Order { new: new.clone(), query: query(new)?, token: unique() };
    let (Some(gib), Some(image)) = (new.root_volume_gb, &new.image) else {
        return Ok(ordered(order, None));
    };
    // EC2 takes a size for the root disk only by the name that the image gives it.
    Ok(image::root_device(image).settled(move |name| {
        let order = order.with_root(&name.map_err(missing_is_invalid)?, gib);
        Ok(Step::Next(ordered(order, None)))
    }))
}

struct Order {
    new: NewNode,
    query: Query,
    token: String,
}

fn query(new: &NewNode) -> Result<Query> {
    if new.metadata.contains_key(NAME) {
        let text = "on EC2 the tag \"Name\" is the node's name; give it to NewNode::named";
        return Err(Error::invalid(text));
    }
    let user_data = user_data(new, "EC2", MOST_USER_DATA)?;
    let mut query = Query::new("RunInstances", VERSION).with("MinCount", "1").with("MaxCount", "1");
    let optional = [
        ("ImageId", new.image.as_deref()),
        ("InstanceType", new.size.as_deref()),
        ("KeyName", new.key_pair.as_deref()),
        ("SubnetId", subnet(new)?),
        ("Placement.AvailabilityZone", new.location.as_deref()),
        ("UserData", user_data.as_deref()),
    ];
    for (name, value) in optional {
        query = value.into_iter().fold(query, |query, value| query.with(name, value));
    }
    let (ids, names): (Vec<_>, Vec<_>) =
        new.security_groups.iter().partition(|group| group.starts_with("sg-"));
    for (kind, groups) in [("SecurityGroupId", ids), ("SecurityGroup", names)] {
        for (n, group) in (1..).zip(groups) {
            query = query.with(&format!("{kind}.{n}"), group);
        }
    }
    query = query.with("TagSpecification.1.ResourceType", "instance");
    let notes = new.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let tags = std::iter::once((NAME, new.name.as_str())).chain(notes);
    for (n, (key, value)) in (1..).zip(tags) {
        query = query.with(&format!("TagSpecification.1.Tag.{n}.Key"), key);
        query = query.with(&format!("TagSpecification.1.Tag.{n}.Value"), value);
    }
    Ok(query)
}

fn subnet(new: &NewNode) -> Result<Option<&str>> {
    match &new.networks[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => Err(Error::invalid(format!(
            "a node of EC2 is connected to one network, which is a subnet, and not to {}",
            several.len()
        ))),
    }
}

/// Sends the order, for the first time or while its answer is sought.
fn ordered(order: Order, search: Option<Search>) -> Call<Node> {
    let request = order.query.clone().with_token(&order.token, EC2);
    Call::new(request, |response| answered(&response).map(Step::Done)).settled(move |result| {
        let (mut search, failed) = match (result, search) {
            (Ok(instance), _) => return Ok(Step::Done(order.named(instance))),
            (Err(lost), None) if lost.kind() == ErrorKind::Ambiguous => {
                return Ok(Step::Next(ordered(order, Some(Search::of(lost)))));
            }
            (Err(failed), Some(search)) if !is_refusal(&failed) => (search, failed),
            (Err(refusal), _) => return Err(refusal),
        };
        match search.again(Some(failed)) {
            Some(pause) => Ok(Step::Wait(pause, ordered(order, Some(search)))),
            None => {
                let Order { new: NewNode { name, .. }, token, .. } = &order;
                let what = format!("the answer to the order of node {name:?} was lost, and asked");
                let what = format!("{what} for again by the same ClientToken, {token},");
                Err(search.in_vain(&what))
            }
        }
    })
}

/// Tells whether EC2 has looked at the order and will not have it. It would have answered one that it
/// had carried out; but it looks at who asks, and how often, before it looks at the token.
fn is_refusal(error: &Error) -> bool {
    let before = [ErrorKind::Auth, ErrorKind::Forbidden, ErrorKind::RateLimited];
    let unknown = error.kind() == ErrorKind::Ambiguous || before.contains(&error.kind());
    error.status().is_some() && !unknown
}

impl Order {
    fn with_root(mut self, device: &str, gib: u64) -> Self {
        self.query = self
            .query
            .with("BlockDeviceMapping.1.DeviceName", device)
            .with("BlockDeviceMapping.1.Ebs.VolumeSize", &gib.to_string())
            .with("BlockDeviceMapping.1.Ebs.DeleteOnTermination", "true");
        self
    }

    /// The answer need not hold the tags yet.
    fn named(self, instance: Instance) -> Node {
        let NewNode { name, metadata, .. } = self.new;
        let mut node = Node::from(instance);
        (node.name, node.metadata) = (name, metadata);
        node
    }
}

/// Not the node is missing, but something that the order names.
fn missing_is_invalid(error: Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound => error.of_kind(ErrorKind::Invalid),
        _ => error,
    }
}

/// Reads what came of an order; `Ambiguous` if nobody knows.
fn answered(response: &Response) -> Result<Instance> {
    let asked = "the new instance";
    let reservation = fault::xml::<Reservation>(response, "RunInstancesResponse", asked);
    let error = match reservation.map(|reservation| reservation.instances.item.into_iter().next()) {
        Ok(Some(instance)) => return Ok(instance),
        Ok(None) => Error::protocol("the cloud took the order and names no instance"),
        Err(error) => missing_is_invalid(error),
    };
    let is_known = match error.kind() {
        ErrorKind::Protocol => false,
        // What has no room has none; all else may have broken on the way.
        ErrorKind::Unavailable => error.code().is_some_and(|code| code.starts_with("Insufficient")),
        // An earlier attempt may have done it.
        _ => is_refusal(&error) || !response.resent,
    };
    if is_known {
        return Err(error);
    }
    let text = "the order may have been carried out; look for the node's name";
    Err(Error::new(ErrorKind::Ambiguous, text).with_status(response.status).with_source(error))
}

#[cfg(test)]
mod tests;
