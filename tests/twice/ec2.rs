//! EC2's way: the same token with the same order, made up here as its documentation has it
//! (<https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>). What moto says to
//! it is in `tests/aws.rs`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use welkin::{Compute, Driver, ErrorKind, NewNode, NodeState, Retry, Settings, aws};

use crate::relay::{Message, Relay};

/// What becomes of an order on its way.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Answered,
    CutBefore,
    CutAfter,
    /// Something in between answers, in EC2's place.
    BadGateway,
}

/// An EC2 that remembers its orders.
#[derive(Default)]
struct Ec2 {
    /// The tokens, each with the order that came with it; the instance's id is made of its place.
    orders: Mutex<Vec<(String, String)>>,
    /// The bodies of all orders that arrived.
    arrived: Mutex<Vec<String>>,
    fates: Mutex<Vec<Fate>>,
}

impl Ec2 {
    fn answer(&self, request: &Message) -> Option<Message> {
        let form = request.text().to_owned();
        let said: BTreeMap<_, _> =
            form.split('&').filter_map(|pair| pair.split_once('=')).collect();
        assert_eq!(said["Action"], "RunInstances", "nothing else is asked");
        let mut fates = self.fates.lock().unwrap();
        let fate = if fates.is_empty() { Fate::Answered } else { fates.remove(0) };
        drop(fates);
        if fate == Fate::CutBefore {
            return None;
        }
        self.arrived.lock().unwrap().push(form.clone());
        let answer = self.run_instances(said["ClientToken"], &form);
        match fate {
            Fate::Answered => Some(answer),
            Fate::CutBefore | Fate::CutAfter => None,
            Fate::BadGateway => Some(http(502, "<h1>Bad Gateway</h1>")),
        }
    }

    fn run_instances(&self, token: &str, order: &str) -> Message {
        let mut orders = self.orders.lock().unwrap();
        let known = orders.iter().position(|(known, _)| known == token);
        let place = known.unwrap_or_else(|| {
            orders.push((token.to_owned(), order.to_owned()));
            orders.len() - 1
        });
        if orders[place].1 != order {
            let error = "<Code>IdempotentParameterMismatch</Code><Message>another</Message>";
            let error = format!("<Response><Errors><Error>{error}</Error></Errors></Response>");
            return http(400, &error);
        }
        http(
            200,
            &format!(
                "<RunInstancesResponse><instancesSet><item><instanceId>i-{place}</instanceId>\
                 <instanceState><code>0</code><name>pending</name></instanceState></item>\
                 </instancesSet></RunInstancesResponse>"
            ),
        )
    }
}

fn http(status: u16, body: &str) -> Message {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Type: text/xml\r\n\r\n");
    Message { head, body: Vec::new() }.with_body(body)
}

/// A cloud whose orders meet these fates, one after the other.
fn cloud(fates: &[Fate]) -> (Arc<Ec2>, Relay, Driver) {
    let ec2 = Arc::new(Ec2 { fates: Mutex::new(fates.to_vec()), ..Ec2::default() });
    let behind = Arc::clone(&ec2);
    let relay = Relay::start(move |request| behind.answer(request));
    let config = aws::Config::keys("AKIDEXAMPLE", "secret").region("us-east-1");
    let soon = Duration::from_millis(1);
    let settings = Settings::new().retry(Retry::attempts(2).pauses(soon, soon));
    let driver = Driver::open_with(config.endpoint_url_ec2(relay.url()), settings).unwrap();
    (ec2, relay, driver)
}

fn order(name: &str) -> NewNode {
    NewNode::named(name).size("t3.nano").image("ami-1").metadata("role", "web")
}

fn compute(driver: &Driver) -> Compute {
    driver.compute().unwrap()
}

#[test]
fn an_order_whose_answer_was_lost_is_sent_again_with_its_token_and_done_once() {
    use Fate::{BadGateway, CutAfter, CutBefore};
    for fates in [
        &[CutAfter][..],
        &[CutBefore],
        &[BadGateway],
        // More than the session tries by itself.
        &[CutAfter, CutBefore, CutAfter, BadGateway, CutBefore, CutAfter],
    ] {
        let (ec2, _relay, driver) = cloud(fates);
        let node = compute(&driver).create_node(&order("web-1")).wait().unwrap();
        assert_eq!((node.id.as_str(), node.state), ("i-0", NodeState::Pending));
        assert_eq!((node.name.as_str(), node.metadata["role"].as_str()), ("web-1", "web"));
        let mut arrived = ec2.arrived.lock().unwrap().clone();
        assert!(arrived.len() + fates.iter().filter(|f| **f == CutBefore).count() > fates.len());
        arrived.dedup();
        assert_eq!(arrived.len(), 1, "all alike: {arrived:?}");
        assert_eq!(ec2.orders.lock().unwrap().len(), 1);
    }
}

#[test]
fn each_order_has_its_own_token_also_two_of_one_name() {
    let (ec2, _relay, driver) = cloud(&[Fate::CutAfter]);
    let compute = compute(&driver);
    let ids = thread::scope(|s| {
        let both = [0, 1].map(|_| s.spawn(|| compute.create_node(&order("twin")).wait()));
        both.map(|one| one.join().unwrap().unwrap().id)
    });
    assert_ne!(ids[0], ids[1]);
    assert_eq!(ec2.orders.lock().unwrap().len(), 2);
}

#[test]
fn what_stays_unanswered_for_the_operations_time_is_ambiguous() {
    let (ec2, _relay, driver) = cloud(&[Fate::CutAfter; 100]);
    let create = compute(&driver).create_node(&order("web-1")).timeout(Duration::from_secs(2));
    let error = create.wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error:?}");
    assert!(!error.is_retryable(), "a new call would order another one");
    assert!(error.to_string().contains("\"web-1\""), "{error}");
    assert!(ec2.arrived.lock().unwrap().len() > 4, "more than the session tries by itself");
    assert_eq!(ec2.orders.lock().unwrap().len(), 1);
}

#[test]
fn an_order_that_never_left_is_no_more_than_a_failed_connection() {
    let (_ec2, relay, driver) = cloud(&[]);
    let address = relay.address();
    drop(relay);
    while std::net::TcpStream::connect(address).is_ok() {
        thread::yield_now();
    }
    let error = compute(&driver).create_node(&order("web-1")).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error:?}");
    assert!(error.is_retryable());
}

#[test]
fn a_node_that_ec2_does_not_show_yet_is_waited_for() {
    let asked = AtomicUsize::new(0);
    let relay = Relay::start(move |_| {
        if asked.fetch_add(1, SeqCst) < 3 {
            let error = "<Code>InvalidInstanceID.NotFound</Code><Message>none</Message>";
            let error = format!("<Response><Errors><Error>{error}</Error></Errors></Response>");
            return Some(http(400, &error));
        }
        let instance =
            "<instanceId>i-0</instanceId><instanceState><name>running</name></instanceState>";
        let set = format!("<item><instancesSet><item>{instance}</item></instancesSet></item>");
        let set = format!("<reservationSet>{set}</reservationSet>");
        Some(http(200, &format!("<DescribeInstancesResponse>{set}</DescribeInstancesResponse>")))
    });
    let config = aws::Config::keys("AKIDEXAMPLE", "secret").region("us-east-1");
    let compute = compute(&Driver::open(config.endpoint_url_ec2(relay.url())).unwrap());
    assert_eq!(compute.wait_until_running("i-0").wait().unwrap().state, NodeState::Running);
}
