use std::error::Error as _;
use std::time::Duration;

use super::*;
use crate::call::Replay;
use crate::error::Phase;
use crate::provider::aws::tests::body;
use crate::provider::dialect::answer::answer;
use crate::provider::dialect::by_hand::{failed, read};
use crate::service::node::NodeState;

const TAKEN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<RunInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>r1</requestId><reservationId>r-1</reservationId><ownerId>1</ownerId><groupSet/>
  <instancesSet><item>
    <instanceId>i-1</instanceId><imageId>ami-1</imageId>
    <instanceState><code>0</code><name>pending</name></instanceState>
    <instanceType>t3.nano</instanceType><clientToken>x</clientToken>
    <privateIpAddress>10.0.0.1</privateIpAddress>
  </item></instancesSet>
</RunInstancesResponse>"#;

fn order() -> NewNode {
    NewNode::named("web 1").size("t3.nano").image("ami-1")
}

fn call() -> Call<Node> {
    create(&order()).expect("a call")
}

fn refused(code: &str) -> String {
    format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors>\
         <RequestID>r2</RequestID></Response>"
    )
}

/// What follows when no attempt of the session brought an answer.
fn cut(call: Call<Node>) -> Step<Node> {
    (call.read)(Err(Error::new(ErrorKind::Ambiguous, "cut"))).expect("something follows")
}

#[test]
fn an_order_says_all_that_was_asked_for_and_has_a_token_of_its_own() {
    let new = order().network("subnet-1").key_pair("mine").metadata("a b", "c&d");
    let calls = [0, 1].map(|_| create(&new).expect("a call"));
    let (said, token) = body(&calls[0]).rsplit_once("&ClientToken=").expect("a token");
    let expected = "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1&ImageId=ami-1\
        &InstanceType=t3.nano&KeyName=mine&SubnetId=subnet-1\
        &TagSpecification.1.ResourceType=instance\
        &TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=web+1\
        &TagSpecification.1.Tag.2.Key=a+b&TagSpecification.1.Tag.2.Value=c%26d";
    assert_eq!(said, expected);
    assert_eq!(token.len(), 32, "EC2 takes up to 64 ASCII characters");
    assert_ne!(body(&calls[0]), body(&calls[1]));
    assert_eq!(calls[0].request.replay, Replay::Known);
}

#[test]
fn an_order_says_where_the_node_goes_and_what_it_is_told() {
    let new = order().location("x-1a").security_group("sg-1").security_group("web").user_data("hi");
    let call = create(&new).expect("a call");
    for part in [
        "&Placement.AvailabilityZone=x-1a&",
        "&SecurityGroupId.1=sg-1&",
        "&SecurityGroup.1=web&",
        "&UserData=aGk%3D&",
    ] {
        assert!(body(&call).contains(part), "{part} in {}", body(&call));
    }
    let full = failed(create(&order().user_data(vec![0; 16_385])));
    assert!(full.to_string().contains("EC2 takes 16384"), "{full}");
}

#[test]
fn the_root_disk_is_named_as_the_image_names_it() {
    let image = |device: &str| {
        format!(
            "<DescribeImagesResponse><imagesSet><item><imageId>ami-1</imageId>{device}</item>\
             </imagesSet></DescribeImagesResponse>"
        )
    };
    let ask = || create(&order().root_volume_gb(20)).expect("a call");
    assert!(body(&ask()).contains("Action=DescribeImages&Version=2016-11-15&ImageId.1=ami-1"));
    let named = image("<rootDeviceName>/dev/xvda</rootDeviceName>");
    let order = (ask().read)(Ok(answer(200, &[], &named))).expect("it is ordered").call();
    for part in [
        "BlockDeviceMapping.1.DeviceName=%2Fdev%2Fxvda",
        "BlockDeviceMapping.1.Ebs.VolumeSize=20",
        "BlockDeviceMapping.1.Ebs.DeleteOnTermination=true",
    ] {
        assert!(body(&order).contains(part), "{part} in {}", body(&order));
    }
    let nameless = failed(read(ask(), 200, &image("")));
    assert_eq!(nameless.kind(), ErrorKind::Invalid);
    let gone = refused("InvalidAMIID.NotFound");
    assert_eq!(failed(read(ask(), 400, &gone)).kind(), ErrorKind::Invalid, "the order is wrong");
}

#[test]
fn what_ec2_has_not_is_invalid_before_anything_is_sent() {
    for odd in [order().network("subnet-1").network("subnet-2"), order().metadata("Name", "x")] {
        assert_eq!(failed(create(&odd)).kind(), ErrorKind::Invalid);
    }
}

#[test]
fn the_ordered_node_has_its_name_and_notes_before_ec2_shows_them() {
    let new = order().metadata("role", "web");
    let node = read(create(&new).expect("a call"), 200, TAKEN).expect("a node");
    assert_eq!((node.id.as_str(), node.name.as_str()), ("i-1", "web 1"));
    assert_eq!((node.state, node.metadata["role"].as_str()), (NodeState::Pending, "web"));
}

#[test]
fn a_lost_order_is_sent_again_as_it_was_until_ec2_answers() {
    let call = call();
    let sent = body(&call).to_owned();
    let Step::Next(again) = cut(call) else { panic!("it is sent again at once") };
    assert_eq!(body(&again), sent);
    // 200 and half an instance is as good as no answer, and so is a server error.
    let mut step = (again.read)(Ok(answer(200, &[], &TAKEN[..300]))).expect("something follows");
    for status in [500, 502, 503, 504] {
        let Step::Wait(pause, again) = step else { panic!("not at once") };
        assert!(pause > Duration::from_millis(100), "{pause:?}");
        assert_eq!((body(&again), again.request.replay), (sent.as_str(), Replay::Known));
        step = (again.read)(Ok(answer(status, &[], ""))).expect("something follows");
    }
    let node = read(step.call(), 200, TAKEN).expect("a node");
    assert_eq!((node.id.as_str(), node.name.as_str()), ("i-1", "web 1"));
}

#[test]
fn what_stays_lost_is_ambiguous_and_says_how_often_it_was_asked_for() {
    let mut step = cut(call());
    let mut tokens = Vec::new();
    let error = loop {
        let again = step.call();
        tokens.push(body(&again).rsplit_once('=').expect("a token").1.to_owned());
        let gone = Error::new(ErrorKind::Connection, "refused");
        match (again.read)(Err(gone)) {
            Ok(next) => step = next,
            Err(error) => break error,
        }
    };
    assert_eq!((tokens.len(), error.kind()), (7, ErrorKind::Ambiguous));
    tokens.dedup();
    let [token] = &tokens[..] else { panic!("one token: {tokens:?}") };
    assert!(!error.is_retryable());
    let text = error.to_string();
    for said in ["\"web 1\"", token, "7 times over 1", "refused", "before you order again"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert_eq!(error.source().expect("how it was lost").to_string(), "cut");

    let again = cut(call()).call();
    let over = Error::new(ErrorKind::Timeout(Phase::Wait), "not yet");
    assert_eq!(failed((again.read)(Err(over))).kind(), ErrorKind::Ambiguous);
}

#[test]
fn a_refusal_is_what_it_says_unless_an_attempt_before_it_may_have_done_it() {
    for (status, code, kind, after_a_loss) in [
        (400, "InvalidAMIID.NotFound", ErrorKind::Invalid, ErrorKind::Invalid),
        (400, "InstanceLimitExceeded", ErrorKind::Quota, ErrorKind::Quota),
        (400, "IdempotentParameterMismatch", ErrorKind::Conflict, ErrorKind::Conflict),
        (500, "InsufficientInstanceCapacity", ErrorKind::Unavailable, ErrorKind::Unavailable),
        (401, "AuthFailure", ErrorKind::Auth, ErrorKind::Ambiguous),
        (403, "UnauthorizedOperation", ErrorKind::Forbidden, ErrorKind::Ambiguous),
    ] {
        let error = failed(read(call(), status, &refused(code)));
        assert_eq!((error.kind(), error.code()), (kind, Some(code)));
        let error = failed(read(cut(call()).call(), status, &refused(code)));
        assert_eq!(error.kind(), after_a_loss, "{code}");
        // The same when the session itself has sent it twice.
        let mut resent = answer(status, &[], &refused(code));
        resent.resent = true;
        match (call().read)(Ok(resent)) {
            Ok(step) => assert_eq!(after_a_loss, ErrorKind::Ambiguous, "{:?}", step.call()),
            Err(error) => assert_eq!(error.kind(), after_a_loss, "{code}"),
        }
    }
    let refused = Error::new(ErrorKind::Connection, "refused");
    assert_eq!(failed((call().read)(Err(refused))).kind(), ErrorKind::Connection);
}
