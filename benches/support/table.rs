//! Results for people and for plots: a table, and a line of JSON for each of its rows.

use serde_json::{Map, Value};

pub(crate) struct Table {
    bench: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    pub(crate) fn new(bench: &'static str, columns: &[&'static str]) -> Self {
        Self { bench, columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Value>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(crate) fn print(&self) {
        let text: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(shown).collect()).collect();
        let width = |i: usize| {
            let cells = text.iter().filter_map(|row| row.get(i)).map(|cell| cell.chars().count());
            cells.chain([self.columns[i].len()]).max().unwrap_or_default()
        };
        let widths: Vec<_> = (0..self.columns.len()).map(width).collect();
        let line = |cells: Vec<&str>| {
            let padded: Vec<_> = cells
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(i, (cell, w))| match i {
                    0 => format!("{cell:<w$}"),
                    _ => format!("{cell:>w$}"),
                })
                .collect();
            println!("{}", padded.join("  ").trim_end());
        };
        println!("\n{}", self.bench);
        line(self.columns.clone());
        text.iter().for_each(|row| line(row.iter().map(String::as_str).collect()));
        println!();
        for row in &self.rows {
            let named = self.columns.iter().map(|c| (*c).to_owned()).zip(row.iter().cloned());
            let mut object = Map::from_iter([("bench".to_owned(), self.bench.into())]);
            object.extend(named.map(|(column, cell)| (column, rounded(cell))));
            println!("{}", Value::Object(object));
        }
    }
}

pub(crate) fn met(is_met: bool) -> &'static str {
    if is_met { "yes" } else { "no" }
}

/// Nothing here is known to more digits.
fn rounded(cell: Value) -> Value {
    match cell.as_f64() {
        Some(f) if cell.is_f64() => ((f * 1e4).round() / 1e4).into(),
        _ => cell,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(n) => match n.as_f64() {
            Some(f) if n.is_f64() && f.abs() < 100.0 => format!("{f:.2}"),
            Some(f) if n.is_f64() => format!("{f:.0}"),
            _ => n.to_string(),
        },
        other => other.to_string(),
    }
}
