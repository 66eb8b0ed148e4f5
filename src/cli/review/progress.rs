//! How far a review has come, on stderr: a bar on a terminal, elsewhere a line now and then where it takes long.

use crate::cli::{Context, Printer};
use crate::flow::review::progress::Progress;
use indicatif::ProgressBar;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// So much time passes between two lines; whoever waits less needs none.
const LINE: Duration = Duration::from_secs(5);

/// Tells how far a review has come.
pub(super) struct Meter {
    printer: Printer,
    bar: ProgressBar,
    at: Cell<(Progress, Instant)>,
    said: Cell<Instant>,
}

impl Meter {
    /// At the beginning.
    pub(super) fn new(context: &Context) -> Self {
        let bar = context.printer.progress("review", 0);
        bar.enable_steady_tick(Duration::from_millis(200));
        let now = Instant::now();
        Self { printer: context.printer, bar, at: Cell::new((Progress::Freezing, now)), said: Cell::new(now) }
    }

    /// It has come so far.
    pub(super) fn tell(&self, progress: Progress) {
        let (before, begun) = self.at.get();
        let begun = if before.stage() == progress.stage() { begun } else { Instant::now() };
        self.at.set((progress, begun));
        let words = format!("review: {}", progress.words(begun.elapsed()));
        if self.bar.is_hidden() && self.said.get().elapsed() >= LINE {
            self.printer.note(&words);
            self.said.set(Instant::now());
        }
        if let Progress::Judging { done, of } | Progress::Storing { done, of } = progress {
            self.bar.set_length(of as u64);
            self.bar.set_position(done as u64);
        }
        self.bar.set_message(words);
    }

    /// What is being done.
    pub(super) fn stage(&self) -> &'static str {
        self.at.get().0.stage()
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
