//! Duties move with the land: what becomes of contracts, obligations, bonds and occupancies when their parcel is split,
//! merged or retired. Dates, plot ratios, intensities and limits are copied; sums are shared by area; nothing is
//! discharged that nobody named with a ground. It knows no geometry and no table.

use super::share::{FEN, share};
use crate::domain::contract::obligation::ObligationKind;
use rust_decimal::Decimal;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    /// A contract.
    Contract,
    /// An obligation of a contract.
    Obligation,
    /// A part of a bond.
    Bond,
    /// A building.
    Building,
    /// A use of floor area by an enterprise.
    Occupancy,
}

impl Thing {
    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Obligation => "obligation",
            Self::Bond => "bond",
            Self::Building => "building",
            Self::Occupancy => "occupancy",
        }
    }
}

/// How a duty moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// Whole, to every successor.
    Copied,
    /// In parts by area that sum to the whole.
    Shared,
    /// Ended, for a ground.
    Discharged,
}

impl Treatment {
    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Copied => "copied",
            Self::Shared => "shared",
            Self::Discharged => "discharged",
        }
    }
}

/// What became of one duty on one successor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Duty {
    /// What it is.
    pub thing: Thing,
    /// The parcel it lay on.
    pub from_parcel: String,
    /// Its number there.
    pub from_number: String,
    /// The parcel it lies on since; nothing where it was discharged.
    pub to_parcel: Option<String>,
    /// Its number there.
    pub to_number: Option<String>,
    /// How it moved.
    pub treatment: Treatment,
    /// Which figure was shared, or found.
    pub measure: Option<&'static str>,
    /// Of which year the figure is, where it is what came of a yearly obligation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<i32>,
    /// The figure before.
    pub whole: Option<Decimal>,
    /// The part that came here.
    pub share: Option<Decimal>,
    /// Why it was discharged.
    pub ground: Option<String>,
}

impl Duty {
    /// Which figure was shared, with its year where it has one: the figure of each year is shared by itself.
    pub fn figure(&self) -> Option<String> {
        let measure = self.measure?;
        Some(self.year.map_or_else(|| measure.to_owned(), |year| format!("{measure} {year}")))
    }
}

/// A contract as an event finds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// Its number.
    pub number: String,
    /// Its parcel.
    pub parcel: String,
    /// Who holds the land.
    pub holder: Option<String>,
    /// The price in 万元.
    pub price: Option<Decimal>,
    /// The deposit (定金) in 万元.
    pub deposit: Option<Decimal>,
}

/// An obligation as an event finds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Obligation {
    /// Its number.
    pub number: String,
    /// Its contract.
    pub contract: String,
    /// What is promised.
    pub kind: ObligationKind,
    /// The figure promised.
    pub target: Option<Decimal>,
    /// The figure reached.
    pub achieved: Option<Decimal>,
    /// The unit of both.
    pub unit: Option<String>,
}

/// What came of a yearly obligation in one year, as an event finds it.
#[derive(Debug, Clone, PartialEq)]
pub struct YearFigure {
    /// The number of the obligation.
    pub obligation: String,
    /// The year.
    pub year: i32,
    /// The figure reached.
    pub achieved: Decimal,
}

/// A part of a bond as an event finds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bond {
    /// Its contract.
    pub contract: String,
    /// Which part.
    pub part: String,
    /// The amount in 万元.
    pub amount: Option<Decimal>,
    /// What of it was kept, in 万元.
    pub forfeited: Option<Decimal>,
}

impl Bond {
    /// What a duty calls it.
    pub fn number(&self) -> String {
        bond_number(&self.contract, &self.part)
    }
}

fn bond_number(contract: &str, part: &str) -> String {
    format!("{contract}/{part}")
}

/// What lies on the parents of an event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Burdens {
    /// Contracts.
    pub contracts: Vec<Contract>,
    /// Their obligations.
    pub obligations: Vec<Obligation>,
    /// What came of those in single years.
    pub years: Vec<YearFigure>,
    /// Their bonds.
    pub bonds: Vec<Bond>,
}

/// What an officer ends explicitly: number to ground. `all` stands for every contract.
pub type Discharges = BTreeMap<String, String>;

/// The word that discharges every contract.
pub const ALL: &str = "all";

/// The treatment that an obligation calls for. A day, a ratio or a figure per area holds on every part of the land alike;
/// a sum does not.
pub fn treatment(kind: ObligationKind, unit: Option<&str>) -> Treatment {
    match kind {
        ObligationKind::Start
        | ObligationKind::Completion
        | ObligationKind::Production
        | ObligationKind::FullProduction
        | ObligationKind::Handover => Treatment::Copied,
        // Plot ratios and limits are bare numbers, unless they are floor area.
        ObligationKind::PlotRatioLow | ObligationKind::PlotRatioHigh | ObligationKind::TransferLimit => match unit {
            Some("平方米") => Treatment::Shared,
            _ => Treatment::Copied,
        },
        ObligationKind::Investment
        | ObligationKind::Output
        | ObligationKind::Tax
        | ObligationKind::Energy
        | ObligationKind::Emissions
        | ObligationKind::Jobs
        | ObligationKind::Payment
        | ObligationKind::Bond => match unit {
            Some(unit) if is_intensity(unit) => Treatment::Copied,
            _ => Treatment::Shared,
        },
    }
}

/// Whether a unit is one per something else than time, or a part of a whole.
fn is_intensity(unit: &str) -> bool {
    let unit = ["/年", "·年"].iter().find_map(|end| unit.strip_suffix(end)).unwrap_or(unit);
    unit.contains('/') || unit.contains('%')
}

/// How many decimals a shared figure has: people are not divided.
fn places(kind: ObligationKind) -> u32 {
    if kind == ObligationKind::Jobs { 0 } else { FEN }
}

/// A successor and what it weighs.
#[derive(Debug, Clone, PartialEq)]
pub struct Successor {
    /// Its code.
    pub code: String,
    /// Its area, m².
    pub area_m2: f64,
}

/// Divides what lies on a parcel among its successors. Contracts and obligations take new numbers, `-1`, `-2` …, that
/// nobody has; `taken` holds the numbers in use.
pub fn divide(burdens: &Burdens, successors: &[Successor], taken: &BTreeSet<String>, ends: &Discharges) -> Vec<Duty> {
    let weights: Vec<f64> = successors.iter().map(|one| one.area_m2).collect();
    let mut duties = Vec::new();
    for contract in &burdens.contracts {
        let numbers = next_numbers(&contract.number, successors.len(), taken);
        let mut at = Division { parcel: &contract.parcel, successors, weights: &weights, duties: &mut duties };
        if let Some(ground) = ground(ends, &contract.number) {
            at.discharge(Thing::Contract, &contract.number, ground);
        } else {
            at.copy(Thing::Contract, &contract.number, &numbers);
            at.share(Thing::Contract, &contract.number, &numbers, "price_wan_yuan", contract.price, FEN);
            at.share(Thing::Contract, &contract.number, &numbers, "deposit_wan_yuan", contract.deposit, FEN);
        }
        for one in burdens.obligations.iter().filter(|one| one.contract == contract.number) {
            if let Some(ground) = ground(ends, &contract.number).or_else(|| ends.get(&one.number)) {
                at.discharge(Thing::Obligation, &one.number, ground);
                continue;
            }
            let numbers = next_numbers(&one.number, successors.len(), taken);
            let shared = treatment(one.kind, one.unit.as_deref()) == Treatment::Shared;
            if !shared || one.target.or(one.achieved).is_none() {
                at.copy(Thing::Obligation, &one.number, &numbers);
            }
            if !shared {
                continue;
            }
            at.share(Thing::Obligation, &one.number, &numbers, "target", one.target, places(one.kind));
            at.share(Thing::Obligation, &one.number, &numbers, "achieved", one.achieved, places(one.kind));
            for of in burdens.years.iter().filter(|of| of.obligation == one.number) {
                let from = at.duties.len();
                at.share(Thing::Obligation, &one.number, &numbers, "achieved", Some(of.achieved), places(one.kind));
                at.duties[from..].iter_mut().for_each(|duty| duty.year = Some(of.year));
            }
        }
        for one in burdens.bonds.iter().filter(|one| one.contract == contract.number) {
            let number = one.number();
            if let Some(ground) = ground(ends, &contract.number).or_else(|| ends.get(&number)) {
                at.discharge(Thing::Bond, &number, ground);
                continue;
            }
            let numbers: Vec<String> = numbers.iter().map(|contract| bond_number(contract, &one.part)).collect();
            if one.amount.or(one.forfeited).is_none() {
                at.copy(Thing::Bond, &number, &numbers);
                continue;
            }
            at.share(Thing::Bond, &number, &numbers, "amount_wan_yuan", one.amount, FEN);
            at.share(Thing::Bond, &number, &numbers, "forfeited_wan_yuan", one.forfeited, FEN);
        }
    }
    duties
}

/// Carries what lies on merged parcels to the one that they became. Each contract stays a contract of its own, under its
/// number and with its own term: no sum is made of two promises.
pub fn carry(burdens: &Burdens, successor: &str, ends: &Discharges) -> Vec<Duty> {
    let mut duties = Vec::new();
    for contract in &burdens.contracts {
        let to = [Successor { code: successor.to_owned(), area_m2: 1.0 }];
        let mut at = Division { parcel: &contract.parcel, successors: &to, weights: &[1.0], duties: &mut duties };
        let whole = ground(ends, &contract.number);
        let mut carry = |thing, number: &str| match whole.or_else(|| ends.get(number)) {
            Some(ground) => at.discharge(thing, number, ground),
            None => at.copy(thing, number, &[number.to_owned()]),
        };
        carry(Thing::Contract, &contract.number);
        for one in burdens.obligations.iter().filter(|one| one.contract == contract.number) {
            carry(Thing::Obligation, &one.number);
        }
        for one in burdens.bonds.iter().filter(|one| one.contract == contract.number) {
            carry(Thing::Bond, &one.number());
        }
    }
    duties
}

fn ground<'a>(ends: &'a Discharges, contract: &str) -> Option<&'a String> {
    ends.get(contract).or_else(|| ends.get(ALL))
}

/// The numbers of the discharges that name nothing on these parcels.
pub fn unknown_discharges(burdens: &Burdens, ends: &Discharges) -> Vec<String> {
    let contracts = burdens.contracts.iter().map(|one| one.number.clone());
    let obligations = burdens.obligations.iter().map(|one| one.number.clone());
    let bonds = burdens.bonds.iter().map(Bond::number);
    let known: BTreeSet<String> = contracts.chain(obligations).chain(bonds).chain([ALL.to_owned()]).collect();
    ends.keys().filter(|number| !known.contains(*number)).cloned().collect()
}

/// What is still promised and not discharged: it has nowhere to go when a parcel ends without successor.
pub fn left_open(burdens: &Burdens, ends: &Discharges) -> Vec<String> {
    let contracts = burdens.contracts.iter().filter(|one| ground(ends, &one.number).is_none());
    contracts.map(|one| one.number.clone()).collect()
}

/// Numbers that nobody has, made from one by counting.
fn next_numbers(number: &str, count: usize, taken: &BTreeSet<String>) -> Vec<String> {
    let free = (1_u32..).map(|at| format!("{number}-{at}")).filter(|number| !taken.contains(number));
    free.take(count).collect()
}

struct Division<'a> {
    parcel: &'a str,
    successors: &'a [Successor],
    weights: &'a [f64],
    duties: &'a mut Vec<Duty>,
}

impl Division<'_> {
    fn push(&mut self, thing: Thing, number: &str, to: Option<(usize, &str)>, treatment: Treatment) -> &mut Duty {
        self.duties.push(Duty {
            thing,
            from_parcel: self.parcel.to_owned(),
            from_number: number.to_owned(),
            to_parcel: to.map(|(index, _)| self.successors[index].code.clone()),
            to_number: to.map(|(_, number)| number.to_owned()),
            treatment,
            measure: None,
            year: None,
            whole: None,
            share: None,
            ground: None,
        });
        let last = self.duties.len() - 1;
        &mut self.duties[last]
    }

    fn copy(&mut self, thing: Thing, number: &str, numbers: &[String]) {
        for (index, to) in numbers.iter().enumerate() {
            self.push(thing, number, Some((index, to)), Treatment::Copied);
        }
    }

    fn share(
        &mut self,
        thing: Thing,
        number: &str,
        numbers: &[String],
        measure: &'static str,
        whole: Option<Decimal>,
        places: u32,
    ) {
        let Some(whole) = whole else { return };
        for (index, part) in share(whole, self.weights, places).into_iter().enumerate() {
            let duty = self.push(thing, number, Some((index, &numbers[index])), Treatment::Shared);
            (duty.measure, duty.whole, duty.share) = (Some(measure), Some(whole), Some(part));
        }
    }

    fn discharge(&mut self, thing: Thing, number: &str, ground: &str) {
        self.push(thing, number, None, Treatment::Discharged).ground = Some(ground.to_owned());
    }
}

/// Shares the floor area that an enterprise uses among the successors, by the floor area that stands on each; where none
/// stands, by land.
pub fn share_floor(floor_area_m2: Decimal, floors: &[f64], successors: &[Successor]) -> Vec<Decimal> {
    if floors.iter().any(|floor| *floor > 0.0) {
        return share(floor_area_m2, floors, FEN);
    }
    let land: Vec<f64> = successors.iter().map(|one| one.area_m2).collect();
    share(floor_area_m2, &land, FEN)
}
