//! Results for people and for plots: a table, and a line of JSON for each of its rows.

use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::{Map, Value};

use super::args::Args;

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

    /// Prints the table, and keeps its figures where `--json` says.
    pub(crate) fn print(&self, args: &Args) -> Result<(), Box<dyn Error>> {
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
        match &args.json {
            Some(file) => self.keep(file, args.quick),
            None => Ok(()),
        }
    }

    /// Writes a line for each row, in place of those that an earlier run left of this table.
    fn keep(&self, file: &Path, is_quick: bool) -> Result<(), Box<dyn Error>> {
        let before = match fs::read_to_string(file) {
            Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
            read => read.map_err(|e| format!("{}: {e}", file.display()))?,
        };
        let is_other = |line: &&str| {
            let row = serde_json::from_str::<Value>(line).unwrap_or_default();
            row["bench"].as_str().is_none_or(|bench| bench != self.bench)
        };
        let mut lines: Vec<_> = before.lines().filter(is_other).map(str::to_owned).collect();
        for row in &self.rows {
            let named = self.columns.iter().map(|c| (*c).to_owned()).zip(row.iter().cloned());
            let mut object = Map::from_iter([("bench".to_owned(), self.bench.into())]);
            object.extend(named.map(|(column, cell)| (column, rounded(cell))));
            if is_quick {
                object.insert("quick".to_owned(), true.into());
            }
            lines.push(Value::Object(object).to_string());
        }
        // All or nothing: a run that is ended here leaves the figures of the last one.
        let beside = file.with_extension("new");
        let written = fs::write(&beside, lines.join("\n") + "\n");
        let written = written.and_then(|()| fs::rename(&beside, file));
        Ok(written.map_err(|e| format!("{}: {e}", file.display()))?)
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
        Value::Array(values) => format!("{} values", values.len()),
        other => other.to_string(),
    }
}
