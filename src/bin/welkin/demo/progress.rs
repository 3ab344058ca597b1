//! How far a run is: a bar on a terminal, a line per phase elsewhere.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::complaint::tell;

/// The parts of the work, in their order.
#[derive(Clone, Copy)]
pub(crate) enum Phase {
    Create,
    Run,
    Read,
    List,
    Destroy,
}

/// The progress of one run; workers step it from everywhere.
pub(crate) struct Progress {
    title: &'static str,
    bar: ProgressBar,
    parts: Arc<[Part; 5]>,
}

struct Part {
    doing: &'static str,
    done: &'static str,
    steps: AtomicUsize,
    /// Those of the steps that went well.
    good: AtomicUsize,
    total: usize,
}

impl Progress {
    pub(crate) fn start(title: &'static str, nodes: usize, workers: usize) -> Self {
        let part = |doing, done, total| Part {
            doing,
            done,
            steps: AtomicUsize::new(0),
            good: AtomicUsize::new(0),
            total,
        };
        let parts = Arc::new([
            part("creating", "nodes created", nodes),
            part("waiting until they run", "nodes running", nodes),
            part("reading back", "nodes read back", nodes),
            part("listing", "lists taken", workers),
            part("destroying", "nodes destroyed", nodes),
        ]);
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND);
        let total: usize = parts.iter().map(|part| part.total).sum();
        let bar = ProgressBar::with_draw_target(Some(total as u64), target)
            .with_style(style(&parts))
            .with_prefix(title);
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_secs(1) / u32::from(REDRAWS_PER_SECOND));
        }
        Self { title, bar, parts }
    }

    /// One step of a phase is over, well or not.
    pub(crate) fn step(&self, phase: Phase, good: bool) {
        let part = &self.parts[phase as usize];
        let good = part.good.fetch_add(good.into(), Ordering::Relaxed) + usize::from(good);
        let steps = part.steps.fetch_add(1, Ordering::Relaxed) + 1;
        self.bar.inc(1);
        if self.bar.is_hidden() && steps == part.total {
            let Part { done, total, .. } = part;
            tell(&format!("{}: {good} of {total} {done}", self.title));
        }
    }

    /// Leaves the bar as it is, and the line to others.
    pub(crate) fn finish(&self) {
        self.bar.abandon();
    }
}

fn style(parts: &Arc<[Part; 5]>) -> ProgressStyle {
    let parts = Arc::clone(parts);
    ProgressStyle::with_template("{prefix:<21} {bar:24.cyan/dim} {phase}")
        .expect("the template is sound")
        .progress_chars("━━─")
        .with_key("phase", move |state: &ProgressState, out: &mut dyn Write| {
            // Asked when the bar is drawn, so a step costs no text.
            let current = parts.iter().find_map(|part| {
                let steps = part.steps.load(Ordering::Relaxed);
                (steps < part.total).then_some((part.doing, steps, part.total))
            });
            let _ = match current {
                Some((doing, steps, total)) => write!(out, "{doing} {steps}/{total}"),
                None => write!(out, "done in {:.1} s", state.elapsed().as_secs_f64()),
            };
        })
}

const REDRAWS_PER_SECOND: u8 = 10;
