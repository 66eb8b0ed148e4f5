//! What falls due: the clocks of all contracts on a day, as a list by responsible body. It keeps nothing and decides nothing.

use super::bond::{BondPart, Settlement};
use super::clock::{Clock, Events, Promise, State, Year};
use super::due::DueRule;
use super::expiry::Expiry;
use super::obligation::{Act, Excuse, ObligationKind, YearFact};
use super::tracks::{BondTrack, Limits, Step};
use crate::domain::calendar::Calendar;
use crate::domain::review::scheme::Words;
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;

/// An obligation as the register holds it.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "as in obligation::Obligation")]
pub struct Held {
    pub number: String,
    pub kind: ObligationKind,
    pub due: Option<DueRule>,
    pub target: Option<Decimal>,
    pub unit: Option<String>,
    pub at_most: bool,
    pub met_on: Option<NaiveDate>,
    pub achieved: Option<Decimal>,
    pub excuse: Option<Excuse>,
    pub body: Option<String>,
    pub acts: Vec<Act>,
    pub years: Vec<YearFact>,
}

impl Held {
    /// What its clock looks at.
    pub fn promise(&self) -> Promise<'_> {
        Promise {
            kind: self.kind,
            due: self.due,
            target: self.target,
            at_most: self.at_most,
            met_on: self.met_on,
            achieved: self.achieved,
            excuse: self.excuse,
            acts: &self.acts,
            years: &self.years,
        }
    }

    /// What the tracks, and a review, see of it by its clock; nothing of what was waived.
    pub fn step(&self, clock: &Clock) -> Option<Step> {
        (!matches!(clock.state, State::Waived { .. })).then_some(Step {
            kind: self.kind,
            // A yearly duty is never over; its figures are judged by the yearly returns.
            due_on: clock.due.filter(|_| !matches!(self.due, Some(DueRule::Yearly { .. }))),
            met_on: clock.met_on,
            excused: self.excuse.is_some(),
        })
    }
}

/// A part of a bond that is to be paid by a day.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "as in bond::Bonds")]
pub struct HeldBond {
    pub part: BondPart,
    pub amount_wan_yuan: Option<Decimal>,
    pub due_on: Option<NaiveDate>,
    pub paid_on: Option<NaiveDate>,
    pub demanded_on: Option<NaiveDate>,
    pub settled: Option<Settlement>,
}

impl HeldBond {
    /// Whether nothing is owed of it any more on a day, because it was returned or kept.
    pub fn is_settled(&self, today: NaiveDate) -> bool {
        self.settled.is_some_and(|settled| settled.on <= today)
    }

    /// Where it stands on the day of the rules.
    pub fn track(&self, limits: &Limits) -> BondTrack {
        limits.bond(self.demanded_on, self.paid_on, self.settled.map(|settled| settled.on))
    }
}

/// A contract with everything that has a clock.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "as in contract::Contract")]
pub struct Watched {
    pub number: String,
    pub parcel: String,
    pub responsible_unit: Option<String>,
    pub signed_on: NaiveDate,
    pub paid_on: Option<NaiveDate>,
    pub handed_over_on: Option<NaiveDate>,
    /// The first day after the term, as its newest supplement states it; nothing for land without term, and for a supplement.
    pub term_ends_on: Option<NaiveDate>,
    /// The supplement that states the end of the term, where one does.
    pub term_by: Option<String>,
    /// The contract that it supplements, where it is a supplement.
    pub amends: Option<String>,
    /// Whether it, or one of its supplements, carries performance terms.
    pub performance_terms: bool,
    /// Years from one review in use to the next, where it says so.
    pub review_years: Option<i32>,
    pub duties: Vec<Held>,
    pub bonds: Vec<HeldBond>,
}

impl Watched {
    /// The days from which others are counted, as far as they lie behind.
    pub fn events(&self, today: NaiveDate) -> Events {
        let past = |day: Option<NaiveDate>| day.filter(|day| *day <= today);
        let mut events = Events {
            signing: past(Some(self.signed_on)),
            payment: past(self.paid_on),
            handover: past(self.handed_over_on),
            demand: self.bonds.iter().filter_map(|bond| past(bond.demanded_on)).min(),
            ..Events::default()
        };
        for duty in &self.duties {
            if let Some(met) = self.promise(duty).done_on(today) {
                events.met(duty.kind, met);
            }
        }
        events
    }

    /// Its obligations on a day, each with its clock.
    pub fn clocks(&self, calendar: &Calendar, today: NaiveDate, soon: Days) -> Vec<(&Held, Clock)> {
        self.clocks_of(|_| true, calendar, today, soon)
    }

    /// The same of those obligations alone that are asked for.
    pub fn clocks_of(
        &self,
        wanted: impl Fn(ObligationKind) -> bool,
        calendar: &Calendar,
        today: NaiveDate,
        soon: Days,
    ) -> Vec<(&Held, Clock)> {
        let events = self.events(today);
        let wanted = self.duties.iter().filter(|duty| wanted(duty.kind));
        wanted.map(|duty| (duty, self.promise(duty).clock(&events, calendar, today, soon))).collect()
    }

    /// What the clock of an obligation looks at: the day on which a price was paid in full or land handed over stands in
    /// the contract itself. Of several of the kind, that day is none's own: an instalment may have been paid before.
    fn promise<'a>(&self, duty: &'a Held) -> Promise<'a> {
        let day = match duty.kind {
            ObligationKind::Payment => self.paid_on,
            ObligationKind::Handover => self.handed_over_on,
            _ => None,
        };
        let is_one = !matches!(duty.due, Some(DueRule::Yearly { .. }))
            && self.duties.iter().filter(|other| other.kind == duty.kind).count() == 1;
        let promise = duty.promise();
        Promise { met_on: promise.met_on.or(day.filter(|_| is_one)), ..promise }
    }
}

/// What falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// An obligation.
    Obligation(ObligationKind),
    /// A part of a bond.
    Bond(BondPart),
    /// The application to renew a term that ends.
    RenewalApplication,
}

impl What {
    /// The word used in data and on the wire.
    pub fn name(self) -> String {
        match self {
            Self::Obligation(kind) => kind.name().to_owned(),
            Self::Bond(part) => format!("bond_{}", part.name()),
            Self::RenewalApplication => "renewal_application".to_owned(),
        }
    }
}

/// One thing that falls due, or is overdue.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Who answers for it; nothing where neither the obligation nor the contract names anyone.
    pub body: Option<String>,
    /// What.
    pub what: What,
    /// The obligation's number.
    pub number: Option<String>,
    /// The contract's number.
    pub contract: String,
    /// The parcel.
    pub parcel: String,
    /// The year, of a yearly duty.
    pub year: Option<i32>,
    /// Where it stands.
    pub state: State,
    /// The day.
    pub due: NaiveDate,
    /// Days left; below zero it is overdue.
    pub days: i64,
    /// How the day was found.
    pub how: Words,
}

/// What falls due on a day and within the days after it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Agenda {
    /// By body, day, contract and kind.
    pub items: Vec<Item>,
    /// Clocks that cannot be computed, because a fact or a rule is missing: the obligation's number and what is missing.
    pub unknown: Vec<(String, Words)>,
    /// Obligations whose day is over and of which no figure is recorded.
    pub without_figure: usize,
}

/// Makes the list. `body` names one body, or nothing for all.
pub fn agenda(
    contracts: &[Watched],
    calendar: &Calendar,
    limits: &Limits,
    today: NaiveDate,
    within: Days,
    body: Option<&str>,
) -> Agenda {
    let mut agenda = Agenda::default();
    let wanted = |who: Option<&String>| body.is_none_or(|body| who.is_some_and(|who| who == body));
    for contract in contracts {
        let events = contract.events(today);
        let unit = contract.responsible_unit.as_ref();
        let clocks = contract.clocks(calendar, today, within);
        for (duty, clock) in clocks.into_iter().filter(|(duty, _)| wanted(duty.body.as_ref().or(unit))) {
            let body = duty.body.as_ref().or(unit).cloned();
            for year in duty.promise().years(today).into_iter().filter(|one| Some(one.year) != clock.year) {
                agenda.note_year(contract, body.as_ref(), duty, year, today);
            }
            agenda.note(contract, body, What::Obligation(duty.kind), Some(&duty.number), clock, today, within);
        }
        if !wanted(unit) {
            continue;
        }
        for bond in contract.bonds.iter().filter(|bond| !bond.is_settled(today)) {
            // What was demanded without a day agreed is owed from the demand on.
            let Some(due) = bond.due_on.or(bond.demanded_on.filter(|day| *day <= today)) else { continue };
            let promise = Promise {
                kind: ObligationKind::Bond,
                due: Some(DueRule::On(due)),
                target: None,
                at_most: false,
                met_on: bond.paid_on,
                achieved: None,
                excuse: None,
                acts: &[],
                years: &[],
            };
            let mut clock = promise.clock(&events, calendar, today, within);
            add_demand(&mut clock.how, bond, limits);
            agenda.note(contract, unit.cloned(), What::Bond(bond.part), None, clock, today, within);
        }
        if let Some(end) = contract.term_ends_on {
            agenda.note_expiry(contract, end, limits, today);
        }
    }
    let key = |item: &Item| (item.body.clone(), item.due, item.contract.clone(), item.what, item.number.clone());
    agenda.items.sort_by_cached_key(key);
    agenda.unknown.sort_by(|a, b| a.0.cmp(&b.0));
    agenda
}

impl Agenda {
    #[expect(clippy::too_many_arguments, reason = "what an item is made of")]
    fn note(
        &mut self,
        contract: &Watched,
        body: Option<String>,
        what: What,
        number: Option<&str>,
        clock: Clock,
        today: NaiveDate,
        within: Days,
    ) {
        let horizon = today.checked_add_days(within).unwrap_or(NaiveDate::MAX);
        match (clock.due, &clock.state) {
            (None, State::Unknown) => {
                self.unknown.push((number.unwrap_or(&contract.number).to_owned(), clock.how));
            }
            (Some(_), State::Unknown) => self.without_figure += 1,
            (Some(due), state) if !state.is_closed() && due <= horizon => self.items.push(Item {
                body,
                what,
                number: number.map(str::to_owned),
                contract: contract.number.clone(),
                parcel: contract.parcel.clone(),
                year: clock.year,
                days: (due - today).num_days(),
                due,
                state: clock.state,
                how: clock.how,
            }),
            _ => {}
        }
    }

    /// A past year of a yearly duty is on the list while it was missed and neither waived nor made good.
    fn note_year(&mut self, contract: &Watched, body: Option<&String>, duty: &Held, year: Year, today: NaiveDate) {
        let of = year.year;
        let how = match (duty.target, year.achieved) {
            (Some(target), Some(achieved)) => {
                let (target, achieved) = (target.normalize(), achieved.normalize());
                let unit = duty.unit.as_deref().unwrap_or_default();
                let bound = if duty.at_most { "≤" } else { "≥" };
                Words {
                    zh: format!("{of}年度：{achieved}{unit}，约定{bound}{target}{unit}"),
                    en: format!("in {of}: {achieved} {unit}, agreed {bound} {target}"),
                }
            }
            _ => Words { zh: format!("{of}年度"), en: format!("of {of}") },
        };
        match year.state {
            State::Unknown => self.without_figure += 1,
            State::Late { .. } | State::Breached => self.items.push(Item {
                body: body.cloned(),
                what: What::Obligation(duty.kind),
                number: Some(duty.number.clone()),
                contract: contract.number.clone(),
                parcel: contract.parcel.clone(),
                year: Some(of),
                days: (year.due - today).num_days(),
                due: year.due,
                state: year.state,
                how,
            }),
            _ => {}
        }
    }

    /// A term that ends is on the list from the day of the reminder, however far the last day to apply is.
    fn note_expiry(&mut self, contract: &Watched, end: NaiveDate, limits: &Limits, today: NaiveDate) {
        let (Some(found), Some(months)) = (limits.expiry(end), limits.application()) else { return };
        let (apply_by, state) = match found {
            Expiry::Running | Expiry::Ended => return,
            Expiry::Remind { apply_by } => (apply_by, State::DueSoon { days: (apply_by - today).num_days() }),
            Expiry::ApplicationOver { apply_by } => {
                (apply_by, State::Late { days: (today - apply_by).num_days(), excuse: None })
            }
        };
        let months = months.as_u32();
        let (by_zh, by_en) = contract
            .term_by
            .as_ref()
            .map(|by| (format!("（补充合同 {by}）"), format!(" (supplementary contract {by})")))
            .unwrap_or_default();
        self.items.push(Item {
            body: contract.responsible_unit.clone(),
            what: What::RenewalApplication,
            number: None,
            contract: contract.number.clone(),
            parcel: contract.parcel.clone(),
            year: None,
            state,
            due: apply_by,
            days: (apply_by - today).num_days(),
            how: Words {
                zh: format!("使用年限至 {end} 届满{by_zh}，提前{months}个月申请续期 → {apply_by}"),
                en: format!("the term ends before {end}{by_en}; apply {months} months earlier → {apply_by}"),
            },
        });
    }
}

/// Says since when a bond is demanded, and what that allows.
fn add_demand(how: &mut Words, bond: &HeldBond, limits: &Limits) {
    let (days, may) = match bond.track(limits) {
        BondTrack::Owed { days } => (days, false),
        BondTrack::Rescindable { days } => (days, true),
        _ => return,
    };
    let Some(day) = bond.demanded_on else { return };
    how.zh.push_str(&format!("；{day} 催缴，已 {days} 日"));
    how.en.push_str(&format!("; demanded on {day}, {days} days ago"));
    if may {
        how.zh.push_str("，可以解除合同");
        how.en.push_str(": the contract may be rescinded");
    }
}
