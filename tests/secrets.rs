//! No password, secret or token in anything that a program prints: errors with all that they came
//! of, panics, `Debug`, `Display`, and every span and event of `tracing`.
#![cfg(all(feature = "sim", feature = "aws"))]

use std::cell::RefCell;
use std::error::Error as _;
use std::fmt::{self, Debug, Write as _};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{env, fs, panic, thread};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use welkin::sim::{Builder, Fault, Sim};
use welkin::{Cancel, Driver, Error, NewNode, Retry, Settings, aws, openstack};

const PASSWORD: &str = "correct-horse-battery-staple";
const WRONG: &str = "incorrect-horse-battery-staple";
const SECRET_KEY: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";
const SESSION: &str = "FwoGZXIvYXdzEXAMPLESESSIONTOKEN";
const SEED: u64 = 7;

thread_local! {
    /// What this test has printed itself.
    static OWN: RefCell<String> = RefCell::default();
}

/// What was traced, and said by panics, on any thread.
fn capture() -> &'static Mutex<String> {
    static CAPTURE: OnceLock<Mutex<String>> = OnceLock::new();
    CAPTURE.get_or_init(|| {
        let registry = Registry::default().with(Recorder);
        tracing::subscriber::set_global_default(registry).unwrap();
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            hear(info);
            before(info);
        }));
        Mutex::default()
    })
}

fn hear(what: impl fmt::Display) {
    let line = format!("{what}\n");
    capture().lock().unwrap().push_str(&line);
}

fn note(what: impl fmt::Display) {
    let line = format!("{what}\n");
    OWN.with_borrow_mut(|own| own.push_str(&line));
}

/// Which secrets a text holds. The first half of one is enough.
fn leaks(text: &str) -> Vec<String> {
    let credential = Sim::APPLICATION_CREDENTIAL_SECRET;
    let fixed = [PASSWORD, WRONG, SECRET_KEY, SESSION, credential].map(str::to_owned);
    let mut all: Vec<_> = fixed.into_iter().chain([token().to_owned()]).collect();
    all.retain(|secret| text.contains(&secret[..secret.len() / 2]));
    all
}

/// What every test ends with.
fn assert_silent() {
    let text = OWN.take() + &capture().lock().unwrap();
    if let Some(secret) = leaks(&text).first() {
        let half = &secret[..secret.len() / 2];
        let line = text.lines().find(|line| line.contains(half)).unwrap();
        panic!("a secret was printed: {}", line.replace(half, "HERE"));
    }
}

/// The first token of every cloud of the seed.
fn token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| {
        let twin = cloud().start().unwrap();
        let login = serde_json::json!({"auth": {"identity": {"methods": ["password"], "password":
            {"user": {"name": "demo", "password": PASSWORD, "domain": {"name": "Default"}}}},
            "scope": {"project": {"name": "demo", "domain": {"name": "Default"}}}}});
        let login = login.to_string();
        let mut socket = TcpStream::connect(twin.addr()).unwrap();
        write!(
            socket,
            "POST /identity/v3/auth/tokens HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{login}",
            login.len()
        )
        .unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let line = answer.lines().find_map(|line| line.strip_prefix("x-subject-token: "));
        line.expect("a token").to_owned()
    })
}

fn cloud() -> Builder {
    // From here on everything is heard.
    capture();
    let no = Duration::ZERO;
    let builder = Sim::builder().seed(SEED).password(PASSWORD);
    builder.login_delay(no).read_delay(no).create_delay(no).boot_time(no)
}

fn quick() -> Settings {
    let ms = Duration::from_millis;
    Settings::new().attempt_timeout(ms(100)).retry(Retry::attempts(2).pauses(ms(1), ms(2)))
}

/// `Debug` in both forms.
fn show(what: &impl Debug) {
    note(format_args!("{what:?} {what:#?}"));
}

fn show_error(error: &Error) {
    show(error);
    note(error);
    let mut source = error.source();
    while let Some(error) = source {
        note(format_args!("{error} {error:?} {error:#?}"));
        source = error.source();
    }
}

/// Takes every span and event there is.
struct Recorder;

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut text = Text(format!("{} {}:", span.metadata().target(), span.metadata().name()));
        span.record(&mut text);
        hear(text.0);
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut text = Text(String::new());
        values.record(&mut text);
        hear(text.0);
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text(event.metadata().target().to_owned());
        event.record(&mut text);
        hear(text.0);
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

#[test]
fn the_search_finds_what_is_there() {
    assert_eq!(leaks(&format!("a {PASSWORD} b")), [PASSWORD]);
    assert_eq!(leaks(&token()[..100]), [token()]);
    assert!(leaks("a b").is_empty());
}

#[test]
fn a_day_in_the_life_of_a_driver() {
    let builder = cloud();
    show(&builder);
    let sim = builder.start().unwrap();
    let (config, settings) = (sim.config(), quick());
    show(&(&sim, &config, &settings));
    let driver = Driver::open_with(config, settings).unwrap();
    let compute = driver.compute().unwrap();
    let (image, size) = (compute.find_image("tiny"), compute.find_size("m1.tiny"));
    show(&(&driver, &compute, &image, &size));
    let (image, size) = (image.wait().unwrap(), size.wait().unwrap());
    let spec = NewNode::named("web").size(&size).image(&image);
    let create = compute.create_node(&spec).header("x-mine", "1");
    show(&(&image, &size, &spec, &create));
    let node = create.wait().unwrap();
    let list = compute.list_nodes();
    show(&(&node, &list));
    show(&list.page(None).wait().unwrap());
    let native = driver.native::<openstack::OpenStack>().unwrap();
    let call = native.list_networks();
    show(&(native, &call));
    show(&driver.send(call).wait().unwrap());
    show(&(driver.stats(), sim.stats(), Cancel::new()));
    // The token of the test's own login is this driver's, too: else it would look for nothing.
    let mut socket = TcpStream::connect(sim.addr()).unwrap();
    let head = "GET /compute/v2.1/flavors HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n";
    write!(socket, "{head}X-Auth-Token: {}\r\n\r\n", token()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    sim.revoke_tokens();
    compute.list_nodes().wait().unwrap();
    for heard in [
        "logged in",
        "welkin operation: otel.name=\"login\"",
        "welkin.operation=\"create_node\"",
        "welkin attempt: otel.name=\"POST\"",
        "url.full=\"http://127.0.0.1:",
        "http.response.status_code=401\n",
    ] {
        assert!(capture().lock().unwrap().contains(heard), "tracing was heard: {heard}");
    }
    assert_silent();
}

#[test]
fn every_kind_of_failure() {
    let sim = cloud().start().unwrap();
    for fault in [
        Fault::unauthorized(),
        Fault::too_many_requests(Duration::from_secs(100)),
        Fault::unavailable(),
        Fault::bad_gateway(),
        Fault::answer(302).header("location", &format!("http://127.0.0.1:9/?t={}", token())),
        Fault::not_json(),
        Fault::not_http(),
        Fault::wrong_length(5),
        Fault::reset_before(),
        Fault::cut_body(),
        Fault::silence_before(),
        Fault::half_close_before(),
        Fault::answer(200).header("content-type", "application/json").body("{\"servers\": 1}"),
    ] {
        // One that was told to slow down would be silent after that.
        let compute = Driver::open_with(sim.config(), quick()).unwrap().compute().unwrap();
        compute.list_sizes().wait().unwrap();
        sim.fail_next(fault.on("GET", "/compute/v2.1/servers").times(4));
        let error = compute.list_nodes().wait().unwrap_err();
        show_error(&error);
        sim.clear_faults();
    }
    assert_silent();
}

#[test]
fn logins_that_are_refused_or_broken() {
    let sim = cloud().start().unwrap();
    let nodes = |config: openstack::Config| {
        show(&config);
        let driver = Driver::open_with(config, quick())?;
        driver.compute()?.list_nodes().wait()
    };
    let (url, id) = (sim.auth_url(), Sim::APPLICATION_CREDENTIAL_ID);
    let secret = Sim::APPLICATION_CREDENTIAL_SECRET;
    nodes(openstack::Config::application_credential(url, id, secret)).unwrap();
    for config in [
        openstack::Config::password(url, "demo", WRONG).project("demo"),
        openstack::Config::password(url, "demo", PASSWORD).project("nobody's"),
        openstack::Config::password(url, "demo", format!("{PASSWORD}\n")).project("demo"),
        openstack::Config::application_credential(url, "unknown", secret),
        openstack::Config::application_credential(url, id, format!("{secret}x")),
        openstack::Config::password("http://127.0.0.1:1", "demo", PASSWORD).project("demo"),
        openstack::Config::password(format!("http://demo:{PASSWORD}@h/"), "demo", PASSWORD),
        openstack::Config::password(url, "demo", PASSWORD).region("nowhere").project("demo"),
    ] {
        show_error(&nodes(config).unwrap_err());
    }
    for fault in [
        Fault::reset_after(),
        Fault::not_json(),
        Fault::cut_body(),
        Fault::silence_after(),
        Fault::wrong_length(-3),
        Fault::answer(201).header("x-subject-token", token()).body("{\"token\": 1}"),
    ] {
        sim.fail_next(fault.on("POST", "/identity").times(4));
        show_error(&nodes(sim.config()).unwrap_err());
        sim.clear_faults();
    }
    assert_silent();
}

fn said(text: &str) -> String {
    serde_json::json!({"error": {"message": text, "code": 400}}).to_string()
}

#[test]
fn a_login_that_is_answered_with_the_password() {
    let sim = cloud().start().unwrap();
    for status in [400, 401, 500, 503] {
        let echo = format!("Invalid input for field 'password': '{PASSWORD}' is too long");
        let fault = Fault::answer(status).body(said(&echo)).on("POST", "/identity");
        sim.fail_next(fault.times(4));
        let driver = Driver::open_with(sim.config(), quick()).unwrap();
        show_error(&driver.compute().unwrap().list_nodes().wait().unwrap_err());
        sim.clear_faults();
    }
    assert_silent();
}

#[test]
fn a_call_that_is_answered_with_the_token() {
    let sim = cloud().start().unwrap();
    let compute = Driver::open_with(sim.config(), quick()).unwrap().compute().unwrap();
    compute.list_sizes().wait().unwrap();
    let echo = format!("cannot handle X-Auth-Token: {} (403)", token());
    for status in [400, 403, 500, 503] {
        sim.fail_next(Fault::answer(status).body(said(&echo)).on("GET", "/compute").times(4));
        show_error(&compute.list_nodes().wait().unwrap_err());
        sim.clear_faults();
    }
    let config = aws::Config::keys("AKIAEXAMPLE", SECRET_KEY).session_token(SESSION);
    let config = config.region("us-east-1").endpoint_url(sim.base_url());
    let storage = Driver::open_with(config, quick()).unwrap().storage().unwrap();
    sim.fail_next(Fault::answer(403).body(format!("<html>{SESSION} is odd</html>")));
    show_error(&storage.list_containers().wait().unwrap_err());
    assert_silent();
}

#[test]
fn keys_of_aws() {
    let sim = cloud().start().unwrap();
    let config = aws::Config::keys("AKIAEXAMPLE", SECRET_KEY).session_token(SESSION);
    let config = config.region("us-east-1").endpoint_url(sim.base_url());
    show(&config);
    let driver = Driver::open_with(config, quick()).unwrap();
    let storage = driver.storage().unwrap();
    let upload = storage.upload_object("c", "o", "content");
    let download = storage.download_object("c", "o");
    show(&(&driver, &storage, &upload, &download));
    show_error(&upload.wait().unwrap_err());
    show_error(&download.bytes().wait().unwrap_err());
    // A store that has no words for it, and all the headers.
    let body = format!("<Error><Token>{SESSION}</Token></Error>");
    sim.fail_next(Fault::answer(403).body(body));
    show_error(&storage.list_containers().wait().unwrap_err());
    show_error(&driver.compute().unwrap().list_nodes().wait().unwrap_err());
    assert_silent();
}

/// Takes one connection, answers what comes in one by one, and gives back the heads of it.
fn peer(answers: &'static [&'static str]) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heads = thread::spawn(move || {
        let mut client = BufReader::new(listener.accept().unwrap().0);
        let mut heads = String::new();
        for answer in answers {
            while client.read_line(&mut heads).unwrap() > 2 {}
            client.get_mut().write_all(answer.as_bytes()).unwrap();
        }
        heads
    });
    (address, heads)
}

/// What stands behind a word in the heads of requests.
fn after<'a>(word: &str, heads: &'a str) -> &'a str {
    let rest = heads.split_once(word).expect(word).1;
    rest.split_once("\r\n").map_or(rest, |(value, _)| value)
}

const NO: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";

#[test]
fn signatures_proxies_and_names_that_are_addresses() {
    capture();
    let (proxy, heads) = peer(&["HTTP/1.1 200 OK\r\n\r\n", NO]);
    let config = aws::Config::keys("AKIAEXAMPLE", SECRET_KEY).session_token(SESSION);
    let config = config.region("us-east-1").endpoint_url("http://store.example");
    let url = format!("http://user:{PASSWORD}@{proxy}");
    let settings = Settings::new().retry(Retry::never()).proxy(&url).unwrap();
    show(&settings);
    let storage = Driver::open_with(config, settings).unwrap().storage().unwrap();
    // Somebody takes an address for a name.
    let name = format!("o?X-Amz-Signature={SECRET_KEY}&X-Amz-Security-Token={SESSION}");
    show_error(&storage.download_object("c", &name).bytes().wait().unwrap_err());
    let heads = heads.join().unwrap();
    let secrets = [after("Signature=", &heads), after("Proxy-Authorization: Basic ", &heads)];
    let heard = capture().lock().unwrap();
    assert!(heard.contains("url.full=\"http://store.example:80/"), "{heard}");
    for secret in secrets {
        assert!(secret.len() > 20 && !heard.contains(secret));
    }
    drop(heard);

    let (proxy, heads) = peer(&["HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n"]);
    let url = format!("http://user:{PASSWORD}@{proxy}");
    let settings = Settings::new().retry(Retry::never()).proxy(&url).unwrap();
    let config = openstack::Config::password("http://cloud.example/v3", "demo", PASSWORD);
    let driver = Driver::open_with(config.project("demo"), settings).unwrap();
    show_error(&driver.compute().unwrap().list_nodes().wait().unwrap_err());
    heads.join().unwrap();
    assert_silent();
}

#[test]
fn panics_in_the_users_own_code() {
    let sim = cloud().start().unwrap();
    let driver = Driver::open_with(sim.config(), quick()).unwrap();
    let compute = driver.compute().unwrap();
    compute.list_nodes().wait().unwrap();
    sim.fail_next(Fault::answer(500).on("GET", "/compute"));
    let panics = thread::scope(|s| {
        [
            s.spawn(|| drop(compute.list_nodes().wait().expect("nodes"))).join(),
            s.spawn(|| panic!("{driver:?} {compute:?} {:?}", compute.list_nodes())).join(),
        ]
    });
    assert!(panics.iter().all(Result::is_err));
    assert!(capture().lock().unwrap().contains("panicked at"), "the panics were heard");
    assert_silent();
}

/// Files and variables are read in a process of its own.
#[test]
fn files_that_cannot_be_read() {
    let folder = env::temp_dir().join(format!("welkin-secrets-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let [clouds, config, credentials] =
        ["clouds.yaml", "config", "credentials"].map(|name| folder.join(name));
    for (yaml, keys) in [
        (format!("clouds:\n  my:\n    auth: {PASSWORD}\n"), SECRET_KEY.to_owned()),
        (format!("clouds: {{my: {{auth: [password: {PASSWORD}"), format!("[default\n{SECRET_KEY}")),
        (
            format!("clouds:\n  my:\n    auth:\n      password: \"{PASSWORD}\n"),
            format!("[default]\naws_secret_access_key {SECRET_KEY}\n"),
        ),
        (
            format!("clouds:\n  my:\n    auth:\n      password: {PASSWORD}\n      auth_url: 7\n"),
            format!("[default]\naws_secret_access_key = {SECRET_KEY}\nregion = a b\n"),
        ),
        (
            format!("clouds:\n  my:\n    auth: &a {{password: {PASSWORD}, auth_url: *a}}\n"),
            format!("[default]\naws_access_key_id = {SECRET_KEY}\naws_secret_access_key =\n"),
        ),
    ] {
        fs::write(&clouds, yaml).unwrap();
        fs::write(&credentials, keys).unwrap();
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "child_that_reads_files", "--ignored", "--nocapture"]);
        child.env("OS_CLIENT_CONFIG_FILE", &clouds);
        child.env("AWS_CONFIG_FILE", &config);
        child.env("AWS_SHARED_CREDENTIALS_FILE", &credentials);
        let output = child.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success() && said.contains("OPENED"), "{said}");
        note(said);
    }
    fs::remove_dir_all(folder).unwrap();
    assert_silent();
}

#[test]
#[ignore = "run in a process of its own, by the test above"]
fn child_that_reads_files() {
    for selector in ["openstack:my", "aws:default", "openstack:other", "aws:other"] {
        let error = Driver::from_selector(selector).expect_err("a mistake");
        show_error(&error);
    }
    println!("OPENED {} {}", OWN.take(), capture().lock().unwrap());
}
