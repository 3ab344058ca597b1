//! Peers that do the same work in turns, and what Welkin's cost is to each of theirs.

use std::error::Error;

use serde_json::{Value, json};

use super::peers::{Peer, Peers, Task};
use crate::support::rounds::{Quartiles, Spent, cpu, median, rate, rounds};
use crate::support::table::{Table, met};

/// Someone to be compared with, and how much of its cost Welkin's may be.
#[derive(Clone, Copy)]
pub(crate) struct Rival {
    pub(crate) who: &'static str,
    pub(crate) goal: Option<f64>,
}

pub(crate) const fn rival(who: &'static str) -> Rival {
    Rival { who, goal: None }
}

pub(crate) const fn goal(who: &'static str, most: f64) -> Rival {
    Rival { who, goal: Some(most) }
}

pub(crate) fn table(bench: &'static str) -> Table {
    Table::new(bench, &["crowd", "scheme", "who", "CPU µs", "welkin to it", "req/s", "goal", "met"])
}

/// Adds a row for Welkin and one for each of the others.
///
/// `each` says how often one of the crowd asks in a round; who is much slower asks less often.
pub(crate) fn compare(
    table: &mut Table,
    peers: &Peers,
    task: &Task<'_>,
    rivals: &[Rival],
    count: usize,
    each: impl Fn(&str) -> usize,
) -> Result<(), Box<dyn Error>> {
    let rivals: Vec<_> = rivals.iter().filter(|rival| peers.has(rival.who)).collect();
    let start = |rival: &&Rival| Ok((peers.start(rival.who, task)?, each(rival.who)));
    let mut working = rivals.iter().map(start).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let mut turns: Vec<_> = working.iter_mut().map(|(peer, each)| || turn(peer, *each)).collect();
    let mut turns: Vec<&mut dyn FnMut() -> Spent> = turns.iter_mut().map(|t| t as _).collect();
    let spent = rounds(count, &mut turns);
    for (rival, theirs) in rivals.iter().zip(&spent) {
        let ratio = Quartiles::ratio(&spent[0], theirs, cpu);
        let is_met = rival.goal.map(|goal| met(ratio.median() <= goal));
        table.row([
            task.crowd.into(),
            task.scheme().into(),
            rival.who.into(),
            json!(median(theirs, cpu)),
            if rival.who == rivals[0].who { Value::Null } else { ratio.shown().into() },
            json!(median(theirs, rate)),
            json!(rival.goal),
            json!(is_met),
        ]);
    }
    Ok(())
}

fn turn(peer: &mut Peer, each: usize) -> Spent {
    // What has idled meanwhile is looked at before it is used again: not what is compared here.
    peer.spend(each.min(2));
    peer.spend(each)
}
