//! What was recorded: cases, the calls in them, and the exchanges of each call.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::request::Request;

/// A test of Libcloud's: what it asked of a driver, in order.
pub(crate) struct Case {
    /// `Class::name`.
    pub(crate) name: String,
    pub(crate) calls: Vec<Asked>,
}

/// A call that a test made, whatever calls it was made of.
#[derive(Clone, PartialEq)]
pub(crate) struct Asked {
    pub(crate) on: String,
    pub(crate) method: String,
    pub(crate) args: Vec<Value>,
    pub(crate) kwargs: Map<String, Value>,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) end: End,
}

#[derive(Clone, PartialEq)]
pub(crate) enum End {
    Raised(Value),
    Returned(Value),
}

/// A request of Libcloud's and the answer of its mock.
#[derive(Clone, PartialEq)]
pub(crate) struct Exchange {
    pub(crate) request: Request,
    /// `None` where the mock itself broke.
    pub(crate) answer: Option<Answer>,
}

#[derive(Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Case {
    pub(crate) fn class(&self) -> &str {
        self.name.split("::").next().unwrap_or_default()
    }
}

impl Asked {
    /// Returns the argument of that name, or the one at that place.
    pub(crate) fn argument(&self, at: usize, name: &str) -> Option<&Value> {
        self.kwargs.get(name).or_else(|| self.args.get(at))
    }

    /// Returns the id of the argument of that name: of a noun, or the argument itself.
    pub(crate) fn id(&self, at: usize, name: &str) -> Option<&str> {
        let argument = self.argument(at, name)?;
        argument.get("id").unwrap_or(argument).as_str()
    }

    /// Tells whether the recording ends where Libcloud's mock had no answer.
    pub(crate) fn is_broken(&self) -> bool {
        self.exchanges.iter().any(|exchange| exchange.answer.is_none())
    }
}

/// Reads a file of cases.
pub(crate) fn read(root: &Path, file: &str) -> Vec<Case> {
    let path = root.join("cases").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    parse(root, &text)
}

/// Reads cases, each a line; the bodies that they name are below `root`.
pub(crate) fn parse(root: &Path, text: &str) -> Vec<Case> {
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut cases: Vec<_> = lines
        .filter_map(|line| {
            let name = line["test"].as_str()?.to_owned();
            Some(Case { name, calls: calls(root, line["events"].as_array()?) })
        })
        .collect();
    without_openings(&mut cases);
    cases
}

/// Leaves out the calls of each class's `setUp`: they are those that all of its cases begin with.
fn without_openings(cases: &mut [Case]) {
    let mut classes = BTreeMap::<String, Vec<&mut Case>>::new();
    for case in cases {
        classes.entry(case.class().to_owned()).or_default().push(case);
    }
    for mut cases in classes.into_values().filter(|cases| cases.len() > 1) {
        let same = |i: usize| {
            let first = cases[0].calls.get(i);
            first.is_some() && cases.iter().all(|case| case.calls.get(i) == first)
        };
        let opening = (0..).take_while(|i| same(*i)).count();
        cases.iter_mut().for_each(|case| drop(case.calls.drain(..opening)));
    }
}

/// Gathers the events of each call that was not made by another one.
fn calls(root: &Path, events: &[Value]) -> Vec<Asked> {
    let mut calls = Vec::<Asked>::new();
    let mut open = None;
    for event in events {
        let n = event["n"].as_u64();
        match event["e"].as_str().expect("an event") {
            "call" if open.is_none() => {
                open = n;
                calls.push(asked(event));
            }
            "http" if open.is_some() => {
                let call = calls.last_mut().expect("an open call");
                call.exchanges.push(exchange(root, event));
            }
            "yield" if open == n => {
                let call = calls.last_mut().expect("an open call");
                if let End::Returned(Value::Array(items)) = &mut call.end {
                    items.push(event["item"].clone());
                }
            }
            "return" | "raise" if open == n => {
                let call = calls.last_mut().expect("an open call");
                call.end = match event["e"] == "raise" {
                    true => End::Raised(event.clone()),
                    // It goes on, with each thing that is taken from it.
                    false if event["generator"] == true => {
                        call.end = End::Returned(Value::Array(Vec::new()));
                        continue;
                    }
                    false => End::Returned(event["value"].clone()),
                };
                open = None;
            }
            _ => {}
        }
    }
    calls
}

fn asked(event: &Value) -> Asked {
    let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
    Asked {
        on: text("on"),
        method: text("method"),
        args: event["args"].as_array().cloned().unwrap_or_default(),
        kwargs: event["kwargs"].as_object().cloned().unwrap_or_default(),
        exchanges: Vec::new(),
        end: End::Returned(Value::Null),
    }
}

fn exchange(root: &Path, event: &Value) -> Exchange {
    let text = |key: &str| event[key].as_str().unwrap_or_default();
    let request = Request::new(text("method"), text("url"), text("req_body").as_bytes());
    let answer = event["status"].as_u64().map(|status| Answer {
        status: status.try_into().expect("a status"),
        headers: event["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
        body: body(root, &event["body"]),
    });
    Exchange { request, answer }
}

fn body(root: &Path, body: &Value) -> Vec<u8> {
    match body["fixture"].as_str() {
        Some(path) => fs::read(root.join("bodies").join(path)).expect("a body"),
        None => body.as_str().unwrap_or_default().into(),
    }
}
