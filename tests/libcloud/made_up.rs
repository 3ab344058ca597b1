//! Cases that nobody recorded: what is wrong in them must come out.

use std::path::Path;

use serde_json::{Value, json};
use welkin::openstack::Config;
use welkin::{Driver, Retry, Settings};

use crate::cases::{Answer, Asked, parse};
use crate::replay::{Verdict, replay};
use crate::report::Report;
use crate::server::Server;
use crate::table::{Ask, Deliberate, Elsewhere, File, Instead};

const MADE_UP: File = File {
    path: "made up",
    open: |_, url| {
        let config = Config::password(url, "u", "s").project("p");
        Driver::open_with(config, Settings::new().no_proxy().retry(Retry::never()))
    },
    login: Some(login),
    asks: &[Ask {
        method: "list_sizes",
        takes: &["known"],
        will_take: &["soon"],
        call: |driver, _| {
            let sizes = driver.compute()?.list_sizes().wait()?;
            Ok(serde_json::to_value(sizes).expect("JSON"))
        },
        fields: &[("id", "/id"), ("ram_mb", "/ram")],
    }],
    not_yet: &["list_later"],
    beside: &["authenticate"],
    elsewhere: &[Elsewhere { about: "other things", methods: &["Other.list"] }],
    classes_elsewhere: &[("Old", "nobody asks so any more")],
    tidy: |_| {},
    deliberate: &[Deliberate {
        name: "memory is doubled",
        why: "to have something to want",
        methods: &["list_sizes"],
        fields: &[Instead {
            field: "ram_mb",
            ours: |_, size| Some((2 * size["ram"].as_u64()?).into()),
        }],
    }],
};

fn login(_: &Asked, url: &str) -> Answer {
    let endpoint = json!({"interface": "public", "url": format!("{url}/v2.1")});
    let token = json!({
        "issued_at": "2025-01-01T00:00:00Z",
        "expires_at": "2025-01-01T01:00:00Z",
        "catalog": [{"type": "compute", "endpoints": [endpoint]}],
    });
    let headers = vec![("x-subject-token".to_owned(), "t".to_owned())];
    Answer { status: 201, headers, body: json!({"token": token}).to_string().into() }
}

/// A call of `list_sizes` that asks at `url` and is told of one size with 512 MiB.
fn sizes(url: &str, status: u16, end: Value) -> [Value; 3] {
    let body = r#"{"flavors": [{"id": "1", "ram": 512}]}"#;
    [
        json!({"e": "call", "n": 1, "on": "D", "method": "list_sizes", "args": [], "kwargs": {}}),
        json!({"e": "http", "method": "GET", "url": url, "status": status, "body": body}),
        end,
    ]
}

fn returned(value: Value) -> Value {
    json!({"e": "return", "n": 1, "value": value})
}

fn verdict(test: &str, events: &[Value]) -> Verdict {
    let line = json!({"test": test, "events": events}).to_string();
    let cases = parse(Path::new(""), &line);
    replay(&MADE_UP, &cases[0], &Server::start())
}

/// Returns where a case differs, and whether that is wanted.
fn differences(events: &[Value]) -> Vec<(String, bool)> {
    let Verdict::Replayed(found) = verdict("New::test", events) else {
        panic!("it is replayed");
    };
    found.into_iter().map(|found| (found.place, found.wanted.is_some())).collect()
}

#[test]
fn what_is_the_same_on_both_sides_is_no_difference() {
    let one = returned(json!([{"id": "1", "ram": 512, "of theirs": true}]));
    assert_eq!(differences(&sizes("http://h/v2.1/flavors/detail", 200, one)), []);
    let many = returned(json!({"_list_len": 1, "_head": [{"id": "1", "ram": 512}]}));
    assert_eq!(differences(&sizes("/v2.1/flavors/detail?", 200, many)), []);
    let refused = json!({"e": "raise", "n": 1, "type": "InvalidCredsError", "http_code": 401});
    let [call, mut asks, _] = sizes("/v2.1/flavors/detail", 401, Value::Null);
    asks["body"] = "".into();
    // A token that is refused is replaced, and the request sent once more.
    let again = asks.clone();
    assert_eq!(differences(&[call, asks, again, refused]), []);
}

#[test]
fn each_difference_is_found_and_only_the_wanted_one_is_wanted() {
    let path = "/v2.1/flavors/detail";
    let unwanted = |field: &str| (format!("list_sizes.{field}"), false);
    let returns = |value| differences(&sizes(path, 200, returned(value)));
    assert_eq!(returns(json!([{"id": "2", "ram": 512}])), [unwanted("id")]);
    assert_eq!(returns(json!([{"id": "1", "ram": 256}])), [("list_sizes.ram_mb".into(), true)]);
    assert_eq!(returns(json!([{"id": "1", "ram": 255}])), [unwanted("ram_mb")]);
    assert_eq!(returns(json!([])), [unwanted("length")]);
    assert_eq!(returns(json!(false)), [unwanted("outcome"), unwanted("length")]);

    let one = returned(json!([{"id": "1", "ram": 512}]));
    let query = differences(&sizes(&format!("{path}?limit=1"), 200, one.clone()));
    assert_eq!(query, [unwanted("requests"), unwanted("outcome")]);
    let [call, asks, end] = sizes(path, 200, one);
    assert_eq!(differences(&[call, asks.clone(), asks, end]), [unwanted("requests")]);
    let missing = json!({"e": "raise", "n": 1, "type": "ResourceNotFoundError"});
    assert_eq!(differences(&sizes(path, 409, missing)), [unwanted("outcome")]);
}

#[test]
fn what_is_not_replayed_is_counted_for_what_it_is() {
    let call = |on: &str, method: &str, argument: &str| {
        let call =
            json!({"e": "call", "n": 1, "on": on, "method": method, "kwargs": {argument: 1}});
        verdict("New::test", &[call, returned(Value::Null)])
    };
    assert!(matches!(call("D", "list_sizes", "soon"), Verdict::NotYet(_)));
    assert!(matches!(call("D", "list_sizes", "never"), Verdict::Elsewhere(_)));
    assert!(matches!(call("D", "list_later", "x"), Verdict::NotYet(_)));
    assert!(matches!(call("D", "authenticate", "x"), Verdict::Elsewhere(_)));
    assert!(matches!(call("Other", "list", "x"), Verdict::Elsewhere(_)));
    assert!(matches!(call("D", "list", "x"), Verdict::Unknown(_)));
    assert!(matches!(verdict("Old::test", &[]), Verdict::Elsewhere(_)));
}

#[test]
fn what_all_cases_of_a_class_begin_with_is_left_out() {
    let call = |n: u64, method: &str| {
        let call = json!({"e": "call", "n": n, "on": "D", "method": method});
        [call, json!({"e": "return", "n": n, "value": null})]
    };
    let case = |test: &str, events: &[Value]| json!({"test": test, "events": events}).to_string();
    let lines = [
        case("A::one", &[call(1, "login"), call(2, "list")].concat()),
        case("A::two", &[call(1, "login"), call(2, "get")].concat()),
        case("B::one", &call(1, "login")),
    ];
    let cases = parse(Path::new(""), &lines.join("\n"));
    let methods = |case: usize| {
        let methods = cases[case].calls.iter().map(|call| call.method.as_str());
        methods.collect::<Vec<_>>()
    };
    assert_eq!([methods(0), methods(1), methods(2)], [["list"], ["get"], ["login"]]);
}

#[test]
fn a_report_is_wrong_when_something_differs_when_the_list_is_stale_and_when_it_is_empty() {
    let path = "/v2.1/flavors/detail";
    let wrong = |value: Value| {
        let mut report = Report::of(&MADE_UP);
        report.add("New::test", verdict("New::test", &sizes(path, 200, returned(value))));
        assert!(report.to_string().starts_with("made up: "), "{report}");
        report.wrong()
    };
    assert_eq!(wrong(json!([{"id": "1", "ram": 256}])), [""; 0]);
    let stale = wrong(json!([{"id": "1", "ram": 512}]));
    assert!(stale.len() == 1 && stale[0].contains("memory is doubled"), "{stale:?}");
    let differs = wrong(json!([{"id": "2", "ram": 256}]));
    assert!(differs.len() == 1 && differs[0].contains("list_sizes.id"), "{differs:?}");
    let empty = Report::of(&MADE_UP).wrong();
    assert!(empty.iter().any(|text| text.contains("nothing in it")), "{empty:?}");
}
