//! Results on stdout: tables for people, JSON for programs.

use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::{Table, presets};
use serde::Serialize;

use crate::complaint::Complaint;
use crate::escape::escape;
use crate::noun::Noun;

/// Who reads it.
// The values have no help of their own: it would be longer than all else.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Output {
    Table,
    Json,
}

impl Output {
    /// Prints things as rows, with what matters most of each.
    pub(crate) fn list<T: Noun>(self, all: &[T]) -> Result<(), Complaint> {
        match self {
            Self::Json => json(all),
            Self::Table => table(
                T::COLUMNS.iter(),
                all.iter().map(|one| {
                    let fields = one.fields();
                    let cell = |column: &&str| fields.iter().find(|(name, _)| name == column);
                    T::COLUMNS
                        .iter()
                        .map(|c| cell(c).map_or("", |(_, text)| text).to_owned())
                        .collect()
                }),
            ),
        }
    }

    /// Prints one thing with all that is known of it: a row for each field.
    pub(crate) fn one<T: Noun>(self, one: &T) -> Result<(), Complaint> {
        match self {
            Self::Json => json(std::slice::from_ref(one)),
            Self::Table => table(
                ["field", "value"].iter(),
                one.fields().into_iter().map(|(name, text)| vec![name.to_owned(), text]),
            ),
        }
    }

    /// Tells programs what was acted on; people see it in the exit status.
    pub(crate) fn acted_on<T: Serialize>(self, all: &[T]) -> Result<(), Complaint> {
        match self {
            Self::Json => json(all),
            Self::Table => Ok(()),
        }
    }
}

fn json<T: Serialize>(all: &[T]) -> Result<(), Complaint> {
    over(as_json(all))
}

/// Prints an array, also for one and for none.
pub(crate) fn as_json<T: Serialize>(all: &[T]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, all)?;
    writeln!(out)?;
    out.flush()
}

/// Prints lines that are none of ours.
pub(crate) fn as_it_is(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text.trim_end_matches('\n'))?;
    out.flush()
}

/// Prints words in columns, without lines or colours: the same for eyes and for pipes.
fn table<'a>(
    columns: impl Iterator<Item = &'a &'a str>,
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<(), Complaint> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(columns.map(|name| name.to_uppercase()));
    for row in rows {
        // Nothing would make the next column this one, for whoever splits at white space.
        table.add_row(row.iter().map(|text| match text.as_str() {
            "" => "-".to_owned(),
            text => escape(text),
        }));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut out = io::stdout().lock();
    over(writeln!(out, "{}", table.trim_fmt()).and_then(|()| out.flush()))
}

/// Who reads only the first lines has seen enough: that is no failure.
pub(crate) fn over(printed: io::Result<()>) -> Result<(), Complaint> {
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Complaint::because("the result cannot be printed", &error))
        }
        _ => Ok(()),
    }
}
