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
}

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
        Self {
            whole_wan_yuan: sum.or(given).or(of_price),
            percent,
            parts_wan_yuan,
            form,
            due_on: row.date("bond_due_on"),
            paid_on: row.date("bond_paid_on"),
        }
    }
}
