//! One case: each of its calls made by our driver, against what was recorded of it.

use crate::cases::{Asked, Case};
use crate::compare::{Difference, compare};
use crate::server::{Script, Server, is_login};
use crate::table::{Ask, File};

/// What is to be said about a case.
pub(crate) enum Verdict {
    /// It was replayed; nothing differs where there is nothing.
    Replayed(Vec<Difference>),
    NotYet(String),
    /// No part of what is replayed, and why.
    Elsewhere(String),
    /// No table has this method.
    Unknown(String),
}

/// What is to be done with a call.
enum Part {
    Ask(&'static Ask),
    Beside,
    NotYet(String),
    Elsewhere(String),
    Unknown(String),
}

pub(crate) fn replay(file: &'static File, case: &Case, server: &Server) -> Verdict {
    let class = file.classes_elsewhere.iter().find(|(class, _)| *class == case.class());
    if let Some((class, why)) = class {
        return Verdict::Elsewhere(format!("{class}: {why}"));
    }
    let mut asks = Vec::new();
    let mut not_yet = None;
    for call in &case.calls {
        match part(file, call) {
            Part::Ask(ask) => asks.push((ask, call)),
            Part::Beside => {}
            Part::NotYet(what) => not_yet = Some(what),
            Part::Elsewhere(about) => return Verdict::Elsewhere(about),
            Part::Unknown(method) => return Verdict::Unknown(method),
        }
    }
    match not_yet {
        Some(what) => Verdict::NotYet(what),
        None if asks.is_empty() => Verdict::Elsewhere("no operation that we could call".into()),
        None => Verdict::Replayed(
            asks.iter().flat_map(|(ask, call)| differences(file, ask, call, server)).collect(),
        ),
    }
}

fn part(file: &'static File, call: &Asked) -> Part {
    if call.is_broken() {
        return Part::Beside;
    }
    if let Some(ask) = file.asks.iter().find(|ask| call.is_one_of(&[ask.method])) {
        let mut others = call.kwargs.keys().filter(|name| !ask.takes.contains(&name.as_str()));
        return match others.next() {
            None => Part::Ask(ask),
            Some(name) if ask.will_take.contains(&name.as_str()) => {
                Part::NotYet(format!("{} with {name}", call.method))
            }
            Some(name) => Part::Elsewhere(format!("{} with {name}", call.method)),
        };
    }
    if call.is_one_of(file.beside) {
        return Part::Beside;
    }
    if call.is_one_of(file.not_yet) {
        return Part::NotYet(call.method.clone());
    }
    match file.elsewhere.iter().find(|elsewhere| call.is_one_of(elsewhere.methods)) {
        Some(elsewhere) => Part::Elsewhere(elsewhere.about.to_owned()),
        None => Part::Unknown(call.method.clone()),
    }
}

fn differences(file: &File, ask: &Ask, call: &Asked, server: &Server) -> Vec<Difference> {
    let url = server.url();
    let login = file.login.map(|login| login(call, &url));
    let mut played = call.exchanges.clone();
    played.retain(|exchange| login.is_none() || !is_login(&exchange.request));
    played.iter_mut().for_each(|exchange| (file.tidy)(&mut exchange.request));
    server.play(Script::new(login, played.clone(), file.tidy));
    let ours = (file.open)(call, &url).and_then(|driver| (ask.call)(&driver, call));
    compare(file, ask, call, &played, &ours, &server.seen())
}
