//! Spans: one for each operation, one within it for each request that goes out, and nothing for
//! those who do not listen. The manual's page `tracing` tells what they say.
#![cfg(feature = "sim")]

mod recorder;

use std::future::Future;
use std::net::TcpListener;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use recorder::{Recorder, Seen};
use tracing::Instrument;
use tracing::instrument::WithSubscriber;
use tracing::level_filters::LevelFilter;
use welkin::sim::{Fault, Sim};
use welkin::{Compute, Driver, ErrorKind, Retry, Settings, openstack};

fn sim() -> Sim {
    let no = Duration::ZERO;
    Sim::builder().login_delay(no).read_delay(no).create_delay(no).boot_time(no).start().unwrap()
}

fn quick() -> Settings {
    let ms = Duration::from_millis;
    Settings::new().retry(Retry::attempts(3).pauses(ms(1), ms(2)))
}

fn compute(sim: &Sim) -> Compute {
    Driver::open_with(sim.config(), quick()).unwrap().compute().unwrap()
}

/// Has a token, and a connection.
fn warm(sim: &Sim) -> Compute {
    let compute = compute(sim);
    compute.list_sizes().wait().unwrap();
    compute
}

fn named<'a>(spans: &'a [Seen], name: &str) -> Vec<&'a Seen> {
    spans.iter().filter(|span| span.get("otel.name") == name).collect()
}

#[test]
fn a_list_is_an_operation_with_one_request_in_it() {
    let (sim, log) = (sim(), Recorder::default());
    let driver = Driver::open(sim.config()).unwrap().in_region("RegionOne").unwrap();
    let compute = driver.compute().unwrap();
    compute.list_sizes().wait().unwrap();
    log.hear(|| compute.list_nodes().wait()).unwrap();
    let spans = log.spans();
    let [operation, attempt] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!((operation.name, operation.target, operation.parent), ("operation", "welkin", None));
    let fields: Vec<_> = operation.fields.iter().map(|(name, v)| (*name, v.as_str())).collect();
    assert_eq!(
        fields,
        [
            ("cloud.region", "RegionOne"),
            ("otel.kind", "client"),
            ("otel.name", "list_nodes"),
            ("welkin.operation", "list_nodes"),
            ("welkin.provider", "openstack"),
        ]
    );
    assert_eq!((attempt.name, attempt.target), ("attempt", "welkin"));
    assert_eq!(attempt.parent, Some(operation.id));
    let id = attempt.get("welkin.request_id");
    assert!(id.starts_with("req-"), "{id}");
    let port = sim.addr().port().to_string();
    let url = attempt.get("url.full");
    assert!(url.starts_with(&format!("http://127.0.0.1:{port}/compute/v2.1/servers/de")), "{url}");
    let fields: Vec<_> = attempt.fields.iter().map(|(name, v)| (*name, v.as_str())).collect();
    assert_eq!(
        fields,
        [
            ("http.request.method", "GET"),
            ("http.response.status_code", "200"),
            ("network.protocol.version", "1.1"),
            ("otel.kind", "client"),
            ("otel.name", "GET"),
            ("server.address", "127.0.0.1"),
            ("server.port", &port),
            ("url.full", url),
            ("welkin.request_id", id),
        ]
    );
    assert!(spans.iter().all(|span| span.over && span.events.is_empty()), "{spans:#?}");
}

#[test]
fn the_callers_span_is_the_parent_in_every_way_to_run() {
    let sim = sim();
    let (compute, log) = (warm(&sim), Recorder::default());
    log.hear(|| {
        tracing::info_span!("thread").in_scope(|| compute.list_nodes().wait()).unwrap();
        // Made in one span, awaited in another.
        let op = tracing::info_span!("made").in_scope(|| compute.find_size("m1.tiny"));
        smol::block_on(op.instrument(tracing::info_span!("smol"))).unwrap();
        let list = compute.list_nodes().instrument(tracing::info_span!("tokio"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(list).unwrap();
        tracing::info_span!("pages").in_scope(|| compute.list_nodes().iter().count());
    });
    let spans = log.spans();
    for (name, operation) in [
        ("thread", "list_nodes"),
        ("smol", "find_size"),
        ("tokio", "list_nodes"),
        ("pages", "list_nodes"),
    ] {
        let parent = spans.iter().find(|span| span.name == name).unwrap();
        let children: Vec<_> = spans.iter().filter(|s| s.parent == Some(parent.id)).collect();
        assert_eq!(children.len(), 1, "{name}: {spans:#?}");
        assert_eq!(children[0].get("welkin.operation"), operation);
    }
    let made = spans.iter().find(|span| span.name == "made").unwrap();
    assert!(spans.iter().all(|span| span.over && span.parent != Some(made.id)), "{spans:#?}");
}

#[test]
fn a_request_that_is_repeated_is_two_attempts_and_an_event_between_them() {
    let sim = sim();
    let (compute, log) = (warm(&sim), Recorder::default());
    sim.fail_next(Fault::unavailable().on("GET", "/compute/v2.1/servers"));
    log.hear(|| compute.list_nodes().wait()).unwrap();
    let spans = log.once_over();
    let [operation, first, second] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!((first.parent, second.parent), (Some(operation.id), Some(operation.id)));
    let seen = |span: &Seen| {
        ["http.response.status_code", "http.request.resend_count", "error.type", "otel.status_code"]
            .map(|name| span.get(name).to_owned())
    };
    assert_eq!(seen(first), ["503", "", "503", "ERROR"]);
    assert_eq!(seen(second), ["200", "1", "", ""]);
    assert!(operation.says("trying again"), "{operation:#?}");
    assert_eq!(operation.get("error.type"), "", "all is well that ends well");
}

#[test]
fn an_answer_that_breaks_off_is_an_attempt_that_says_so() {
    let sim = sim();
    let (compute, log) = (warm(&sim), Recorder::default());
    sim.fail_next(Fault::cut_body().on("GET", "/compute/v2.1/servers"));
    log.hear(|| compute.list_nodes().wait()).unwrap();
    let spans = log.once_over();
    let [operation, first, second] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!((first.get("error.type"), first.get("otel.status_code")), ("Protocol", "ERROR"));
    assert_ne!(first.get("otel.status_description"), "");
    assert_eq!(second.get("http.request.resend_count"), "1");
    assert_eq!((second.get("error.type"), operation.get("error.type")), ("", ""));
}

#[test]
fn a_failure_is_on_the_operation_with_its_kind() {
    let sim = sim();
    let (compute, log) = (warm(&sim), Recorder::default());
    let error = log.hear(|| compute.get_node("nobody").wait()).unwrap_err();
    let spans = log.once_over();
    let [operation, attempt] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!(operation.get("error.type"), "NotFound");
    assert_eq!(operation.get("otel.status_code"), "ERROR");
    assert_eq!(operation.get("otel.status_description"), error.to_string());
    assert_eq!((attempt.get("error.type"), attempt.get("otel.status_code")), ("404", "ERROR"));
    assert_eq!(attempt.get("welkin.request_id"), error.request_id().unwrap());
}

#[test]
fn a_cold_start_has_a_login_beside_it_and_says_what_it_waited_for() {
    let sim = sim();
    let (compute, log) = (compute(&sim), Recorder::default());
    log.hear(|| tracing::info_span!("mine").in_scope(|| compute.list_nodes().wait())).unwrap();
    // The login's thread ends by itself.
    let spans = log.once_over();
    let ([list], [login]) = (&named(&spans, "list_nodes")[..], &named(&spans, "login")[..]) else {
        panic!("{spans:#?}")
    };
    assert_eq!((login.parent, &login.follows[..]), (None, &[list.id][..]));
    assert_eq!((login.name, login.get("welkin.provider")), ("operation", "openstack"));
    assert!(login.says("waited for a connection") && login.says("logged in"), "{login:#?}");
    let [post] = &named(&spans, "POST")[..] else { panic!("{spans:#?}") };
    assert_eq!((post.parent, post.get("http.response.status_code")), (Some(login.id), "201"));
    assert_eq!(post.get("url.full"), format!("{}/auth/tokens", sim.auth_url()));
    assert!(list.says("waited for a login"), "{list:#?}");
    let waits = list.events.iter().filter_map(|event| event.get("waited_ms"));
    assert!(waits.clone().all(|ms| ms.parse::<f64>().unwrap() > 0.0), "{list:#?}");
}

#[test]
fn a_login_that_is_refused_fails_its_own_span_and_the_operations() {
    let (sim, log) = (sim(), Recorder::default());
    let config = openstack::Config::password(sim.auth_url(), "demo", "wrong").project("demo");
    let compute = Driver::open_with(config, quick()).unwrap().compute().unwrap();
    log.hear(|| compute.list_nodes().wait()).unwrap_err();
    let spans = log.once_over();
    for name in ["list_nodes", "login"] {
        let [span] = &named(&spans, name)[..] else { panic!("{spans:#?}") };
        assert_eq!(span.get("error.type"), "Auth", "{name}");
    }
    assert!(named(&spans, "GET").is_empty(), "nothing went out: {spans:#?}");
}

#[test]
fn without_a_connection_there_is_no_attempt_but_the_wait_is_told() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = openstack::Config::password(format!("http://{nobody}/v3"), "demo", "secret");
    let (config, log) = (config.project("demo"), Recorder::default());
    let compute = Driver::open_with(config, quick()).unwrap().compute().unwrap();
    let error = log.hear(|| compute.list_nodes().wait()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    let spans = log.once_over();
    let [login] = &named(&spans, "login")[..] else { panic!("{spans:#?}") };
    assert_eq!(login.get("error.type"), "Connection");
    let waits = login.events.iter().filter(|e| e["message"] == "waited for a connection");
    assert_eq!(waits.count(), 3, "as often as it was tried: {login:#?}");
    assert!(spans.iter().all(|span| span.name != "attempt"), "{spans:#?}");
}

#[test]
fn an_operation_that_is_dropped_closes_its_spans() {
    let sim = sim();
    let (compute, log) = (warm(&sim), Recorder::default());
    sim.fail_next(Fault::silence_before().on("GET", "/compute/v2.1/servers"));
    log.hear(|| {
        let mut list = Box::pin(compute.list_nodes());
        assert!(list.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let spans = log.spans();
        assert!(spans.len() == 2 && spans.iter().all(|span| !span.over), "{spans:#?}");
        assert!(tracing::Span::current().is_none(), "it is entered while it is polled, only");
        drop(list);
    });
    let spans = log.spans();
    assert!(spans.iter().all(|span| span.over), "{spans:#?}");
    assert_eq!(spans[1].get("http.response.status_code"), "");
}

#[test]
fn an_operation_that_was_not_polled_has_no_span() {
    let (sim, log) = (sim(), Recorder::default());
    let compute = warm(&sim);
    log.hear(|| drop((compute.get_node("1"), compute.list_nodes())));
    assert!(log.spans().is_empty());
}

#[test]
fn tasks_and_threads_at_once_do_not_mix_their_spans() {
    const TASKS: usize = 32;
    let (sim, log) = (sim(), Recorder::default());
    let settings = quick().connections_per_host(4);
    let driver = Driver::open_with(sim.config(), settings).unwrap();
    let compute = driver.compute().unwrap();
    let heard = log.at(LevelFilter::DEBUG);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(4).enable_all().build().unwrap();
    let task = |i: usize| {
        let compute = compute.clone();
        let work = async move {
            for _ in 0..4 {
                let error = compute.get_node(format!("task-{i}")).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::NotFound);
            }
        };
        tracing::dispatcher::with_default(&heard, || {
            work.instrument(tracing::info_span!("task", who = format!("task-{i}")))
                .with_subscriber(heard.clone())
        })
    };
    let tasks: Vec<_> = (0..TASKS).map(|i| runtime.spawn(task(i))).collect();
    std::thread::scope(|s| {
        for i in TASKS..TASKS + 8 {
            let task = task(i);
            s.spawn(move || smol::block_on(pin!(task)));
        }
    });
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    let spans = log.once_over();
    assert_eq!(named(&spans, "login").len(), 1);
    let mut seen = 0;
    for task in spans.iter().filter(|span| span.name == "task") {
        let below = |id| spans.iter().filter(move |span| span.parent == Some(id));
        assert_eq!(below(task.id).count(), 4);
        for operation in below(task.id) {
            let [attempt] = &below(operation.id).collect::<Vec<_>>()[..] else {
                panic!("{operation:#?}")
            };
            let url = attempt.get("url.full");
            assert!(url.ends_with(&format!("/{}", task.get("who"))), "{url} in {task:?}");
            seen += 1;
        }
    }
    assert_eq!(seen, 4 * (TASKS + 8));
}

#[test]
fn at_info_there_is_no_span() {
    let sim = sim();
    let (compute, log) = (compute(&sim), Recorder::default());
    let info = log.at(LevelFilter::INFO);
    tracing::dispatcher::with_default(&info, || {
        tracing::info_span!("mine").in_scope(|| compute.list_nodes().wait())
    })
    .unwrap();
    let spans = log.spans();
    let [mine] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!((mine.name, mine.events.len()), ("mine", 0));
}
