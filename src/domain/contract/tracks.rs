//! The two tracks on which land that is not built on can be lost, each with its own clock, money, ground and source: the
//! contract (late start) and the idle-land rules (闲置土地). They run side by side and are never mixed: what one takes or
//! gives back says nothing of the other.

use super::expiry::{Expiry, expiry};
use super::obligation::ObligationKind;
use crate::domain::review::decision::{Idle, Start, Term};
use crate::domain::review::scheme::SchemeError;
use crate::domain::rulebook::{Rulebook, keys};
use chrono::{Days, Months, NaiveDate};
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

/// Decimals of an amount in 万元 that is kept to the fen.
const FEN: u32 = 6;

/// The rule values of the tracks, as they stand on a day. Where no rule is in force on the day, its track does not run.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    day: NaiveDate,
    idle_fee: Option<Months>,
    idle_take_back: Option<Months>,
    developed_percent: Option<f64>,
    invested_percent: Option<f64>,
    rescission: Option<Months>,
    reminder: Option<Months>,
    application: Option<Months>,
    half_bond: Option<Months>,
    half_bond_percent: Option<Decimal>,
    idle_fee_percent: Option<Decimal>,
    notice: Option<Days>,
    bond_grace: Option<i64>,
}

/// What the tracks look at on one piece of land.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Site {
    /// The day of a start that is still owed; nothing once works have begun in any way.
    pub open_start: Option<NaiveDate>,
    /// Whether the delay of that start, or of the suspended works, is not the holder's fault.
    pub excused: bool,
    /// Since when works that had begun stand still.
    pub suspended_on: Option<NaiveDate>,
    /// Land developed of the land due, per cent.
    pub developed_percent: Option<f64>,
    /// Investment made of that agreed, per cent.
    pub invested_percent: Option<f64>,
}

/// A step of the works as the tracks see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What was promised.
    pub kind: ObligationKind,
    /// Until when.
    pub due_on: Option<NaiveDate>,
    /// When it was done.
    pub met_on: Option<NaiveDate>,
    /// Whether a delay is not the holder's fault.
    pub excused: bool,
}

impl Site {
    /// What the steps of a contract come to. A start that nobody entered is not proof that nothing was built: where the
    /// land is in use, or a later step was made, works have begun.
    pub fn of(steps: &[Step], in_use: bool, suspended_on: Option<NaiveDate>) -> Self {
        // What is paid or handed over before works begin shows nothing of them.
        let before = [ObligationKind::Payment, ObligationKind::Bond, ObligationKind::Handover];
        let begun = in_use
            || suspended_on.is_some()
            || steps.iter().any(|step| step.met_on.is_some() && !before.contains(&step.kind));
        let of = |kind| steps.iter().find(move |step| step.kind == kind);
        let open = of(ObligationKind::Start).filter(|step| !begun && step.due_on.is_some());
        Self {
            open_start: open.and_then(|step| step.due_on),
            excused: match open {
                Some(step) => step.excused,
                None => steps.iter().any(|step| step.kind == ObligationKind::Completion && step.excused),
            },
            suspended_on,
            ..Self::default()
        }
    }
}

/// Where a demanded bond stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BondTrack {
    /// It was paid.
    Paid,
    /// It was returned or kept.
    Settled,
    /// No demand is recorded, from which the days would count.
    NotDemanded,
    /// Owed for so many days since the demand.
    Owed {
        /// Days since the demand.
        days: i64,
    },
    /// Owed so long that the contract may be rescinded; the deposit is lost.
    Rescindable {
        /// Days since the demand.
        days: i64,
    },
}

impl BondTrack {
    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Settled => "settled",
            Self::NotDemanded => "not_demanded",
            Self::Owed { .. } => "owed",
            Self::Rescindable { .. } => "rescindable",
        }
    }

    /// Days since the demand, of what is owed.
    pub fn days(self) -> Option<i64> {
        match self {
            Self::Owed { days } | Self::Rescindable { days } => Some(days),
            _ => None,
        }
    }
}

impl Limits {
    /// Takes the values in force on a day; refuses where one is missing, as a review does.
    pub fn on(rulebook: &Rulebook, day: NaiveDate) -> Result<Self, SchemeError> {
        for key in keys::TRACKS {
            rulebook.on(key, day)?;
        }
        Ok(Self::in_force(rulebook, day))
    }

    /// Takes the values in force on a day, which may be a day from before the rules.
    pub fn in_force(rulebook: &Rulebook, day: NaiveDate) -> Self {
        let number = |key| rulebook.on(key, day).ok().map(|rule| rule.value);
        let exact = |key| number(key).and_then(Decimal::from_f64);
        let days = |key| number(key).and_then(|value| value.round().to_u32());
        let months = |key| rulebook.months(key, day).ok();
        Self {
            day,
            idle_fee: months(keys::IDLE_FEE_MONTHS),
            idle_take_back: months(keys::IDLE_TAKE_BACK_MONTHS),
            developed_percent: number(keys::IDLE_DEVELOPED),
            invested_percent: number(keys::IDLE_INVESTED),
            rescission: months(keys::RESCISSION_MONTHS),
            reminder: months(keys::EXPIRY_MONTHS),
            application: months(keys::APPLICATION_MONTHS),
            half_bond: months(keys::START_BOND_MONTHS),
            half_bond_percent: exact(keys::START_BOND_PERCENT),
            idle_fee_percent: exact(keys::IDLE_FEE_PERCENT),
            notice: days(keys::TAKE_BACK_NOTICE_DAYS).map(|days| Days::new(days.into())),
            bond_grace: days(keys::BOND_GRACE_DAYS).map(i64::from),
        }
    }

    /// How long before the end of a term one must apply to renew it.
    pub fn application(&self) -> Option<Months> {
        self.application
    }

    /// Where the end of a term stands; `end` is the first day after it. Nothing where no rule is in force.
    pub fn expiry(&self, end: NaiveDate) -> Option<Expiry> {
        Some(expiry(end, self.day, self.application?, self.reminder?))
    }

    /// Whether so many months have passed since a day.
    fn passed(&self, since: NaiveDate, months: Option<Months>) -> bool {
        months.and_then(|months| since.checked_add_months(months)).is_some_and(|then| then <= self.day)
    }

    /// Whether more than so many months have passed since a day.
    fn exceeded(&self, since: NaiveDate, months: Option<Months>) -> bool {
        months.and_then(|months| since.checked_add_months(months)).is_some_and(|limit| limit < self.day)
    }

    /// Where a term stands; `end` is the first day after it.
    pub fn term(&self, end: NaiveDate) -> Term {
        if end <= self.day {
            return Term::Expired;
        }
        let horizon = self.reminder.and_then(|months| self.day.checked_add_months(months));
        if horizon.is_some_and(|horizon| end <= horizon) { Term::Expiring } else { Term::Running }
    }

    /// The idle-land track. Type 1: not begun a year after the agreed start. Type 2: begun, but too little of it, and
    /// suspended for a year.
    pub fn idle(&self, site: &Site) -> Idle {
        match self.idle_clock(site) {
            Some(since) if site.excused && self.passed(since, self.idle_fee) => Idle::Excused,
            Some(since) if !site.excused && self.passed(since, self.idle_take_back) => Idle::TwoYears,
            Some(since) if !site.excused && self.passed(since, self.idle_fee) => Idle::OneYear,
            _ => Idle::None,
        }
    }

    /// From when the idle-land track counts: the agreed start that is still owed, or the day on which works stopped that had
    /// come to too little.
    fn idle_clock(&self, site: &Site) -> Option<NaiveDate> {
        let below =
            |share: Option<f64>, limit: Option<f64>| share.zip(limit).is_some_and(|(share, limit)| share < limit);
        let too_little = || {
            below(site.developed_percent, self.developed_percent) || below(site.invested_percent, self.invested_percent)
        };
        site.open_start.or_else(|| site.suspended_on.filter(|_| too_little()))
    }

    /// For how many days land has been idle by the holder's fault: 0 from the day on which the year of either type is over.
    /// Nothing where it is not idle, or excused.
    pub fn idle_days(&self, site: &Site) -> Option<i64> {
        let since = self.idle_clock(site).filter(|_| !site.excused)?;
        let reached = since.checked_add_months(self.idle_fee?)?;
        (reached <= self.day).then(|| (self.day - reached).num_days())
    }

    /// The day that they stand for.
    pub fn day(&self) -> NaiveDate {
        self.day
    }

    /// The contract track: a life-cycle contract may be rescinded when works are *more* than a year late.
    pub fn start(&self, site: &Site) -> Start {
        match site.open_start {
            Some(due) if !site.excused && due < self.day => {
                if self.exceeded(due, self.rescission) {
                    Start::OverAYear
                } else {
                    Start::Late
                }
            }
            _ => Start::InTime,
        }
    }

    /// What share of the start bond a start that is still owed has cost so far, per cent.
    pub fn start_bond_forfeit_percent(&self, due: NaiveDate) -> Decimal {
        if self.day <= due {
            Decimal::ZERO
        } else if self.exceeded(due, self.half_bond) {
            Decimal::ONE_HUNDRED
        } else {
            self.half_bond_percent.unwrap_or_default()
        }
    }

    /// Where a bond stands that was demanded, paid and settled on days, as far as they lie behind.
    pub fn bond(
        &self,
        demanded_on: Option<NaiveDate>,
        paid_on: Option<NaiveDate>,
        settled_on: Option<NaiveDate>,
    ) -> BondTrack {
        let behind = |day: Option<NaiveDate>| day.filter(|day| *day <= self.day);
        if behind(settled_on).is_some() {
            return BondTrack::Settled;
        }
        if behind(paid_on).is_some() {
            return BondTrack::Paid;
        }
        let Some(demanded) = behind(demanded_on) else { return BondTrack::NotDemanded };
        let days = (self.day - demanded).num_days();
        if self.bond_grace.is_some_and(|grace| days > grace) {
            BondTrack::Rescindable { days }
        } else {
            BondTrack::Owed { days }
        }
    }

    /// The money of the idle-land track.
    pub fn idle_money(&self, idle: Idle, price: Option<Decimal>, leased: bool) -> IdleMoney {
        match (idle, self.idle_fee_percent) {
            (Idle::Excused, _) => IdleMoney::Extension,
            (Idle::OneYear, _) if leased => IdleMoney::FeeAtMostOneYearsRent,
            (Idle::OneYear, Some(percent)) => {
                IdleMoney::FeeAtMost { percent, wan_yuan: price.map(|price| share(price, percent)) }
            }
            (Idle::TwoYears, _) => {
                let not_before = self.notice.and_then(|notice| self.day.checked_add_days(notice));
                IdleMoney::FreeTakeBack { not_before }
            }
            (Idle::None | Idle::OneYear, _) => IdleMoney::Nothing,
        }
    }

    /// The money of the contract track: what of the start bond is lost, and what rescission would give back. Nothing that
    /// is not recorded is guessed; interest on the bonds is owed, at a rate that no text states.
    pub fn contract_money(&self, site: &Site, bonds: &PartBonds, terms: Option<&RefundInput>) -> ContractMoney {
        let start = self.start(site);
        let percent = match (start, site.open_start) {
            (Start::InTime, _) | (_, None) => Decimal::ZERO,
            (_, Some(due)) => self.start_bond_forfeit_percent(due),
        };
        let rescission = (start == Start::OverAYear).then(|| Rescission {
            refund: terms.map(|terms| refund(terms, self.day)),
            completion_bond_wan_yuan: bonds.completion,
            production_bond_wan_yuan: bonds.production,
        });
        ContractMoney {
            start_bond_percent: percent,
            start_bond_wan_yuan: bonds.start.map(|bond| share(bond, percent)),
            rescission,
        }
    }
}

fn share(amount: Decimal, percent: Decimal) -> Decimal {
    (amount * percent / Decimal::ONE_HUNDRED).round_dp(FEN)
}

/// The parts of a bond as far as they are known, 万元.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the parts of bond::BondPart")]
pub struct PartBonds {
    pub start: Option<Decimal>,
    pub completion: Option<Decimal>,
    pub production: Option<Decimal>,
}

/// What the idle-land track costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdleMoney {
    /// Nothing: the land is not idle.
    Nothing,
    /// Nothing: the government caused it, and the term is extended or another way negotiated.
    Extension,
    /// A fee of at most a share of the price.
    FeeAtMost {
        /// The share, per cent.
        percent: Decimal,
        /// That share; nothing where the price is not recorded.
        wan_yuan: Option<Decimal>,
    },
    /// A fee of at most one year's rent, for leased land.
    FeeAtMostOneYearsRent,
    /// Taken back without compensation, after public notice.
    FreeTakeBack {
        /// The first day after a notice that were given today.
        not_before: Option<NaiveDate>,
    },
}

/// What the contract track costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractMoney {
    /// The share of the start bond that is lost, per cent.
    pub start_bond_percent: Decimal,
    /// That share in 万元; nothing where the bond's split is not known.
    pub start_bond_wan_yuan: Option<Decimal>,
    /// What a rescission would give back; nothing while there is no ground for one.
    pub rescission: Option<Rescission>,
}

/// What rescission gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescission {
    /// Of the price; nothing where price, deposit or term are not recorded.
    pub refund: Option<Refund>,
    /// The completion bond, in full and with interest.
    pub completion_bond_wan_yuan: Option<Decimal>,
    /// The production bond, in full and with interest.
    pub production_bond_wan_yuan: Option<Decimal>,
}

/// What a refund is worked out from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundInput {
    /// The price, 万元.
    pub price_wan_yuan: Decimal,
    /// The deposit (定金), 万元.
    pub deposit_wan_yuan: Decimal,
    /// The first day of the term.
    pub starts_on: NaiveDate,
    /// The first day after the term.
    pub ends_on: NaiveDate,
}

/// The price, parted by the days of the term that are over and those that remain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refund {
    /// The price of the days that are over, 万元.
    pub used_wan_yuan: Decimal,
    /// The price of the days that remain, 万元.
    pub remaining_wan_yuan: Decimal,
    /// What is paid out once the deposit is deducted, 万元.
    pub paid_out_wan_yuan: Decimal,
}

/// Parts the price by days, to the fen; both parts sum to the price.
pub fn refund(input: &RefundInput, day: NaiveDate) -> Refund {
    let total = (input.ends_on - input.starts_on).num_days().max(1);
    let remaining = (input.ends_on - day.max(input.starts_on)).num_days().clamp(0, total);
    let price = input.price_wan_yuan;
    let remaining_wan_yuan = (price * Decimal::from(remaining) / Decimal::from(total)).round_dp(FEN);
    Refund {
        used_wan_yuan: price - remaining_wan_yuan,
        remaining_wan_yuan,
        paid_out_wan_yuan: (remaining_wan_yuan - input.deposit_wan_yuan).max(Decimal::ZERO),
    }
}

#[cfg(test)]
mod tests;
