//! What the benches kept: a line of JSON for each row of each table.

use std::error::Error;
use std::fs;
use std::path::Path;

use serde_json::Value;

pub(crate) struct Figures(Vec<Value>);

/// Rows that belong together.
pub(crate) struct Table(Vec<Value>);

impl Figures {
    pub(crate) fn read(file: &Path) -> Result<Self, Box<dyn Error>> {
        let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
        let rows = text.lines().map(serde_json::from_str).collect::<Result<_, _>>();
        Ok(Self(rows.map_err(|e| format!("{}: {e}", file.display()))?))
    }

    pub(crate) fn table(&self, bench: &str) -> Result<Table, Box<dyn Error>> {
        let rows: Vec<_> = self.0.iter().filter(|row| row["bench"] == bench).cloned().collect();
        if rows.is_empty() {
            return Err(format!("there are no figures of {bench:?}: please run that bench").into());
        }
        if rows.iter().any(|row| row["quick"] == true) {
            eprintln!("the figures of {bench:?} are of a quick run");
        }
        Ok(Table(rows))
    }
}

impl Table {
    pub(crate) fn only(&self, column: &str, value: &str) -> Self {
        Self(self.0.iter().filter(|row| row[column] == value).cloned().collect())
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Value> {
        self.0.iter()
    }
}
