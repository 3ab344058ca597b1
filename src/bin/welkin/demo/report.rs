//! The two runs side by side.

use std::fmt::Display;
use std::io::{self, Write};

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

/// What one run came to, with the keys of the JSON output in their order.
#[derive(Serialize)]
pub(crate) struct Figures {
    pub(crate) threads: usize,
    pub(crate) tasks: usize,
    pub(crate) nodes: usize,
    pub(crate) requests: u64,
    pub(crate) logins: u64,
    pub(crate) connections: u64,
    pub(crate) failed: u64,
    pub(crate) wrong: u64,
    pub(crate) wall_ms: u64,
    /// For all of the work; null where the system does not tell.
    pub(crate) cpu_ms: Option<u64>,
}

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) shared: Figures,
    pub(crate) per_thread: Figures,
}

impl Report {
    /// Tells whether every operation succeeded and every answer was right.
    pub(crate) fn is_clean(&self) -> bool {
        [&self.shared, &self.per_thread].iter().all(|run| run.failed + run.wrong == 0)
    }

    pub(crate) fn print_json(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, self)?;
        writeln!(out)
    }

    /// Prints the table, and what it shows. `counter` is who counted: the server or the driver.
    pub(crate) fn print_table(&self, counter: &str) -> io::Result<()> {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header([
            "",
            "one shared driver",
            "one driver per worker",
        ]);
        let mut row = |name: &str, figure: &dyn Fn(&Figures) -> String| {
            table.add_row([name, &figure(&self.shared), &figure(&self.per_thread)]);
        };
        let counted = |name: &str| format!("{name}, counted by the {counter}");
        row("wall time, ms", &|run| run.wall_ms.to_string());
        row(&counted("logins"), &|run| run.logins.to_string());
        row(&counted("connections"), &|run| run.connections.to_string());
        row(&counted("requests"), &|run| run.requests.to_string());
        row("CPU, ms", &|run| match run.cpu_ms {
            Some(cpu) => cpu.to_string(),
            None => "unknown".to_owned(),
        });
        row("failed operations", &|run| run.failed.to_string());
        row("wrong answers", &|run| run.wrong.to_string());
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(io::stdout().lock(), "{table}\n{}", self.conclusion())
    }

    fn conclusion(&self) -> String {
        let (shared, each) = (&self.shared, &self.per_thread);
        if !self.is_clean() {
            return format!(
                "{} failed, {} wrong: the figures cannot be compared. The reasons are above.",
                plural(shared.failed + each.failed, "operation"),
                plural(shared.wrong + each.wrong, "answer"),
            );
        }
        let mut line = format!(
            "{} instead of {}, {} instead of {}",
            plural(shared.logins, "login"),
            each.logins,
            plural(shared.connections, "connection"),
            each.connections,
        );
        if let (Some(shared), Some(each)) = (shared.cpu_ms, each.cpu_ms)
            && each > 0
        {
            line += &format!(", {:.1} × the CPU", shared as f64 / each as f64);
        }
        line += ".";
        let workers = shared.threads + shared.tasks;
        if (shared.connections as usize) < workers && shared.wall_ms > each.wall_ms {
            line += &format!(
                "\n{workers} workers took turns on {}, its cap: \
                 see --connections {workers}.",
                plural(shared.connections, "connection")
            );
        }
        line
    }
}

pub(super) fn plural(count: impl Display, noun: &str) -> String {
    let count = count.to_string();
    let s = if count == "1" { "" } else { "s" };
    format!("{count} {noun}{s}")
}
