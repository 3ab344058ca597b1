//! Nodes that are set up over SSH.

use std::time::Duration;

use super::{Compute, id};
use crate::deploy::{Crew, Deployed, Deployment};
use crate::error::{Error, ErrorKind, Result};
use crate::op::{Op, Options};
use crate::service::node::{NewNode, Node};

impl Compute {
    /// Orders a node, waits until it runs, and sets it up over SSH.
    ///
    /// Keys and files of the deployment are read first, so that what is wrong with them orders
    /// nothing. `.timeout(..)` bounds all of it; without one, each part has a limit of its own.
    ///
    /// ```no_run
    /// use welkin::{Deployment, NewNode};
    ///
    /// # fn f(compute: welkin::Compute) -> welkin::Result<()> {
    /// let order = NewNode::named("web-1").size("…").image("…").key_pair("me");
    /// let setup = Deployment::as_user("debian")
    ///     .private_key_file("/home/me/.ssh/id_ed25519")
    ///     .script("#!/bin/sh\nset -e\nsudo apt-get update\nsudo apt-get install -y nginx\n");
    /// let deployed = compute.deploy_node(&order, &setup).wait()?;
    /// println!("{} {}", deployed.node.id, deployed.outputs[0].stdout);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Before the node exists, as [`create_node`](Compute::create_node). From then on every error
    /// names the node, which stays: [`deploy_to`](Compute::deploy_to) sets it up once more. `Auth` when
    /// it does not let the user in, `Failed` when it went to its error state or a step failed, with
    /// the last line that the step said; `Connection` or `Timeout` when it could not be reached.
    ///
    /// # Threads
    /// The SSH connection has a thread of its own while it lasts.
    ///
    /// # Cancellation
    /// A node that was ordered stays, and so does what is done on it. After
    /// [`cancel_on`](Op::cancel_on) the error names it; a dropped operation has nobody to tell.
    pub fn deploy_node(&self, new: &NewNode, deployment: &Deployment) -> Op<Deployed> {
        let (this, new, deployment) = (self.clone(), new.clone(), deployment.clone());
        Op::own(&self.session, "deploy_node", |options| async move {
            let crew = Crew::ready(deployment)?;
            let end = this.session.end(&options);
            let node = this.create_node(&new).with(options.clone()).await?;
            let set_up = this.set_up(node.id.clone(), crew, &options);
            this.session.within(&options, end, set_up).await.map_err(|e| stays(&node, e))
        })
    }

    /// Waits until a node runs, and sets it up over SSH.
    ///
    /// # Errors
    /// As [`deploy_node`](Compute::deploy_node), which has more to say.
    pub fn deploy_to(&self, node: impl AsRef<str>, deployment: &Deployment) -> Op<Deployed> {
        let node = id(node.as_ref(), "node").map(str::to_owned);
        let (this, deployment) = (self.clone(), deployment.clone());
        Op::own(&self.session, "deploy_to", |options| async move {
            let crew = Crew::ready(deployment)?;
            let end = this.session.end(&options);
            this.session.within(&options, end, this.set_up(node?, crew, &options)).await
        })
    }

    async fn set_up(&self, id: String, crew: Crew, options: &Options) -> Result<Deployed> {
        let mut node = self.wait_until_running(&id).await?;
        // Some clouds show a node's address a little later than that it runs.
        for _ in 0..LOOKS {
            if !crew.addresses(&node).is_empty() {
                return crew.deploy(node).await;
            }
            self.session.pause(BETWEEN_LOOKS).await;
            node = self.get_node(&id).with(options.untimed()).await?;
        }
        let text =
            "it runs and has no address; connect it to a network, or give it a public address";
        Err(Error::new(ErrorKind::Failed, text))
    }
}

/// Names the node that is there in spite of the error.
fn stays(Node { id, name, .. }: &Node, error: Error) -> Error {
    error.beginning_with(&format!("node {name:?} ({id}) is there and not deployed"))
}

const LOOKS: usize = 20;
const BETWEEN_LOOKS: Duration = Duration::from_secs(3);
