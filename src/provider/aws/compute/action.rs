//! What is done to an instance that there is.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Operations.html>

use super::{EC2, VERSION};
use crate::call::{Call, Request, Step};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::aws::fault;
use crate::provider::aws::query::Query;
use crate::service::node::Reboot;

/// EC2 asks the instance to restart, and cuts its power if that takes some minutes.
pub(super) fn reboot(id: &str, how: Reboot) -> Result<Call<()>> {
    match how {
        Reboot::Soft => Ok(done(on(id, "RebootInstances").changing(EC2))),
        Reboot::Hard => {
            let text = "EC2 has no hard reboot; it makes one of a soft one that takes minutes, or \
                        use stop_node, wait_until_stopped and start_node";
            Err(Error::new(ErrorKind::Unsupported, text))
        }
    }
}

/// To start what runs changes nothing.
pub(super) fn start(id: &str) -> Call<()> {
    done(on(id, "StartInstances").reading(EC2))
}

/// To stop what is stopped changes nothing.
pub(super) fn stop(id: &str) -> Call<()> {
    done(on(id, "StopInstances").reading(EC2))
}

/// By EC2's own word, to terminate an instance twice is to terminate it once.
pub(super) fn destroy(id: &str) -> Call<()> {
    done(on(id, "TerminateInstances").reading(EC2))
}

fn on(id: &str, action: &str) -> Query {
    Query::new(action, VERSION).with("InstanceId.1", id)
}

fn done(request: Request) -> Call<()> {
    Call::new(request, |response| fault::success(&response).map(Step::Done))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Replay;
    use crate::provider::aws::tests::body;
    use crate::provider::dialect::by_hand::{failed, read};

    #[test]
    fn actions_name_the_instance_and_only_a_reboot_is_never_told_twice() {
        for (call, action, replay) in [
            (reboot("i-1", Reboot::Soft).expect("a call"), "RebootInstances", Replay::Never),
            (start("i-1"), "StartInstances", Replay::Safe),
            (stop("i-1"), "StopInstances", Replay::Safe),
            (destroy("i-1"), "TerminateInstances", Replay::Safe),
        ] {
            let said = format!("Action={action}&Version=2016-11-15&InstanceId.1=i-1");
            assert_eq!(body(&call), said);
            assert_eq!(call.request.replay, replay, "{action}");
            read(call, 200, "<Response><return>true</return></Response>").expect("done");
        }
        assert_eq!(failed(reboot("i-1", Reboot::Hard)).kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_wrong_state_is_a_conflict() {
        let refused = "<Response><Errors><Error><Code>IncorrectInstanceState</Code><Message>The \
            instance is not in a state from which it can be started.</Message></Error></Errors>\
            <RequestID>r</RequestID></Response>";
        assert_eq!(failed(read(start("i-1"), 400, refused)).kind(), ErrorKind::Conflict);
    }
}
