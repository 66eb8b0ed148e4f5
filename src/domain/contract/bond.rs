//! Performance bonds (履约保证金): three parts, of which a contract may tell only the sum. The split is never invented:
//! what is known only as a whole stays a whole.

use crate::domain::intake::Reading;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// A part of the bond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BondPart {
    /// 开工.
    Start,
    /// 竣工.
    Completion,
    /// 投产.
    Production,
    /// All of it, where the contract's split is not known.
    Whole,
}

impl BondPart {
    /// Every part with its word.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("start", Self::Start),
        ("completion", Self::Completion),
        ("production", Self::Production),
        ("whole", Self::Whole),
    ];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, part)| *part == self).map_or("", |(word, _)| word)
    }

    /// The words for people who read Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Start => "开工履约保证金",
            Self::Completion => "竣工履约保证金",
            Self::Production => "投产履约保证金",
            Self::Whole => "履约保证金",
        }
    }
}

/// How a bond is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BondForm {
    /// 现金.
    Cash,
    /// 保函.
    Guarantee,
}

impl BondForm {
    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cash => "cash",
            Self::Guarantee => "guarantee",
        }
    }
}

/// How a part of a bond, or all of it, was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// What became of it.
    pub kind: SettlementKind,
    /// When.
    pub on: NaiveDate,
    /// What of it was kept, 万元; nothing where no part of it was, or all of a sum that is not known.
    pub forfeited_wan_yuan: Option<Decimal>,
}

/// What became of a bond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettlementKind {
    /// 退还.
    Returned,
    /// 没收.
    Forfeited,
    /// 部分没收.
    PartlyForfeited,
}

impl SettlementKind {
    /// Every kind with its words, the first of each the one in data and on the wire.
    pub const WORDS: [(&'static str, Self); 6] = [
        ("returned", Self::Returned),
        ("forfeited", Self::Forfeited),
        ("partly_forfeited", Self::PartlyForfeited),
        ("退还", Self::Returned),
        ("没收", Self::Forfeited),
        ("部分没收", Self::PartlyForfeited),
    ];
}

impl Settlement {
    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        SettlementKind::WORDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(word, _)| word)
    }

    /// Reads its three columns; `amount` is the sum that was given, where that is known.
    fn read(
        row: &mut Reading<'_>,
        [settled, on, forfeited]: [&'static str; 3],
        amount: Option<Decimal>,
    ) -> Option<Self> {
        let kind = row.word(settled, &SettlementKind::WORDS);
        let (day, kept) = (past(row, on), row.decimal(forfeited));
        let Some(kind) = kind else {
            if day.is_some() || kept.is_some() {
                let expected = "returned, forfeited or partly_forfeited: a day or a sum is given";
                row.refuse("missing-value", settled, "", expected);
            }
            return None;
        };
        if day.is_none() {
            row.refuse("missing-value", on, "", "the day of the settlement, up to today");
        }
        let told = kept.map(|kept| kept.to_string()).unwrap_or_default();
        let fits = match (kind, kept) {
            (SettlementKind::Returned, kept) => kept.is_none_or(|kept| kept.is_zero()),
            (SettlementKind::Forfeited, Some(kept)) => amount.is_none_or(|amount| kept == amount),
            (SettlementKind::Forfeited, None) => true,
            (SettlementKind::PartlyForfeited, Some(kept)) => {
                !kept.is_zero() && amount.is_none_or(|amount| kept < amount)
            }
            (SettlementKind::PartlyForfeited, None) => false,
        };
        if !fits {
            let expected = match (kind, amount) {
                (SettlementKind::Returned, _) => "nothing: what was returned was not kept".to_owned(),
                (SettlementKind::Forfeited, Some(amount)) => format!("{amount}, or nothing: all of it was kept"),
                (_, Some(amount)) => format!("what of it was kept, less than {amount}"),
                (_, None) => "what of it was kept".to_owned(),
            };
            row.refuse("settlement-does-not-fit", forfeited, &told, expected);
        }
        let forfeited_wan_yuan = match kind {
            SettlementKind::Returned => None,
            SettlementKind::Forfeited => kept.or(amount),
            SettlementKind::PartlyForfeited => kept,
        };
        Some(Self { kind, on: day?, forfeited_wan_yuan })
    }
}

/// A day of something that was done, which cannot be yet to come.
fn past(row: &mut Reading<'_>, name: &'static str) -> Option<NaiveDate> {
    let day = row.date(name)?;
    if day > row.today() {
        row.refuse("day-in-the-future", name, &day.to_string(), format!("a day up to {}", row.today()));
        return None;
    }
    Some(day)
}

/// The bonds of one contract as a data set gives them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bonds {
    /// The sum in 万元; worked out from the price where only a per cent is given.
    pub whole_wan_yuan: Option<Decimal>,
    /// The share of the price, per cent.
    pub percent: Option<Decimal>,
    /// The three parts: start, completion, production.
    pub parts_wan_yuan: Option<[Decimal; 3]>,
    /// How they are given.
    pub form: Option<BondForm>,
    /// Until when they are to be paid.
    pub due_on: Option<NaiveDate>,
    /// When they were paid.
    pub paid_on: Option<NaiveDate>,
    /// When payment was demanded (催缴).
    pub demanded_on: Option<NaiveDate>,
    /// How the whole was settled, where the split is not known.
    pub whole_settled: Option<Settlement>,
    /// How the three parts were settled.
    pub parts_settled: [Option<Settlement>; 3],
}

const SETTLED: [&str; 3] = ["bond_settled", "bond_settled_on", "bond_forfeited_wan_yuan"];
const PARTS_SETTLED: [[&str; 3]; 3] = [
    ["bond_start_settled", "bond_start_settled_on", "bond_start_forfeited_wan_yuan"],
    ["bond_completion_settled", "bond_completion_settled_on", "bond_completion_forfeited_wan_yuan"],
    ["bond_production_settled", "bond_production_settled_on", "bond_production_forfeited_wan_yuan"],
];
const PARTS: [&str; 3] = ["bond_start_wan_yuan", "bond_completion_wan_yuan", "bond_production_wan_yuan"];

impl Bonds {
    /// Reads the columns of the bonds: three parts or none, which add up to the sum where that is given too.
    pub(super) fn read(row: &mut Reading<'_>, price_wan_yuan: Option<Decimal>) -> Self {
        let given = row.decimal("bond_wan_yuan");
        let percent = row.decimal("bond_percent");
        if let Some(percent) = percent
            && percent > Decimal::ONE_HUNDRED
        {
            row.refuse("out-of-range", "bond_percent", &percent.to_string(), "a share of the price, at most 100");
        }
        let parts = PARTS.map(|name| row.decimal(name));
        let parts_wan_yuan = match parts {
            [Some(start), Some(completion), Some(production)] => Some([start, completion, production]),
            _ => None,
        };
        if parts_wan_yuan.is_none() && parts.iter().any(Option::is_some) {
            for (name, _) in PARTS.iter().zip(parts).filter(|(_, part)| part.is_none()) {
                row.refuse("missing-value", name, "", "all three parts of the bond, or only bond_wan_yuan");
            }
        }
        let sum = parts_wan_yuan.map(|parts| parts.iter().sum::<Decimal>());
        if let (Some(sum), Some(given)) = (sum, given)
            && sum != given
        {
            let expected = format!("{sum}, the sum of its three parts");
            row.refuse("parts-do-not-sum", "bond_wan_yuan", &given.to_string(), expected);
        }
        // A share of the price is known to the fen once the price is; 6 decimals of 万元.
        let of_price = match (percent, price_wan_yuan) {
            (Some(percent), Some(price)) => Some((price * percent / Decimal::ONE_HUNDRED).round_dp(6).normalize()),
            _ => None,
        };
        let form = row.word(
            "bond_form",
            &[
                ("cash", BondForm::Cash),
                ("guarantee", BondForm::Guarantee),
                ("现金", BondForm::Cash),
                ("保函", BondForm::Guarantee),
            ],
        );
        let whole_wan_yuan = sum.or(given).or(of_price);
        let whole_settled = Settlement::read(row, SETTLED, whole_wan_yuan);
        let mut parts_settled = [None; 3];
        for (part, (names, settled)) in PARTS_SETTLED.into_iter().zip(&mut parts_settled).enumerate() {
            *settled = Settlement::read(row, names, parts_wan_yuan.map(|parts| parts[part]));
        }
        let demanded_on = past(row, "bond_demanded_on");
        let told = Self {
            whole_wan_yuan,
            percent,
            parts_wan_yuan,
            form,
            due_on: row.date("bond_due_on"),
            paid_on: row.date("bond_paid_on"),
            demanded_on,
            whole_settled,
            parts_settled,
        };
        told.settle_parts(row)
    }

    /// Each settlement belongs to a part that is known: what is said of the whole holds for every part of it, unless only
    /// some of it was kept, which says nothing of the parts.
    fn settle_parts(mut self, row: &mut Reading<'_>) -> Self {
        let any_part = self.parts_settled.iter().any(Option::is_some);
        let is_known = self.whole_wan_yuan.is_some() || self.percent.is_some();
        let (field, expected) = match (self.whole_settled, self.parts_wan_yuan) {
            (None, None) if any_part => ("bond_start_settled", "bond_settled: the parts of the bond are not given"),
            (Some(_), None) if any_part => ("bond_start_settled", "nothing: the parts of the bond are not given"),
            (Some(_), _) if !is_known => ("bond_settled", "nothing: the row tells of no bond"),
            (Some(_), Some(_)) if any_part => ("bond_settled", "nothing: the parts are settled singly"),
            (Some(Settlement { kind: SettlementKind::PartlyForfeited, .. }), Some(_)) => {
                ("bond_settled", "the settlement of each part: of which part something was kept is not said")
            }
            (Some(whole), Some(parts)) => {
                let kept = |part| (whole.kind == SettlementKind::Forfeited).then_some(part);
                self.parts_settled = parts.map(|part| Some(Settlement { forfeited_wan_yuan: kept(part), ..whole }));
                self.whole_settled = None;
                return self;
            }
            _ => return self,
        };
        row.refuse("settlement-does-not-fit", field, "", expected);
        self
    }
}
