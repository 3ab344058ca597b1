//! What is done to a server that there is.
//!
//! <https://docs.openstack.org/api-ref/compute/#servers-run-an-action-servers-action>

use http::StatusCode;
use serde_json::{Value, json};

use super::{NOVA, get};
use crate::call::{Call, Replay, Request, Step};
use crate::error::Result;
use crate::provider::openstack::{fault, link};
use crate::service::node::{NodeState, Reboot};

pub(super) fn reboot(id: &str, how: Reboot) -> Result<Call<()>> {
    let how = match how {
        Reboot::Soft => "SOFT",
        Reboot::Hard => "HARD",
    };
    let request = request(id, &json!({"reboot": {"type": how}}))?;
    Ok(Call::new(request, |response| fault::success(&response).map(Step::Done)))
}

pub(super) fn start(id: &str) -> Result<Call<()>> {
    towards(id, &json!({"os-start": null}), NodeState::Running)
}

pub(super) fn stop(id: &str) -> Result<Call<()>> {
    towards(id, &json!({"os-stop": null}), NodeState::Stopped)
}

/// Brings a server to a state. Told twice, Nova says that it is in it already: then what it is told
/// once more because the answer was lost has been done.
fn towards(id: &str, action: &Value, goal: NodeState) -> Result<Call<()>> {
    let request = request(id, action)?.replay(Replay::Safe);
    let id = id.to_owned();
    Ok(Call::new(request, move |response| {
        let refused = match fault::success(&response) {
            Ok(()) => return Ok(Step::Done(())),
            Err(refused) => refused,
        };
        if !response.resent || response.status != StatusCode::CONFLICT {
            return Err(refused);
        }
        let look = get(&id)?.then(move |node| match node.state == goal {
            true => Ok(Step::Done(())),
            false => Err(refused),
        });
        Ok(Step::Next(look))
    }))
}

fn request(id: &str, action: &Value) -> Result<Request> {
    Request::post(NOVA, format!("/servers/{}/action", link::segment(id)?)).json(action)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::provider::dialect::answer::answer;
    use crate::provider::dialect::by_hand::{failed, read};

    fn body(call: &Call<()>) -> String {
        let bytes = call.request.body.bytes().expect("bytes");
        String::from_utf8(bytes.to_vec()).expect("text")
    }

    #[test]
    fn actions_go_to_the_server_as_nova_wants_them() {
        for (call, said, replay) in [
            (reboot("a", Reboot::Soft), r#"{"reboot":{"type":"SOFT"}}"#, Replay::Never),
            (reboot("a", Reboot::Hard), r#"{"reboot":{"type":"HARD"}}"#, Replay::Never),
            (start("a"), r#"{"os-start":null}"#, Replay::Safe),
            (stop("a"), r#"{"os-stop":null}"#, Replay::Safe),
        ] {
            let call = call.expect("a call");
            assert_eq!(call.request.path, "/servers/a/action");
            assert_eq!(body(&call), said);
            assert_eq!(call.request.replay, replay, "{said}");
            read(call, 202, "").expect("done");
        }
        assert_eq!(failed(start("a/b")).kind(), ErrorKind::Invalid);
    }

    #[test]
    fn a_refusal_is_a_conflict_and_after_a_lost_answer_it_is_looked_into() {
        const REFUSED: &str = r#"{"conflictingRequest": {"code": 409, "message": "Cannot 'stop'
            instance a while it is in vm_state stopped"}}"#;
        let refused = failed(read(stop("a").expect("a call"), 409, REFUSED));
        assert_eq!(refused.kind(), ErrorKind::Conflict);

        let resent = || {
            let mut response = answer(409, &[], REFUSED);
            response.resent = true;
            let step = (stop("a").expect("a call").read)(Ok(response));
            let Ok(Step::Next(look)) = step else { panic!("it has to be looked into") };
            assert_eq!(look.request.path, "/servers/a");
            look
        };
        let server = |status| format!(r#"{{"server": {{"id": "a", "status": "{status}"}}}}"#);
        read(resent(), 200, &server("SHUTOFF")).expect("it has stopped");
        let refused = failed(read(resent(), 200, &server("ACTIVE")));
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        assert!(refused.to_string().contains("vm_state stopped"), "{refused}");
    }
}
