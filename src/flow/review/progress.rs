//! How far a run has come, and how long the rest takes if it goes on so.

use std::time::Duration;

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The facts are read out of the register.
    Freezing,
    /// The parcels are judged.
    Judging {
        /// How many were looked at.
        done: usize,
        /// Of how many.
        of: usize,
    },
    /// The results are stored.
    Storing {
        /// How many are.
        done: usize,
        /// Of how many.
        of: usize,
    },
    /// The lists are written.
    Listing {
        /// Of how many parcels.
        parcels: usize,
    },
}

impl Progress {
    /// What is being done.
    pub fn stage(self) -> &'static str {
        match self {
            Self::Freezing => "freezing the facts",
            Self::Judging { .. } => "judging",
            Self::Storing { .. } => "storing the results",
            Self::Listing { .. } => "writing the lists",
        }
    }

    /// In words, `elapsed` after this stage began.
    pub fn words(self, elapsed: Duration) -> String {
        match self {
            Self::Freezing => self.stage().to_owned(),
            Self::Listing { parcels } => format!("{}, {parcels} parcels", self.stage()),
            Self::Judging { done, of } | Self::Storing { done, of } => {
                let left = left(done, of, elapsed).map(|left| format!(", about {} s left", left.as_secs().max(1)));
                format!("{}, {done} of {of} parcels{}", self.stage(), left.unwrap_or_default())
            }
        }
    }
}

/// How long the rest takes if it goes on as it went; nothing before anything is done and when all is.
pub fn left(done: usize, of: usize, elapsed: Duration) -> Option<Duration> {
    if done == 0 || done >= of {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of parcels are far below 2^52")]
    let ratio = (of - done) as f64 / done as f64;
    Some(elapsed.mul_f64(ratio))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_worked_out_from_what_was_done() {
        let ten = Duration::from_secs(10);
        assert_eq!(left(0, 100, ten), None);
        assert_eq!(left(25, 100, ten), Some(Duration::from_secs(30)));
        assert_eq!(left(100, 100, ten), None);
        let words = Progress::Storing { done: 5_000, of: 20_000 }.words(Duration::from_secs(2));
        assert_eq!(words, "storing the results, 5000 of 20000 parcels, about 6 s left");
    }
}
