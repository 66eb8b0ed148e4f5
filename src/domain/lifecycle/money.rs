//! The money that a deed moves: reckoned where `domain.md` §2, §3 and §7 give a formula and the register has its facts,
//! stated by the officer otherwise, and never guessed. An amount that facts are missing for is kept as unknown, because
//! that something is due is known all the same.

use super::{Deed, Refused, State};
use crate::domain::contract::bond::BondPart;
use crate::domain::contract::tracks::{BondTrack, IdleMoney, Limits, PartBonds, RefundInput, Site};
use crate::domain::review::decision::Idle;
use crate::domain::review::scheme::Words;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize};

/// Fen in 1 万元.
const FEN_PER_WAN_YUAN: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// What is paid, kept or given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each has its title below")]
pub enum EffectKind {
    Price,
    Refund,
    DepositKept,
    StartBondKept,
    CompletionBondReturned,
    ProductionBondReturned,
    IdleFee,
    Penalty,
    Compensation,
}

impl EffectKind {
    /// Every kind with its word and its title.
    pub const ALL: [(&'static str, Self, &'static str, &'static str); 9] = [
        ("price", Self::Price, "土地价款", "price of the land"),
        ("refund", Self::Refund, "退还剩余年期价款", "refund of the price of the remaining term"),
        ("deposit_kept", Self::DepositKept, "定金不予返还", "deposit kept"),
        ("start_bond_kept", Self::StartBondKept, "没收开工履约保证金", "start bond kept"),
        ("completion_bond_returned", Self::CompletionBondReturned, "退还竣工履约保证金", "completion bond returned"),
        ("production_bond_returned", Self::ProductionBondReturned, "退还投产履约保证金", "production bond returned"),
        ("idle_fee", Self::IdleFee, "土地闲置费", "fee for idle land"),
        ("penalty", Self::Penalty, "违约金", "contractual penalty"),
        ("compensation", Self::Compensation, "补偿", "compensation"),
    ];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|one| one.1 == self).map_or("", |one| one.0)
    }
}

/// How an amount is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// By the formula of the rule.
    Reckoned,
    /// The most that the rule allows; how much it is, someone decides.
    AtMost,
    /// The document states it.
    Stated,
}

/// One thing that a deed costs or gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// What.
    pub kind: EffectKind,
    /// How much, in fen; nothing where facts to reckon it are missing.
    pub fen: Option<i64>,
    /// How that is known.
    pub is: Known,
}

impl Effect {
    fn reckoned(kind: EffectKind, wan_yuan: Option<Decimal>) -> Self {
        Self { kind, fen: wan_yuan.and_then(fen), is: Known::Reckoned }
    }

    /// Reads what an officer states: a kind, and an amount in 万元 to the fen.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = || {
            let kinds: Vec<&str> = EffectKind::ALL.iter().map(|one| one.0).collect();
            format!("{text:?}; expected KIND=AMOUNT in 万元, such as idle_fee=36.5; kinds: {}", kinds.join(", "))
        };
        let (kind, amount) = text.split_once('=').ok_or_else(expected)?;
        let kind = EffectKind::ALL.iter().find(|one| one.0 == kind.trim()).map(|one| one.1).ok_or_else(expected)?;
        let amount: Decimal = amount.trim().parse().map_err(|_| expected())?;
        if amount.is_sign_negative() || amount.normalize().scale() > 6 {
            return Err(format!(
                "{text:?}; expected an amount of at least 0, in 万元 with six decimals at most (a fen)"
            ));
        }
        let fen = fen(amount).ok_or_else(expected)?;
        Ok(Self { kind, fen: Some(fen), is: Known::Stated })
    }

    /// What it says.
    pub fn words(&self) -> Words {
        let (zh, en) = EffectKind::ALL.iter().find(|one| one.1 == self.kind).map_or(("", ""), |one| (one.2, one.3));
        let amount = self.fen.map(|fen| (Decimal::from(fen) / FEN_PER_WAN_YUAN).normalize().to_string());
        let (how_zh, how_en) = match self.is {
            Known::Reckoned => ("", ""),
            Known::AtMost => ("不超过", "at most "),
            Known::Stated => ("经载明为", "stated as "),
        };
        match amount {
            Some(amount) => {
                Words { zh: format!("{zh}{how_zh} {amount} 万元"), en: format!("{en}: {how_en}{amount} 万元") }
            }
            None => Words { zh: format!("{zh}（金额未知）"), en: format!("{en}: amount unknown") },
        }
    }
}

/// An amount of 万元 in fen.
fn fen(wan_yuan: Decimal) -> Option<i64> {
    wan_yuan.checked_mul(FEN_PER_WAN_YUAN)?.round().to_i64()
}

/// What the register holds on the day about the contract on which a state rests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Holding {
    /// The price, 万元.
    pub price_wan_yuan: Option<Decimal>,
    /// The deposit (定金), 万元.
    pub deposit_wan_yuan: Option<Decimal>,
    /// What a refund is reckoned from, where all of it is on record.
    pub terms: Option<RefundInput>,
    /// Whether the land is leased.
    pub leased: bool,
    /// The parts of the bond that are neither returned nor kept yet, 万元; a part whose amount is unknown is there without one.
    pub bonds: Vec<(BondPart, Option<Decimal>)>,
    /// Where each part of the bond stands.
    pub tracks: Vec<BondTrack>,
    /// Whether the delay of the works is not the holder's fault.
    pub excused: bool,
}

impl Holding {
    fn has(&self, part: BondPart) -> bool {
        self.bonds.iter().any(|(held, _)| *held == part || *held == BondPart::Whole)
    }

    fn part(&self, part: BondPart) -> Option<Decimal> {
        self.bonds.iter().find(|(held, _)| *held == part).and_then(|(_, amount)| *amount)
    }
}

/// Whether a formula gives the money of a deed, so that the contract is to be looked at.
pub fn is_reckoned(from: &State, deed: &Deed) -> bool {
    match deed {
        Deed::Rescind | Deed::RecogniseIdleness | Deed::Lapse => true,
        Deed::Start | Deed::DecideDisposal { .. } => from.late_start().is_some() || matches!(from, State::Idle { .. }),
        _ => false,
    }
}

/// What a deed done from a state costs and gives back, on the day of the limits.
pub fn reckon(from: &State, deed: &Deed, limits: &Limits, held: &Holding) -> Vec<Effect> {
    let idle_since = match from {
        State::Idle { since, .. } => Some(*since),
        _ => None,
    };
    // That too little was built before works stood still is what the recognition says.
    let site = Site { open_start: idle_since.or(from.late_start()), excused: held.excused, ..Site::default() };
    match deed {
        // The deposit is lost where a bond stayed away for so long after demand; of other grounds no formula was read.
        Deed::Rescind if held.tracks.iter().any(|track| matches!(track, BondTrack::Rescindable { .. })) => {
            vec![Effect::reckoned(EffectKind::DepositKept, held.deposit_wan_yuan)]
        }
        Deed::RecogniseIdleness => match limits.idle_money(limits.idle(&site), held.price_wan_yuan, held.leased) {
            IdleMoney::FeeAtMost { wan_yuan, .. } => {
                vec![Effect { kind: EffectKind::IdleFee, fen: wan_yuan.and_then(fen), is: Known::AtMost }]
            }
            IdleMoney::FeeAtMostOneYearsRent => {
                vec![Effect { kind: EffectKind::IdleFee, fen: None, is: Known::AtMost }]
            }
            IdleMoney::Nothing | IdleMoney::Extension | IdleMoney::FreeTakeBack { .. } => Vec::new(),
        },
        Deed::DecideDisposal { .. } if idle_since.is_some() => match limits.idle(&site) {
            Idle::TwoYears => vec![Effect::reckoned(EffectKind::Compensation, Some(Decimal::ZERO))],
            Idle::None | Idle::OneYear | Idle::Excused => Vec::new(),
        },
        // A right that nobody renews reverts free of charge.
        Deed::Lapse => vec![Effect::reckoned(EffectKind::Compensation, Some(Decimal::ZERO))],
        Deed::Start | Deed::DecideDisposal { .. } if from.late_start().is_some() => {
            let site = Site { open_start: from.late_start(), ..site };
            contract_track(matches!(deed, Deed::DecideDisposal { .. }), &site, limits, held)
        }
        _ => Vec::new(),
    }
}

/// The contract track of a late start: what of its bond is lost, and where the contract is rescinded for it, what goes back.
fn contract_track(decided: bool, site: &Site, limits: &Limits, held: &Holding) -> Vec<Effect> {
    let parts = PartBonds {
        start: held.part(BondPart::Start),
        completion: held.part(BondPart::Completion),
        production: held.part(BondPart::Production),
    };
    let money = limits.contract_money(site, &parts, held.terms.as_ref());
    let mut effects = Vec::new();
    if money.start_bond_percent > Decimal::ZERO && held.has(BondPart::Start) {
        effects.push(Effect::reckoned(EffectKind::StartBondKept, money.start_bond_wan_yuan));
    }
    if let Some(rescission) = money.rescission.filter(|_| decided) {
        let paid_out = rescission.refund.map(|refund| refund.paid_out_wan_yuan);
        effects.push(Effect::reckoned(EffectKind::Refund, paid_out));
        for (part, kind, amount) in [
            (BondPart::Completion, EffectKind::CompletionBondReturned, rescission.completion_bond_wan_yuan),
            (BondPart::Production, EffectKind::ProductionBondReturned, rescission.production_bond_wan_yuan),
        ] {
            if held.has(part) {
                effects.push(Effect::reckoned(kind, amount));
            }
        }
    }
    effects
}

/// Puts what the document states in the place of what was reckoned of the same kind; more than the law allows is refused.
pub fn with_stated(
    mut reckoned: Vec<Effect>,
    stated: &[Effect],
    deed: &Deed,
    on: NaiveDate,
) -> Result<Vec<Effect>, Refused> {
    let refuse = |reason| Err(Refused::Condition { deed: deed.name(), on, reason });
    for (index, one) in stated.iter().enumerate() {
        if stated[..index].iter().any(|other| other.kind == one.kind) {
            return refuse(format!("{} is stated twice; expected one amount of each kind", one.kind.name()));
        }
        let same = reckoned.iter().find(|other| other.kind == one.kind);
        if let Some(most) = same.filter(|most| most.is == Known::AtMost && most.fen.is_some() && one.fen > most.fen) {
            return refuse(format!("{} is stated, and the rule of the day allows {}", one.words().en, most.words().en));
        }
        reckoned.retain(|other| other.kind != one.kind);
        reckoned.push(*one);
    }
    Ok(reckoned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lifecycle::IdleKind;
    use crate::domain::rulebook::Rulebook;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn limits(on: &str) -> Limits {
        let book = Rulebook::parse(include_str!("../../../data/rulebook/values.toml")).expect("well formed");
        Limits::in_force(&book, day(on))
    }

    fn idle(kind: IdleKind) -> State {
        State::Idle { contract: "H1".into(), kind, since: day("2021-01-01"), recognised: true }
    }

    #[test]
    fn what_the_government_caused_costs_nothing_and_suspended_works_cost_like_works_that_never_began() {
        let held = |excused| Holding { price_wan_yuan: Some(Decimal::from(1000)), excused, ..Holding::default() };
        for kind in [IdleKind::NotStarted, IdleKind::Suspended] {
            let of = |excused| reckon(&idle(kind), &Deed::RecogniseIdleness, &limits("2022-06-30"), &held(excused));
            assert_eq!(of(true), []);
            assert_eq!(of(false), [Effect { kind: EffectKind::IdleFee, fen: Some(200_000_000), is: Known::AtMost }]);
        }
    }

    #[test]
    fn the_deposit_is_kept_only_where_a_bond_stayed_away_too_long() {
        let from = State::Contracted { contract: "H1".into() };
        let of = |days| {
            let tracks = vec![if days > 60 { BondTrack::Rescindable { days } } else { BondTrack::Owed { days } }];
            let held = Holding { deposit_wan_yuan: Some(Decimal::ONE), tracks, ..Holding::default() };
            reckon(&from, &Deed::Rescind, &limits("2022-06-30"), &held)
        };
        assert_eq!(of(60), []);
        assert_eq!(of(61), [Effect { kind: EffectKind::DepositKept, fen: Some(1_000_000), is: Known::Reckoned }]);
    }

    #[test]
    fn what_a_right_is_worth_that_nobody_renews_is_nothing() {
        let from = State::Expiring { contract: "H1".into(), term_ends_on: day("2022-06-30") };
        let lapsed = reckon(&from, &Deed::Lapse, &limits("2022-06-30"), &Holding::default());
        assert_eq!(lapsed, [Effect { kind: EffectKind::Compensation, fen: Some(0), is: Known::Reckoned }]);
    }

    proptest! {
        #[test]
        fn an_amount_reads_as_it_was_stated_to_the_fen(fen in 0..1_000_000_000_000_i64, kind in 0..EffectKind::ALL.len()) {
            let word = EffectKind::ALL[kind].0;
            let text = format!("{word}={}.{:06}", fen / 1_000_000, fen % 1_000_000);
            let stated = Effect::parse(&text).expect("an amount");
            prop_assert_eq!(stated.fen, Some(fen));
            prop_assert_eq!(stated.kind.name(), word);
        }
    }
}
