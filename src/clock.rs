//! What time it is, handed in by whoever starts the work. The one place that asks the machine's clock; everything else is
//! told, so that yesterday can be lived again.

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};

/// Shanghai keeps UTC+8 all year, and legal days begin there at midnight.
const SHANGHAI_SECONDS: i32 = 8 * 3600;

/// A source of the present moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock(Source);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Machine,
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// The machine's clock.
    pub fn of_the_machine() -> Self {
        Self(Source::Machine)
    }

    /// A clock that stands still, for tests and replays.
    pub fn fixed_at(moment: DateTime<Utc>) -> Self {
        Self(Source::Fixed(moment))
    }

    /// The present moment.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may ask")]
    pub fn now(self) -> DateTime<Utc> {
        match self.0 {
            Source::Machine => Utc::now(),
            Source::Fixed(moment) => moment,
        }
    }

    /// The day it is in Shanghai, which is the day that terms and duties count from.
    pub fn today(self) -> NaiveDate {
        let now = self.now();
        match FixedOffset::east_opt(SHANGHAI_SECONDS) {
            Some(shanghai) => now.with_timezone(&shanghai).date_naive(),
            None => now.date_naive(),
        }
    }
}

/// A moment to the second, as the clocks of Shanghai show it.
pub fn in_shanghai(moment: DateTime<Utc>) -> String {
    match FixedOffset::east_opt(SHANGHAI_SECONDS) {
        Some(shanghai) => moment.with_timezone(&shanghai).format("%Y-%m-%d %H:%M:%S").to_string(),
        None => moment.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legal_day_begins_at_midnight_in_shanghai() {
        let at = |text: &str| Clock::fixed_at(text.parse().unwrap()).today().to_string();
        assert_eq!(at("2026-06-29T15:59:59Z"), "2026-06-29");
        assert_eq!(at("2026-06-29T16:00:00Z"), "2026-06-30");
    }
}
