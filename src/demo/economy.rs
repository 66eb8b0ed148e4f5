//! Who works on a unit's land, and what that gave in five years. Figures are heavy-tailed, have gaps and typing errors,
//! and are scaled so that a unit gives about what one of its standing should.

use super::chance::{Chance, Stage};
use super::city::DISTRICTS;
use super::names;
use super::places::{Flavour, Standing};
use super::unit::{Fate, Parcel, Unit, day, days_after, round};
use chrono::{Datelike, NaiveDate};

/// The years of the returns.
pub(super) const YEARS: [i32; 5] = [2021, 2022, 2023, 2024, 2025];
/// How the years went beside the first.
const CLIMATE: [f64; 5] = [1.0, 0.93, 1.0, 1.03, 1.06];

/// An industry: the figures are made up, of a believable order.
pub(super) struct Industry {
    /// Its class in GB/T 4754.
    code: &'static str,
    /// What it makes, for names.
    product: &'static str,
    /// Output beside the mean of all industries.
    output: f64,
    /// Shares of revenue: tax, value added (of output), research.
    tax: f64,
    added: f64,
    research: f64,
    /// Tonnes of coal equivalent for 万元 of output.
    energy: f64,
    /// 万元 of output a worker.
    worker: f64,
}

const fn industry(
    code: &'static str,
    product: &'static str,
    [output, tax, added, research, energy, worker]: [f64; 6],
) -> Industry {
    Industry { code, product, output, tax, added, research, energy, worker }
}

#[rustfmt::skip]
const INDUSTRIES: [Industry; 26] = [
    industry("1419", "食品", [0.8, 0.05, 0.25, 0.008, 0.06, 110.0]),
    industry("1751", "纺织", [0.4, 0.03, 0.20, 0.006, 0.10, 70.0]),
    industry("1810", "服饰", [0.4, 0.035, 0.24, 0.005, 0.04, 55.0]),
    industry("2110", "家具", [0.4, 0.035, 0.24, 0.006, 0.04, 70.0]),
    industry("2319", "包装印刷", [0.5, 0.04, 0.26, 0.012, 0.06, 80.0]),
    industry("2614", "化工", [1.6, 0.06, 0.24, 0.020, 0.48, 320.0]),
    industry("2651", "新材料", [1.5, 0.05, 0.25, 0.030, 0.36, 280.0]),
    industry("2720", "生物医药", [1.3, 0.09, 0.40, 0.070, 0.05, 150.0]),
    industry("2929", "塑料制品", [0.6, 0.035, 0.22, 0.012, 0.13, 90.0]),
    industry("3120", "钢铁材料", [1.7, 0.035, 0.20, 0.015, 0.75, 380.0]),
    industry("3311", "金属结构", [0.5, 0.035, 0.21, 0.012, 0.08, 95.0]),
    industry("3484", "精密机械", [0.7, 0.045, 0.27, 0.030, 0.04, 105.0]),
    industry("3515", "专用设备", [0.9, 0.045, 0.28, 0.040, 0.03, 120.0]),
    industry("3612", "新能源汽车", [2.4, 0.05, 0.22, 0.035, 0.04, 330.0]),
    industry("3670", "汽车部件", [1.2, 0.045, 0.24, 0.035, 0.05, 150.0]),
    industry("3731", "船舶海工", [0.6, 0.03, 0.21, 0.025, 0.08, 120.0]),
    industry("3741", "航空部件", [1.1, 0.04, 0.30, 0.080, 0.03, 140.0]),
    industry("3821", "电气设备", [1.2, 0.045, 0.24, 0.035, 0.03, 150.0]),
    industry("3973", "集成电路", [1.9, 0.04, 0.38, 0.120, 0.09, 190.0]),
    industry("3982", "电子元件", [1.3, 0.035, 0.24, 0.050, 0.05, 120.0]),
    industry("4016", "仪器仪表", [0.9, 0.05, 0.32, 0.060, 0.02, 105.0]),
    industry("4430", "热力供应", [0.6, 0.04, 0.28, 0.005, 0.90, 210.0]),
    industry("4620", "污水处理", [0.2, 0.03, 0.40, 0.010, 0.30, 110.0]),
    industry("5990", "仓储", [0.35, 0.03, 0.28, 0.002, 0.03, 90.0]),
    industry("6513", "软件", [1.3, 0.06, 0.48, 0.140, 0.01, 95.0]),
    industry("7320", "研发", [0.7, 0.05, 0.50, 0.250, 0.01, 75.0]),
];

/// The property company of a park, which holds land for its tenants.
const PROPERTY: Industry = industry("7040", "园区开发", [0.1, 0.05, 0.5, 0.0, 0.01, 100.0]);

/// An enterprise.
pub(super) struct Enterprise {
    pub code: String,
    pub name: String,
    pub industry: &'static Industry,
    pub founded_on: NaiveDate,
    /// Output of the first year before scaling, in 万元; nothing where it works nowhere.
    raw: f64,
    growth: f64,
    /// The land it works on, in mu.
    mu: f64,
    tax_elsewhere: bool,
    /// When it left the city.
    left_on: Option<NaiveDate>,
    silent: bool,
}

impl Industry {
    pub(super) fn code(&self) -> &'static str {
        self.code
    }
}

/// An enterprise on a parcel.
pub(super) struct Occupancy {
    pub parcel: usize,
    pub enterprise: usize,
    pub owner: bool,
    pub floor_m2: f64,
    pub from: NaiveDate,
    pub to: Option<NaiveDate>,
    pub tax_elsewhere: bool,
}

/// The figures of one enterprise for one year, in the order of the returns' fields after the year; then the veto.
pub(super) struct Return {
    pub enterprise: usize,
    pub year: usize,
    pub figures: [Option<f64>; 13],
    pub veto: Option<&'static str>,
    pub cleared_on: Option<NaiveDate>,
}

/// The economy of a unit.
pub(super) struct Economy {
    pub enterprises: Vec<Enterprise>,
    pub above_scale: Vec<bool>,
    pub occupancies: Vec<Occupancy>,
    pub returns: Vec<Return>,
    /// Who holds each parcel.
    pub holders: Vec<usize>,
}

fn industries(flavour: Flavour) -> &'static [usize] {
    match flavour {
        Flavour::Research => &[7, 18, 19, 20, 24, 24, 24, 25, 25, 12],
        Flavour::Chips => &[18, 18, 19, 19, 17, 20, 12, 11, 16],
        Flavour::Auto => &[13, 14, 14, 14, 14, 17, 11, 8, 10],
        Flavour::Machines => &[11, 11, 12, 12, 16, 17, 17, 10, 14, 15, 23],
        Flavour::Chemicals => &[5, 5, 5, 6, 6, 8, 21],
        Flavour::Steel => &[9, 9, 9, 10, 10, 11, 23, 21],
        Flavour::Logistics => &[23, 23, 23, 23, 19, 0, 20, 17],
        Flavour::Health => &[7, 7, 7, 0, 0, 20, 12, 4],
        Flavour::Mixed => &[0, 1, 2, 3, 4, 8, 8, 10, 10, 11, 23, 17, 22],
    }
}

/// What a unit should give on average, in 万元 a mu and year.
fn target(unit: &Unit<'_>, chance: &mut Chance) -> f64 {
    let flavour = match unit.flavour() {
        Flavour::Chips | Flavour::Auto => 1.3,
        Flavour::Chemicals | Flavour::Steel => 1.15,
        Flavour::Logistics => 0.6,
        Flavour::Research => 0.9,
        _ => 1.0,
    };
    match unit.standing() {
        Some(Standing::Leading) => (820.0 * flavour * chance.factor(0.25)).max(300.0),
        Some(Standing::Solid) => (390.0 * flavour * chance.factor(0.28)).max(170.0),
        Some(Standing::Weak) => (62.0 * chance.factor(0.35)).clamp(20.0, 120.0),
        None => 130.0 * chance.factor(0.2),
    }
}

struct Maker<'a> {
    unit: &'a Unit<'a>,
    chance: Chance,
    enterprises: Vec<Enterprise>,
}

impl Maker<'_> {
    fn enterprise(&mut self, industry: Option<&'static Industry>, by: NaiveDate) -> usize {
        let kinds = industries(self.unit.flavour());
        let industry = industry.unwrap_or(&INDUSTRIES[*self.chance.pick(kinds)]);
        // An enterprise is founded some years before it takes the land; units hold fewer than 2^18 enterprises.
        let founded_on = days_after(by, -self.chance.whole(40, 2_600));
        let number = (self.unit.index << 18) | self.enterprises.len();
        self.enterprises.push(Enterprise {
            code: names::credit_code(DISTRICTS[self.unit.district()].code, number),
            name: names::enterprise(industry.product, &mut self.chance),
            industry,
            founded_on,
            raw: 0.0,
            growth: 1.0 + 0.02 + 0.07 * self.chance.normal().clamp(-2.0, 2.5),
            mu: 0.0,
            tax_elsewhere: false,
            left_on: None,
            silent: self.chance.once_in(0.02),
        });
        self.enterprises.len() - 1
    }

    /// Adds what an enterprise gives on some land.
    fn works(&mut self, enterprise: usize, mu: f64) {
        let quality = self.chance.factor(0.95);
        let one = &mut self.enterprises[enterprise];
        one.raw += mu * one.industry.output * quality;
        one.mu += mu;
    }
}

/// Makes the economy of a unit on its parcels.
pub(super) fn economy(unit: &Unit<'_>, parcels: &[Parcel], seed: u64) -> Economy {
    let mut maker = Maker { unit, chance: Chance::of(seed, Stage::Economy, unit.index), enterprises: Vec::new() };
    let weak = !matches!(unit.standing(), Some(Standing::Leading | Standing::Solid));
    let mut occupancies: Vec<Occupancy> = Vec::new();
    let mut holders = Vec::with_capacity(parcels.len());
    let mut property: Option<usize> = None;
    let mut last_owner: Option<usize> = None;
    for (index, parcel) in parcels.iter().enumerate() {
        let begun = days_after(parcel.signed_on, 500);
        let used = parcel.used_m2();
        if parcel.fate != Fate::Operating || used < 30.0 {
            // Half of the land not yet in use belongs to those who work beside it.
            let neighbour = last_owner.filter(|_| maker.chance.once_in(0.5));
            holders.push(neighbour.unwrap_or_else(|| maker.enterprise(None, parcel.signed_on)));
            continue;
        }
        let mode = if used < 1_500.0 { 0 } else { maker.chance.weighted(&[58.0, 18.0, 13.0, 11.0]) };
        let tenants = match mode {
            1 => maker.chance.whole(1, 3),
            2 => maker.chance.whole(2, 7),
            _ => 0,
        };
        let holder = match (mode, last_owner, property) {
            (2, _, Some(property)) => property,
            (2, _, None) => maker.enterprise(Some(&PROPERTY), parcel.signed_on),
            (3, Some(owner), _) => owner,
            _ => maker.enterprise(None, parcel.signed_on),
        };
        holders.push(holder);
        let mut weights: Vec<f64> = (0..tenants).map(|_| maker.chance.factor(0.6)).collect();
        if mode == 2 {
            property = Some(holder);
        } else {
            last_owner = Some(holder);
            weights.push(if mode == 1 { maker.chance.between(1.0, 5.0) } else { 1.0 });
        }
        let total: f64 = weights.iter().sum();
        let mut rest = used;
        for (number, weight) in weights.iter().enumerate() {
            let share = weight / total;
            let last = number + 1 == weights.len();
            let floor_m2 = if last { round(rest, 1) } else { (used * share * 10.0).floor() / 10.0 };
            rest -= floor_m2;
            if floor_m2 <= 0.0 {
                continue;
            }
            let owner = last && mode != 2;
            let mu = parcel.mu() * share;
            let base = Occupancy {
                parcel: index,
                enterprise: holder,
                owner,
                floor_m2,
                from: begun,
                to: None,
                tax_elsewhere: false,
            };
            if owner {
                maker.works(holder, mu);
                occupancies.push(base);
            } else {
                let_to(&mut maker, base, mu, weak, &mut occupancies);
            }
        }
    }
    // A stream of their own, so that the other figures stay as they were before these were made up too.
    let meters = Chance::of(seed, Stage::Meters, unit.index);
    finish(maker, meters, occupancies, holders)
}

/// Lets floor to a tenant, now and then after another who left.
fn let_to(maker: &mut Maker<'_>, base: Occupancy, mu: f64, weak: bool, occupancies: &mut Vec<Occupancy>) {
    let latest = day(2023, 6, 30);
    let begun = base.from.min(latest);
    let span = (latest - begun).num_days();
    let mut from = days_after(begun, maker.chance.whole(0, span.max(0)));
    if maker.chance.once_in(0.06) && from < day(2021, 6, 1) {
        let before = maker.enterprise(None, from);
        let left = days_after(day(2022, 1, 1), maker.chance.whole(0, 900));
        maker.works(before, mu);
        maker.enterprises[before].left_on = Some(left);
        occupancies.push(Occupancy { enterprise: before, from, to: Some(left), ..base });
        from = left;
    } else if maker.chance.once_in(0.05) {
        // A young tenant: too young to be judged.
        from = days_after(day(2024, 9, 1), maker.chance.whole(0, 450));
    }
    let tenant = maker.enterprise(None, from);
    if from > day(2024, 7, 1) {
        maker.enterprises[tenant].founded_on = days_after(from, -maker.chance.whole(5, 60));
    }
    maker.works(tenant, mu);
    let tax_elsewhere = maker.chance.once_in(if weak { 0.22 } else { 0.12 });
    maker.enterprises[tenant].tax_elsewhere = tax_elsewhere;
    occupancies.push(Occupancy { enterprise: tenant, from, tax_elsewhere, ..base });
}

fn finish(mut maker: Maker<'_>, mut meters: Chance, occupancies: Vec<Occupancy>, holders: Vec<usize>) -> Economy {
    let (raw, mu) = maker.enterprises.iter().fold((0.0, 0.0), |(raw, mu), one| (raw + one.raw, mu + one.mu));
    let scale = target(maker.unit, &mut maker.chance) * mu / f64::max(raw, 1e-9);
    // Plants and people don't shrink as fast as what they give.
    let slack = scale.max(1e-6).powf(-0.45) * 12.0;
    let mut returns = Vec::new();
    let mut above_scale = Vec::new();
    for index in 0..maker.enterprises.len() {
        let one = &maker.enterprises[index];
        let output = one.raw * scale;
        above_scale.push(output >= 2_000.0);
        if one.raw == 0.0 || one.silent {
            continue;
        }
        returns.extend(history(index, one, output, slack, &mut maker.chance, &mut meters));
    }
    Economy { enterprises: maker.enterprises, above_scale, occupancies, returns, holders }
}

/// Electricity in kWh, water in m³ and discharged COD in t, made up from energy, emissions and output; some of each unknown.
fn metered(energy_tce: f64, emissions_t: f64, output_wan_yuan: f64, chance: &mut Chance) -> [Option<f64>; 3] {
    let electricity = energy_tce * 8_141.0 * chance.between(0.35, 0.9);
    let water = output_wan_yuan * 1.2 * chance.factor(0.5);
    let cod = emissions_t * chance.between(0.1, 0.6);
    let figures = [round(electricity, 0), round(water, 0), round(cod, 4)];
    figures.map(|figure| (!chance.once_in(0.06)).then_some(figure))
}

fn history(
    index: usize,
    one: &Enterprise,
    output: f64,
    slack: f64,
    chance: &mut Chance,
    meters: &mut Chance,
) -> Vec<Return> {
    let kind = one.industry;
    let tax_rate = kind.tax * chance.factor(0.35);
    let added_rate = (kind.added * chance.factor(0.2)).min(0.7);
    let energy_rate = kind.energy * chance.factor(0.4);
    let dirt = 0.002 * chance.factor(0.6);
    let research_rate = (kind.research * chance.factor(0.6)).min(0.6);
    let worker = kind.worker * chance.factor(0.3);
    let local = chance.between(0.3, 0.75);
    let invested = one.mu * 420.0 * kind.output.sqrt() * chance.factor(0.45);
    let fault = chance.once_in(0.006).then(|| {
        let what = ["safety", "safety", "environment", "environment", "illegal_use"][chance.whole(0, 4) as usize];
        (chance.whole(1, 4) as usize, what, chance.once_in(0.4), chance.whole(30, 330))
    });
    let mut all = Vec::new();
    for (place, year) in YEARS.into_iter().enumerate() {
        let gone = one.left_on.is_some_and(|left| left.year() < year);
        if one.founded_on.year() > year || gone {
            continue;
        }
        let first = if one.founded_on.year() == year { 0.35 } else { 1.0 };
        let grown = one.growth.powi(place as i32) * CLIMATE[place] * first;
        let mut made = output * grown * chance.factor(0.12);
        // One return in a thousand has a figure that is out by a factor: wrong unit, wrong line.
        if chance.once_in(0.001) {
            made *= *chance.pick(&[0.01, 0.1, 6.0]);
        }
        let revenue = made * chance.between(0.9, 1.15);
        let mut tax = revenue * tax_rate * chance.factor(0.2);
        if one.tax_elsewhere {
            tax *= 0.02;
        } else if chance.once_in(0.006) {
            tax *= -0.3;
        }
        let mut added = made * added_rate * chance.factor(0.1);
        if chance.once_in(0.008) {
            added *= -0.4;
        }
        let energy = made * energy_rate * chance.factor(0.15);
        let staff = (made / worker * (slack / 12.0).clamp(1.0, 4.0) * chance.factor(0.08)).round().max(2.0);
        let figures = [
            round(made, 2),
            round(revenue, 2),
            round(tax, 2),
            round(added, 2),
            round(invested * (1.0 + 0.05 * place as f64), 2),
            round(energy, 2),
            round(energy * dirt, 3),
            round(revenue * research_rate * chance.factor(0.2), 2),
            staff,
            (staff * local).floor(),
        ];
        let veto = fault.filter(|fault| fault.0 == place);
        let first = figures.map(|figure| (!chance.once_in(0.04)).then_some(figure));
        let later = metered(energy, energy * dirt, made, meters);
        let mut figures = [None; 13];
        figures.iter_mut().zip(first.into_iter().chain(later)).for_each(|(cell, figure)| *cell = figure);
        all.push(Return {
            enterprise: index,
            year: place,
            figures,
            veto: veto.map(|fault| fault.1),
            cleared_on: veto.filter(|fault| fault.2).map(|fault| days_after(day(year, 6, 1), fault.3)),
        });
    }
    all
}
