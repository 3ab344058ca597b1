//! How far long work is: a bar on a terminal, nothing elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that is gone when the work is over.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// `doing` is what is done, as in "creating".
    pub(crate) fn start(doing: &'static str, total: usize) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND);
        let bar = ProgressBar::with_draw_target(Some(total as u64), target)
            .with_style(
                ProgressStyle::with_template("{prefix} {bar:24.cyan/dim} {pos}/{len} {elapsed}")
                    .expect("the template is sound")
                    .progress_chars("━━─"),
            )
            .with_prefix(doing);
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_secs(1) / u32::from(REDRAWS_PER_SECOND));
        }
        Self(bar)
    }

    /// One of all is done, well or not.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

const REDRAWS_PER_SECOND: u8 = 10;
