//! The reserve of featured parks (特色产业园区储备库): which land came in from which exit, how ready it is, and into which mode
//! of supply it went out (seeds 000 and 001). Kept like books: what came in less what went out is what is there, for each
//! lot on each day, to the square centimetre.

use super::id::ParcelCode;
use super::intake::{
    Field,
    FieldType::{Date, Number, Text},
    Reading, field,
};
use super::parcel::parcel_code;
use super::quantity::SquareCentimetres;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// The fields of a reserve data set.
pub const FIELDS: &[Field] = &[
    field("entry_no", Text, true),
    field("lot_no", Text, true),
    field("side", Text, true),
    field("area_m2", Number, true),
    field("on_date", Date, true),
    field("document", Text, true),
    field("park", Text, false),
    field("parcel_code", Text, false),
    field("exit", Text, false),
    field("readiness", Text, false),
    field("supply_mode", Text, false),
];

/// A closed list of words: each in data and on the wire, and in Chinese.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal, $chinese:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$of])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word used in data and on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The field's own word.
            pub fn chinese(self) -> &'static str {
                match self { $(Self::$variant => $chinese,)* }
            }

            /// By its word in data.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == word)
            }

            fn read(row: &mut Reading<'_>, field: &'static str) -> Option<Self> {
                row.word(field, &[$(($word, Self::$variant), ($chinese, Self::$variant)),*])
            }
        }
    };
}

words! {
    /// The way in which land left its last use.
    Exit {
        /// Taken back by law or contract.
        TakeBack = "take_back", "收回";
        /// Bought and stored.
        Storage = "storage", "收储";
        /// Reduced, and kept for industry elsewhere.
        Reduction = "reduction", "减量";
        /// Compensated at the market's price.
        MarketCompensation = "market_compensation", "市场化补偿";
        /// Bought back by the park's platform.
        PlatformRepurchase = "platform_repurchase", "园区平台回购";
    }
}

words! {
    /// How far land is from being supplied. No official list was read: the three steps are an assumption.
    Readiness {
        /// Something still stands or works on it.
        Occupied = "occupied", "未腾空";
        /// Cleared.
        Cleared = "cleared", "净地";
        /// Cleared, with roads and mains.
        Serviced = "serviced", "熟地";
    }
}

words! {
    /// How land of the reserve is supplied.
    Mode {
        /// Transferred for a term shorter than the longest.
        FlexibleTransfer = "flexible_transfer", "弹性年期出让";
        /// Leased for long.
        LongLease = "long_lease", "长期租赁";
        /// Leased first, transferred when promises are kept.
        LeaseThenTransfer = "lease_then_transfer", "先租后让";
        /// Standard land: conditions fixed before it is offered.
        StandardLand = "standard_land", "标准地";
        /// Mixed industrial land.
        MixedIndustrial = "mixed_industrial", "混合产业用地";
        /// Comprehensive industrial land.
        ComprehensiveIndustrial = "comprehensive_industrial", "产业综合用地";
        /// Multi-storey factories (工业上楼).
        MultiStoreyFactory = "multi_storey_factory", "工业上楼";
    }
}

/// What an entry does to its lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// The lot comes in, once.
    In {
        /// The park whose reserve it joins.
        park: String,
        /// From which exit.
        exit: Exit,
        /// How ready it is.
        readiness: Readiness,
    },
    /// A part of the lot, or all that is left, goes out.
    Out {
        /// Into which mode of supply.
        mode: Mode,
    },
}

impl Side {
    /// The word used in data and on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::In { .. } => "in",
            Self::Out { .. } => "out",
        }
    }
}

/// An entry as a data set gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number, under which it is corrected.
    pub number: String,
    /// The lot.
    pub lot: String,
    /// In or out.
    pub side: Side,
    /// How much.
    pub area: SquareCentimetres,
    /// The day.
    pub on: NaiveDate,
    /// The document.
    pub document: String,
    /// The parcel that the land was, or became.
    pub parcel: Option<ParcelCode>,
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    In,
    Out,
}

/// Reads one row; faults are kept in the reading.
pub fn read(row: &mut Reading<'_>) -> Option<Entry> {
    let number = row.required_text("entry_no");
    let lot = row.required_text("lot_no");
    row.required_text("side");
    let way = row.word("side", &[("in", Way::In), ("out", Way::Out), ("入库", Way::In), ("出库", Way::Out)]);
    row.required_text("area_m2");
    let area = row.area("area_m2");
    let on = row.past_day("on_date");
    let document = row.required_text("document");
    let parcel = match row.text("parcel_code") {
        None => Ok(None),
        Some(_) => parcel_code(row, "parcel_code").map(Some).ok_or(()),
    };
    let side = match way? {
        Way::In => {
            absent(row, &["supply_mode"], "nothing where land comes in");
            let park = row.required_text("park");
            row.required_text("exit");
            let exit = Exit::read(row, "exit");
            row.required_text("readiness");
            let readiness = Readiness::read(row, "readiness");
            Side::In { park: park?, exit: exit?, readiness: readiness? }
        }
        Way::Out => {
            absent(row, &["park", "exit", "readiness"], "nothing where land goes out: its lot says so");
            row.required_text("supply_mode");
            Side::Out { mode: Mode::read(row, "supply_mode")? }
        }
    };
    Some(Entry { number: number?, lot: lot?, side, area: area?, on: on?, document: document?, parcel: parcel.ok()? })
}

fn absent(row: &mut Reading<'_>, fields: &[&'static str], expected: &str) {
    for field in fields {
        if let Some(text) = row.text(field) {
            row.refuse("field-of-the-other-side", field, &text, expected);
        }
    }
}

/// What came in, went out and is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flows {
    /// Came in.
    pub came_in: SquareCentimetres,
    /// Went out.
    pub went_out: SquareCentimetres,
    /// Is left, summed over lots and not worked out from the two.
    pub stock: SquareCentimetres,
    /// Lots of which something is left.
    pub lots: u64,
}

/// The balance of one park, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Balance {
    /// Its flows.
    pub flows: Flows,
    /// What came in, by exit.
    pub by_exit: BTreeMap<Exit, SquareCentimetres>,
    /// What is left, by readiness.
    pub by_readiness: BTreeMap<Readiness, SquareCentimetres>,
    /// What went out, by mode.
    pub by_mode: BTreeMap<Mode, SquareCentimetres>,
}

impl Balance {
    /// Whether every way of counting comes to the same: in = exits, out = modes, in − out = stock = readiness.
    pub fn closes(&self) -> bool {
        let flows = self.flows;
        flows.came_in == self.by_exit.values().copied().sum()
            && flows.went_out == self.by_mode.values().copied().sum()
            && flows.stock == self.by_readiness.values().copied().sum()
            && flows.came_in - flows.went_out == flows.stock
    }
}

/// Why entries are no books.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unbalanced {
    /// Land goes out of a lot that never came in, or before it did.
    #[error("lot {lot}: land goes out on {on} and none has come in by then")]
    NothingThere {
        /// The lot.
        lot: String,
        /// The day.
        on: NaiveDate,
    },
    /// More goes out than is there.
    #[error("lot {lot}: more goes out by {on} than came in")]
    Overdrawn {
        /// The lot.
        lot: String,
        /// The day.
        on: NaiveDate,
    },
    /// A lot comes in twice.
    #[error("lot {lot} comes in twice")]
    Twice {
        /// The lot.
        lot: String,
    },
}

/// The balances of the parks, in the order of their codes.
pub fn balances<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<BTreeMap<String, Balance>, Unbalanced> {
    let mut entries: Vec<&Entry> = entries.into_iter().collect();
    // On one day what comes in is there before anything goes out.
    entries.sort_by_key(|entry| (entry.on, matches!(entry.side, Side::Out { .. })));
    let mut lots: BTreeMap<&str, (&str, Readiness, SquareCentimetres)> = BTreeMap::new();
    let mut balances: BTreeMap<String, Balance> = BTreeMap::new();
    for entry in entries {
        let lot = || entry.lot.clone();
        match &entry.side {
            Side::In { park, exit, readiness } => {
                if lots.insert(&entry.lot, (park, *readiness, entry.area)).is_some() {
                    return Err(Unbalanced::Twice { lot: lot() });
                }
                let balance = balances.entry(park.clone()).or_default();
                balance.flows.came_in += entry.area;
                *balance.by_exit.entry(*exit).or_default() += entry.area;
            }
            Side::Out { mode } => {
                let Some((park, _, left)) = lots.get_mut(entry.lot.as_str()) else {
                    return Err(Unbalanced::NothingThere { lot: lot(), on: entry.on });
                };
                if *left < entry.area {
                    return Err(Unbalanced::Overdrawn { lot: lot(), on: entry.on });
                }
                *left = *left - entry.area;
                let balance = balances.entry((*park).to_owned()).or_default();
                balance.flows.went_out += entry.area;
                *balance.by_mode.entry(*mode).or_default() += entry.area;
            }
        }
    }
    for (park, readiness, left) in lots.into_values().filter(|(_, _, left)| left.0 > 0) {
        let balance = balances.entry(park.to_owned()).or_default();
        balance.flows.stock += left;
        balance.flows.lots += 1;
        *balance.by_readiness.entry(readiness).or_default() += left;
    }
    Ok(balances)
}

/// The balance of all parks together.
pub fn total<'a>(balances: impl IntoIterator<Item = &'a Balance>) -> Balance {
    let mut total = Balance::default();
    for one in balances {
        total.flows.came_in += one.flows.came_in;
        total.flows.went_out += one.flows.went_out;
        total.flows.stock += one.flows.stock;
        total.flows.lots += one.flows.lots;
        one.by_exit.iter().for_each(|(key, area)| *total.by_exit.entry(*key).or_default() += *area);
        one.by_readiness.iter().for_each(|(key, area)| *total.by_readiness.entry(*key).or_default() += *area);
        one.by_mode.iter().for_each(|(key, area)| *total.by_mode.entry(*key).or_default() += *area);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_yo_opt(2025, number + 1).expect("a day")
    }

    fn entry(number: usize, lot: usize, side: Side, area: i64, on: u32) -> Entry {
        Entry {
            number: number.to_string(),
            lot: format!("L{lot}"),
            side,
            area: SquareCentimetres(area),
            on: day(on),
            document: "d".into(),
            parcel: None,
        }
    }

    fn comes_in(lot: usize, area: i64, on: u32) -> Entry {
        let (exit, readiness) = (Exit::ALL[lot % Exit::ALL.len()], Readiness::ALL[lot % Readiness::ALL.len()]);
        entry(0, lot, Side::In { park: format!("P{}", lot % 3), exit, readiness }, area, on)
    }

    fn goes_out(lot: usize, area: i64, on: u32) -> Entry {
        entry(0, lot, Side::Out { mode: Mode::ALL[lot % Mode::ALL.len()] }, area, on)
    }

    proptest! {
        /// Whatever is entered, either it is refused or every way of counting comes to the same.
        #[test]
        fn in_less_out_is_stock_for_every_park_and_for_all(
            lots in proptest::collection::vec((1_i64..1_000_000_000_000, 0_u32..100), 1..8),
            outs in proptest::collection::vec((0_usize..8, 1_i64..400_000_000_000, 0_u32..300), 0..16),
        ) {
            let ins = lots.iter().enumerate().map(|(lot, (area, on))| comes_in(lot, *area, *on));
            let mut entries: Vec<Entry> = ins.collect();
            for (lot, area, on) in outs {
                entries.push(goes_out(lot, area, on));
                if balances(&entries).is_err() {
                    entries.pop();
                }
            }
            let found = balances(&entries).expect("what did not fit was taken out again");
            let all = total(found.values());
            prop_assert!(all.closes() && found.values().all(Balance::closes));
            prop_assert!(found.values().all(|one| one.flows.stock.0 >= 0));
            prop_assert_eq!(all.flows.came_in, lots.iter().map(|(area, _)| SquareCentimetres(*area)).sum());
            entries.reverse();
            prop_assert_eq!(balances(&entries).expect("in any order"), found);
        }
    }

    #[test]
    fn nothing_goes_out_that_is_not_there_on_the_day() {
        let lot = || "L1".to_owned();
        assert_eq!(balances(&[goes_out(1, 1, 5)]), Err(Unbalanced::NothingThere { lot: lot(), on: day(5) }));
        let early = [comes_in(1, 10, 6), goes_out(1, 1, 5)];
        assert_eq!(balances(&early), Err(Unbalanced::NothingThere { lot: lot(), on: day(5) }));
        let much = [comes_in(1, 10, 1), goes_out(1, 6, 5), goes_out(1, 5, 6)];
        assert_eq!(balances(&much), Err(Unbalanced::Overdrawn { lot: lot(), on: day(6) }));
        assert_eq!(balances(&[comes_in(1, 1, 1), comes_in(1, 1, 2)]), Err(Unbalanced::Twice { lot: lot() }));
        assert!(balances(&[goes_out(1, 10, 5), comes_in(1, 10, 5)]).is_ok(), "on the same day, all of it");
    }
}
