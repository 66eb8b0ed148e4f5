//! Clocks of obligations, worked out from facts each time and never stored: where an obligation stands on a day, by which
//! rule, and how its day was counted. A clock is stopped only by a decision with ground and document.

use super::due::{DueRule, DueUnit, Event};
use super::obligation::{Act, ActKind, Excuse, ObligationKind, YearFact};
use crate::domain::calendar::Calendar;
use crate::domain::review::scheme::Words;
use chrono::{Datelike, Days, Months, NaiveDate};
use rust_decimal::Decimal;

/// What is promised and what is recorded of it.
#[derive(Debug, Clone)]
pub struct Promise<'a> {
    /// What is promised.
    pub kind: ObligationKind,
    /// When it falls due.
    pub due: Option<DueRule>,
    /// The figure promised.
    pub target: Option<Decimal>,
    /// Whether the figure is a ceiling.
    pub at_most: bool,
    /// When it was met.
    pub met_on: Option<NaiveDate>,
    /// The figure reached.
    pub achieved: Option<Decimal>,
    /// Why a delay is not the holder's fault.
    pub excuse: Option<Excuse>,
    /// What was decided about it.
    pub acts: &'a [Act],
    /// What came of it in each year, where it is a yearly duty.
    pub years: &'a [YearFact],
}

/// The days of a contract from which others are counted; nothing is not recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "one for each event of due::Event")]
pub struct Events {
    pub signing: Option<NaiveDate>,
    pub payment: Option<NaiveDate>,
    pub handover: Option<NaiveDate>,
    pub start: Option<NaiveDate>,
    pub completion: Option<NaiveDate>,
    pub production: Option<NaiveDate>,
    pub full_production: Option<NaiveDate>,
    pub demand: Option<NaiveDate>,
}

impl Events {
    /// The day of an event.
    pub fn day(&self, event: Event) -> Option<NaiveDate> {
        match event {
            Event::Signing => self.signing,
            Event::Payment => self.payment,
            Event::Handover => self.handover,
            Event::Start => self.start,
            Event::Completion => self.completion,
            Event::Production => self.production,
            Event::FullProduction => self.full_production,
            Event::Demand => self.demand,
        }
    }

    /// Takes the day on which an obligation of a kind was met, where that is an event.
    pub fn met(&mut self, kind: ObligationKind, day: NaiveDate) {
        let event = match kind {
            ObligationKind::Payment => &mut self.payment,
            ObligationKind::Handover => &mut self.handover,
            ObligationKind::Start => &mut self.start,
            ObligationKind::Completion => &mut self.completion,
            ObligationKind::Production => &mut self.production,
            ObligationKind::FullProduction => &mut self.full_production,
            _ => return,
        };
        event.get_or_insert(day);
    }
}

/// Where an obligation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// 未到期: due in so many days.
    NotDue {
        /// Days left.
        days: i64,
    },
    /// 即将到期: due within the days that were asked about.
    DueSoon {
        /// Days left.
        days: i64,
    },
    /// 已履行.
    Met {
        /// Days late; 0 is in time.
        late_days: i64,
    },
    /// 逾期.
    Late {
        /// Days late.
        days: i64,
        /// Why that is not the holder's fault, where it is not.
        excuse: Option<Excuse>,
    },
    /// 违约: found by decision, or a figure missed on its day.
    Breached,
    /// 延期: not due before another day, by decision.
    Extended {
        /// The new day.
        until: NaiveDate,
        /// Why.
        ground: String,
        /// The document.
        document: String,
    },
    /// 免除.
    Waived {
        /// Why.
        ground: String,
        /// The document.
        document: String,
    },
    /// 补正.
    Cured {
        /// The document.
        document: String,
    },
    /// 无法计算: a fact is missing.
    Unknown,
}

impl State {
    /// The word used in data and on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotDue { .. } => "not_due",
            Self::DueSoon { .. } => "due_soon",
            Self::Met { .. } => "met",
            Self::Late { .. } => "late",
            Self::Breached => "breached",
            Self::Extended { .. } => "extended",
            Self::Waived { .. } => "waived",
            Self::Cured { .. } => "cured",
            Self::Unknown => "unknown",
        }
    }

    /// The word for people who read Chinese.
    pub fn chinese(&self) -> &'static str {
        match self {
            Self::NotDue { .. } => "未到期",
            Self::DueSoon { .. } => "即将到期",
            Self::Met { .. } => "已履行",
            Self::Late { .. } => "逾期",
            Self::Breached => "违约",
            Self::Extended { .. } => "延期",
            Self::Waived { .. } => "免除",
            Self::Cured { .. } => "已补正",
            Self::Unknown => "无法计算",
        }
    }

    /// Whether nothing is owed any more.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Met { .. } | Self::Waived { .. } | Self::Cured { .. })
    }
}

/// The clock of an obligation on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Where it stands.
    pub state: State,
    /// The day it falls due, extensions included.
    pub due: Option<NaiveDate>,
    /// The day by which it was done, in whatever year, by record or by decision.
    pub met_on: Option<NaiveDate>,
    /// The year that is looked at, of a yearly duty.
    pub year: Option<i32>,
    /// The day that the judgement rests on.
    pub done: Option<Done>,
    /// How that was found, or what is missing.
    pub how: Words,
    /// Years in whose working days no holidays are known.
    pub weekends_only: Vec<i32>,
}

/// The day by which something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// The day.
    pub on: NaiveDate,
    /// Whether someone recorded that day; else it is that of the decision which says so.
    pub is_recorded: bool,
}

/// One year of a yearly duty whose day is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Year {
    /// The year.
    pub year: i32,
    /// The day it fell due, an extension included.
    pub due: NaiveDate,
    /// Where it stands.
    pub state: State,
    /// The day that the judgement rests on.
    pub done: Option<Done>,
    /// The figure reached.
    pub achieved: Option<Decimal>,
}

/// The day a rule comes to, and how.
struct Counted {
    day: Option<NaiveDate>,
    how: Words,
    weekends_only: Vec<i32>,
}

/// The day of a rule as seen on a day; of a yearly rule the one in `year`.
fn count(rule: DueRule, events: &Events, calendar: &Calendar, year: i32) -> Counted {
    let counted = |day, zh, en| Counted { day, how: Words { zh, en }, weekends_only: Vec::new() };
    match rule {
        DueRule::On(day) => counted(Some(day), format!("约定日期 {day}"), format!("agreed for {day}")),
        DueRule::After { event, count, unit } => {
            let Some(from) = events.day(event) else {
                let what = event.name().replace('_', " ");
                return counted(
                    None,
                    format!("无法计算：未登记{}日期", event.chinese()),
                    format!("cannot be computed: no {what} date"),
                );
            };
            let (day, weekends_only, zh, en) = match unit {
                DueUnit::Months => (from.checked_add_months(Months::new(count)), Vec::new(), "个月", "months"),
                DueUnit::Days => (from.checked_add_days(Days::new(count.into())), Vec::new(), "日", "days"),
                DueUnit::WorkingDays => {
                    let found = calendar.after(from, count);
                    let years = found.as_ref().map(|found| found.weekends_only.clone()).unwrap_or_default();
                    (found.map(|found| found.day), years, "个工作日", "working days")
                }
            };
            let to = day.map(|day| day.to_string()).unwrap_or_default();
            let mut how = Words {
                zh: format!("{}（{from}）后{count}{zh} → {to}", event.chinese()),
                en: format!("{count} {en} after {} {from} → {to}", event.name().replace('_', " ")),
            };
            if !weekends_only.is_empty() {
                let years: Vec<String> = weekends_only.iter().map(i32::to_string).collect();
                how.zh.push_str(&format!("（{}年节假日安排未录入，仅按周末计算）", years.join("、")));
                how.en.push_str(&format!(" (holidays of {} are not known: weekends only)", years.join(", ")));
            }
            Counted { day, how, weekends_only }
        }
        DueRule::Yearly { month, day, from, to } => {
            let until =
                to.map_or(("起".to_owned(), " on".to_owned()), |to| (format!("至{to}年"), format!(" to {to}")));
            counted(
                NaiveDate::from_ymd_opt(year, month, day),
                format!("每年{month:02}月{day:02}日（{from}年{}）", until.0),
                format!("each year on {month:02}-{day:02}, from {from}{}", until.1),
            )
        }
    }
}

impl Promise<'_> {
    /// The clock on a day. What falls due within `soon` is due soon.
    pub fn clock(&self, events: &Events, calendar: &Calendar, today: NaiveDate, soon: Days) -> Clock {
        let Some(rule) = self.due else {
            let how =
                Words { zh: "无法计算：未约定期限".into(), en: "cannot be computed: no due rule".into() };
            let state =
                self.decided(today, 0, None).or_else(|| self.by_facts(None, 0, today)).unwrap_or(State::Unknown);
            let done = self.done(today, 0);
            let met_on = self.done_on(today);
            return Clock { state, due: None, met_on, year: None, done, how, weekends_only: Vec::new() };
        };
        let (year, extension) = self.asked(today);
        let mut found = count(rule, events, calendar, year);
        let extension = extension.filter(|act| gives_time(act, found.day));
        if let Some((act, until)) = extension.and_then(|act| Some((act, act.until?))) {
            found.day = Some(until);
            found.how.zh.push_str(&format!("；延期至 {until}（{}，{}）", act.ground, act.document));
            found.how.en.push_str(&format!("; extended to {until} ({}, {})", act.ground, act.document));
        }
        let state = self.state(year, found.day, extension, today, soon);
        if state == State::Unknown && found.day.is_some() {
            found.how.zh.push_str("；到期未登记数值");
            found.how.en.push_str("; no figure is recorded for it");
        }
        Clock {
            state,
            due: found.day,
            met_on: self.done_on(today),
            year: matches!(rule, DueRule::Yearly { .. }).then_some(year),
            done: self.done(today, year),
            how: found.how,
            weekends_only: found.weekends_only,
        }
    }

    /// The years of a yearly duty whose day is over on a day, each judged by itself; none of any other duty.
    pub fn years(&self, today: NaiveDate) -> Vec<Year> {
        let Some(DueRule::Yearly { month, day, from, to }) = self.due else { return Vec::new() };
        (from..=to.unwrap_or(i32::MAX))
            .map_while(|year| {
                let agreed = NaiveDate::from_ymd_opt(year, month, day).filter(|agreed| *agreed < today)?;
                let extension = self.extension(year, today).filter(|act| gives_time(act, Some(agreed)));
                let due = extension.and_then(|act| act.until).unwrap_or(agreed);
                Some(Year {
                    year,
                    due,
                    state: self.state(year, Some(due), extension, today, Days::new(0)),
                    done: self.done(today, year),
                    achieved: self.fact(year).and_then(|fact| fact.achieved),
                })
            })
            .collect()
    }

    /// Where it stands on a day; of a yearly duty that of `year`, whose day is `due`.
    fn state(&self, year: i32, due: Option<NaiveDate>, extension: Option<&Act>, today: NaiveDate, soon: Days) -> State {
        let known = self.decided(today, year, due).or_else(|| self.by_facts(due, year, today));
        known.unwrap_or_else(|| match due {
            None => State::Unknown,
            Some(due) if due < today && self.kind.is_milestone() => {
                State::Late { days: (today - due).num_days(), excuse: self.excuse }
            }
            Some(due) if due < today => State::Unknown,
            Some(due) => {
                let days = (due - today).num_days();
                match extension {
                    Some(act) => {
                        State::Extended { until: due, ground: act.ground.clone(), document: act.document.clone() }
                    }
                    None if today.checked_add_days(soon).is_none_or(|horizon| due <= horizon) => {
                        State::DueSoon { days }
                    }
                    None => State::NotDue { days },
                }
            }
        })
    }

    /// The day by which it was done in whatever year, as far as that lies behind: the recorded one, else that of the
    /// decision which says so.
    pub fn done_on(&self, today: NaiveDate) -> Option<NaiveDate> {
        let recorded = self.years.iter().filter_map(|fact| fact.met_on).chain(self.met_on).filter(|met| *met <= today);
        recorded.max().or_else(|| {
            let act = self.last(today, |act| act.kind != ActKind::Extended)?;
            matches!(act.kind, ActKind::Met | ActKind::Cured).then_some(act.on)
        })
    }

    /// The same of one year of a yearly duty, and how it is known.
    fn done(&self, today: NaiveDate, year: i32) -> Option<Done> {
        if let Some(on) = self.met_in(year).filter(|met| *met <= today) {
            return Some(Done { on, is_recorded: true });
        }
        let act = self.last(today, |act| act.kind != ActKind::Extended && self.is_about(act, year))?;
        matches!(act.kind, ActKind::Met | ActKind::Cured).then_some(Done { on: act.on, is_recorded: false })
    }

    /// What is recorded of one year of a yearly duty.
    fn fact(&self, year: i32) -> Option<&YearFact> {
        self.years.iter().find(|fact| fact.year == year)
    }

    /// The day that is recorded as that on which it was met; of a yearly duty in `year`.
    fn met_in(&self, year: i32) -> Option<NaiveDate> {
        self.fact(year).and_then(|fact| fact.met_on).or_else(|| self.met_on.filter(|met| self.is_of(*met, year)))
    }

    /// The year in which a yearly duty is looked at on a day, and the extension that holds for it: the year of the next due
    /// day, or the last when there is no next; but the one before while that is still extended. Any other duty has no year.
    fn asked(&self, today: NaiveDate) -> (i32, Option<&Act>) {
        let Some(DueRule::Yearly { from, to, .. }) = self.due else {
            return (0, self.extension(0, today));
        };
        let clamp = |year: i32| year.max(from).min(to.unwrap_or(i32::MAX));
        let next = clamp(self.last_before(today) + 1);
        let before = clamp(next - 1);
        match self.extension(before, today) {
            Some(act) if act.until.is_some_and(|until| until >= today) => (before, Some(act)),
            _ => (next, self.extension(next, today)),
        }
    }

    /// The extension that holds for a year: it is of the year it names, else of that of the last due day before the day it
    /// extends to. Any other duty than a yearly one has one extension.
    fn extension(&self, year: i32, today: NaiveDate) -> Option<&Act> {
        let Some(DueRule::Yearly { from, to, .. }) = self.due else {
            return self.last(today, |act| act.kind == ActKind::Extended);
        };
        let clamp = |year: i32| year.max(from).min(to.unwrap_or(i32::MAX));
        self.last(today, |act| {
            let of = |until| act.year.unwrap_or_else(|| clamp(self.last_before(until))) == year;
            act.kind == ActKind::Extended && act.until.is_some_and(of)
        })
    }

    /// The year of the last due day before a day, as if the duty had neither first nor last year.
    fn last_before(&self, by: NaiveDate) -> i32 {
        let Some(DueRule::Yearly { month, day, .. }) = self.due else { return by.year() };
        let in_year = NaiveDate::from_ymd_opt(by.year(), month, day).unwrap_or(NaiveDate::MAX);
        by.year() - i32::from(in_year >= by)
    }

    /// Whether something of a day belongs to the due day in `year`. Of a yearly duty it does where it is of that calendar
    /// year, so what is paid late still counts for the year it was owed in; before the first and after the last year it
    /// counts for those.
    fn is_of(&self, on: NaiveDate, year: i32) -> bool {
        match self.due {
            Some(DueRule::Yearly { from, to, .. }) => on.year().max(from).min(to.unwrap_or(i32::MAX)) == year,
            _ => true,
        }
    }

    /// Whether a decision is about a year: the one it names, else the one it belongs to by its day.
    fn is_about(&self, act: &Act, year: i32) -> bool {
        match (self.due, act.year) {
            (Some(DueRule::Yearly { .. }), Some(named)) => named == year,
            _ => self.is_of(act.on, year),
        }
    }

    /// The last decision of some that was made by a day.
    fn last(&self, today: NaiveDate, of: impl Fn(&Act) -> bool) -> Option<&Act> {
        self.acts.iter().filter(|act| act.on <= today && of(act)).max_by_key(|act| act.on)
    }

    /// What the last decision that ends or breaks it says.
    fn decided(&self, today: NaiveDate, year: i32, due: Option<NaiveDate>) -> Option<State> {
        let act = self.last(today, |act| act.kind != ActKind::Extended && self.is_about(act, year))?;
        Some(match act.kind {
            ActKind::Extended => return None,
            ActKind::Waived => State::Waived { ground: act.ground.clone(), document: act.document.clone() },
            ActKind::Cured => State::Cured { document: act.document.clone() },
            ActKind::Met => {
                let met = self.met_in(year).unwrap_or(act.on);
                State::Met { late_days: late(met, due) }
            }
            ActKind::FoundBreached => State::Breached,
        })
    }

    /// What the recorded facts say by themselves.
    fn by_facts(&self, due: Option<NaiveDate>, year: i32, today: NaiveDate) -> Option<State> {
        let met = self.met_in(year).filter(|met| *met <= today);
        let is_yearly = matches!(self.due, Some(DueRule::Yearly { .. }));
        // The figure of a year says by itself whether the promise was kept in it.
        let achieved = if is_yearly { self.fact(year).and_then(|fact| fact.achieved) } else { self.achieved };
        let by_day = met.map(|met| State::Met { late_days: late(met, due) });
        if self.kind.is_milestone() || met.is_some() && !is_yearly {
            return by_day;
        }
        let Some((target, achieved)) = self.target.zip(achieved) else { return by_day };
        let reached = if self.at_most { achieved <= target } else { achieved >= target };
        let over = due.is_some_and(|due| due < today);
        match (reached, over) {
            // A ceiling is kept only once its day is over.
            (true, _) if !self.at_most || over => by_day.or(Some(State::Met { late_days: 0 })),
            (false, true) => Some(State::Breached),
            _ => None,
        }
    }
}

/// Whether a decision puts a day off. An event that came later may have put it off further by itself.
fn gives_time(extension: &Act, agreed: Option<NaiveDate>) -> bool {
    extension.until.is_some_and(|until| agreed.is_none_or(|agreed| until > agreed))
}

fn late(met: NaiveDate, due: Option<NaiveDate>) -> i64 {
    due.map_or(0, |due| (met - due).num_days().max(0))
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
