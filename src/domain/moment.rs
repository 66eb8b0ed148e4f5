//! Which moment of the register is asked for, in its two times: law on a day, as believed at a time.

use chrono::{DateTime, Duration, FixedOffset, NaiveDate, NaiveTime, TimeZone, Utc};

/// A moment in two times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The day whose law is asked for.
    pub valid_at: NaiveDate,
    /// What the register believed at that time; nothing asks for what it believes now.
    pub known_at: Option<DateTime<Utc>>,
}

/// Why words name no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MomentError {
    /// The words of valid time name no day.
    #[error("valid_at is {0:?}, expected {EXPECTED_DAY}")]
    Day(String),
    /// The words of recorded time name no time.
    #[error(
        "known_at is {0:?}, expected a time such as 2026-06-30T09:00:00+08:00, or a day, which means its end in Shanghai"
    )]
    Time(String),
    /// Nobody knows yet what will be believed.
    #[error("known_at is {0}, which is yet to come; the register can only say what it believed until now")]
    YetToCome(DateTime<Utc>),
}

impl Moment {
    /// What the register believes now about a day.
    pub fn on(valid_at: NaiveDate) -> Self {
        Self { valid_at, known_at: None }
    }

    /// Reads the two words in which people and programs ask: a day, and a time or a day. A day of knowledge means its
    /// end, because what was entered in its course belongs to it.
    pub fn parse(
        valid_at: Option<&str>,
        known_at: Option<&str>,
        today: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<Self, MomentError> {
        let valid_at = match valid_at {
            None => today,
            Some(text) => day(text).ok_or_else(|| MomentError::Day(text.to_owned()))?,
        };
        let known_at = match known_at {
            None => None,
            Some(text) => {
                let time = match day(text) {
                    Some(day) if end_of(day) - Duration::days(1) < now => end_of(day).min(now),
                    Some(day) => return Err(MomentError::YetToCome(end_of(day))),
                    // In an address a plus sign is read as a blank.
                    None => DateTime::parse_from_rfc3339(&text.trim().replacen(' ', "+", 1))
                        .map_err(|_| MomentError::Time(text.to_owned()))?
                        .to_utc(),
                };
                if time > now {
                    return Err(MomentError::YetToCome(time));
                }
                Some(time)
            }
        };
        Ok(Self { valid_at, known_at })
    }
}

/// The day that words name, where the register can speak of its law.
pub fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok().filter(|day| is_legal(*day))
}

/// What a day should look like, for those who wrote it otherwise.
pub const EXPECTED_DAY: &str = "a day such as 2026-06-30, from 1949-10-01 until 2199-12-31";

/// Whether the register can speak of the law of a day: no rule of it reaches farther back than the state that made it, and
/// no term farther ahead than dates that an import takes.
pub fn is_legal(day: NaiveDate) -> bool {
    const FIRST: NaiveDate = NaiveDate::from_ymd_opt(1949, 10, 1).expect("a day of the calendar");
    const LAST: NaiveDate = NaiveDate::from_ymd_opt(2199, 12, 31).expect("a day of the calendar");
    (FIRST..=LAST).contains(&day)
}

/// The last microsecond of a day in Shanghai, which keeps UTC+8 all year.
fn end_of(day: NaiveDate) -> DateTime<Utc> {
    let midnight = (day + Duration::days(1)).and_time(NaiveTime::MIN) - Duration::microseconds(1);
    let shanghai = FixedOffset::east_opt(8 * 3600).and_then(|zone| zone.from_local_datetime(&midnight).single());
    shanghai.map_or_else(|| midnight.and_utc(), |time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(valid_at: Option<&str>, known_at: Option<&str>) -> Result<Moment, MomentError> {
        let now = "2026-06-30T02:00:00Z".parse().expect("a time");
        Moment::parse(valid_at, known_at, NaiveDate::from_ymd_opt(2026, 6, 30).expect("a day"), now)
    }

    #[test]
    fn nothing_said_means_today_as_it_is_believed_now() {
        assert_eq!(parse(None, None), Ok(Moment::on(NaiveDate::from_ymd_opt(2026, 6, 30).expect("a day"))));
    }

    #[test]
    fn a_day_of_knowledge_means_its_end_in_shanghai_and_today_means_now() {
        let known = |text| parse(None, Some(text)).expect("a moment").known_at.expect("a time").to_rfc3339();
        assert_eq!(known("2026-05-01"), "2026-05-01T15:59:59.999999+00:00");
        assert_eq!(known("2026-06-30"), "2026-06-30T02:00:00+00:00");
        assert_eq!(known("2026-05-01T09:00:00+08:00"), "2026-05-01T01:00:00+00:00");
        assert_eq!(known("2026-05-01T09:00:00 08:00"), "2026-05-01T01:00:00+00:00");
    }

    #[test]
    fn words_that_name_no_moment_and_times_yet_to_come_are_refused_with_what_was_expected() {
        for none in ["May", "0001-01-01", "-262143-01-01", "1949-09-30", "2200-01-01"] {
            assert_eq!(parse(Some(none), None), Err(MomentError::Day(none.into())));
        }
        assert_eq!(parse(None, Some("-262143-01-01")), Err(MomentError::Time("-262143-01-01".into())));
        assert_eq!(parse(None, Some("noon")), Err(MomentError::Time("noon".into())));
        for later in ["2026-06-30T02:00:01Z", "2026-07-01"] {
            assert!(matches!(parse(None, Some(later)), Err(MomentError::YetToCome(_))), "{later}");
        }
    }

    #[test]
    fn the_law_of_a_day_to_come_may_be_asked_for() {
        assert_eq!(parse(Some("2030-01-01"), None).map(|it| it.valid_at.to_string()), Ok("2030-01-01".into()));
    }
}
