//! The clock of a term: when it ends, when to remind and until when to apply. It knows no contract.

use chrono::{Months, NaiveDate};

/// Where the end of a term stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Not yet near.
    Running,
    /// To be reminded: the application is due by a day.
    Remind {
        /// The last day to apply.
        apply_by: NaiveDate,
    },
    /// The last day to apply has passed.
    ApplicationOver {
        /// The last day to apply.
        apply_by: NaiveDate,
    },
    /// The term has ended.
    Ended,
}

/// The clock of a term whose first day after it is `end`.
pub fn expiry(end: NaiveDate, today: NaiveDate, apply: Months, remind: Months) -> Expiry {
    let before = |months| end.checked_sub_months(months).unwrap_or(NaiveDate::MIN);
    let apply_by = before(apply);
    if end <= today {
        Expiry::Ended
    } else if apply_by < today {
        Expiry::ApplicationOver { apply_by }
    } else if before(remind) <= today {
        Expiry::Remind { apply_by }
    } else {
        Expiry::Running
    }
}
