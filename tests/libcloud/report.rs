//! What came out of a file of cases.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::compare::Difference;
use crate::replay::Verdict;
use crate::table::File;

pub(crate) struct Report {
    file: &'static File,
    agree: usize,
    /// Names of cases, by where the file's list has the difference and its field.
    wanted: BTreeMap<(usize, usize), BTreeSet<String>>,
    differ_as_wanted: usize,
    differ: Vec<String>,
    unwanted: Vec<String>,
    /// Numbers of cases, by what they need.
    not_yet: BTreeMap<String, usize>,
    elsewhere: BTreeMap<String, usize>,
    unknown: BTreeMap<String, usize>,
}

impl Report {
    pub(crate) fn of(file: &'static File) -> Self {
        Self {
            file,
            agree: 0,
            wanted: BTreeMap::new(),
            differ_as_wanted: 0,
            differ: Vec::new(),
            unwanted: Vec::new(),
            not_yet: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            unknown: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, case: &str, verdict: Verdict) {
        match verdict {
            Verdict::Replayed(differences) => self.replayed(case, &differences),
            Verdict::NotYet(what) => *self.not_yet.entry(what).or_default() += 1,
            Verdict::Elsewhere(about) => *self.elsewhere.entry(about).or_default() += 1,
            Verdict::Unknown(method) => *self.unknown.entry(method).or_default() += 1,
        }
    }

    fn replayed(&mut self, case: &str, differences: &[Difference]) {
        for difference in differences {
            match difference.wanted {
                Some(i) => drop(self.wanted.entry(i).or_default().insert(case.to_owned())),
                None => {
                    let Difference { place, theirs, ours, error, .. } = difference;
                    let error = error.as_ref().map(|e| format!(" ({e})")).unwrap_or_default();
                    let text = format!("{case}: {place}: theirs {theirs}, ours {ours}{error}");
                    self.unwanted.push(text);
                }
            }
        }
        if differences.is_empty() {
            self.agree += 1;
        } else if differences.iter().all(|difference| difference.wanted.is_some()) {
            self.differ_as_wanted += 1;
        } else {
            self.differ.push(case.to_owned());
        }
    }

    fn replays(&self) -> usize {
        self.agree + self.differ_as_wanted + self.differ.len()
    }

    /// Returns what must not be.
    pub(crate) fn wrong(self) -> Vec<String> {
        let path = self.file.path;
        let mut wrong = self.unwanted.clone();
        for (i, wanted) in self.file.deliberate.iter().enumerate() {
            for (j, instead) in wanted.fields.iter().enumerate() {
                if !self.wanted.contains_key(&(i, j)) {
                    let (name, field) = (wanted.name, instead.field);
                    wrong.push(format!("{path}: {name:?}: {field} is in the list and agrees"));
                }
            }
        }
        if self.replays() == 0 {
            wrong.push(format!("{path}: there is nothing in it that we replay"));
        }
        wrong
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (agree, replays, wanted) = (self.agree, self.replays(), self.differ_as_wanted);
        writeln!(f, "{}: {agree} of {replays} agree", self.file.path)?;
        writeln!(f, "  differ as we want: {wanted}")?;
        for ((i, j), cases) in &self.wanted {
            let wanted = &self.file.deliberate[*i];
            if *j == 0 {
                writeln!(f, "    {}: {}", wanted.name, wanted.why)?;
            }
            writeln!(f, "      {} in {} cases:", wanted.fields[*j].field, cases.len())?;
            cases.iter().try_for_each(|case| writeln!(f, "        {case}"))?;
        }
        writeln!(f, "  differ: {}", self.differ.len())?;
        self.differ.iter().try_for_each(|case| writeln!(f, "    {case}"))?;
        let counted = [
            ("not yet", &self.not_yet),
            ("out of scope", &self.elsewhere),
            ("in no table", &self.unknown),
        ];
        for (what, counts) in counted {
            writeln!(f, "  {what}: {}", counts.values().sum::<usize>())?;
            counts.iter().try_for_each(|(about, n)| writeln!(f, "    {n} {about}"))?;
        }
        Ok(())
    }
}
