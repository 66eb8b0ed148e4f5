//! Any city and any scheme: what the laws of a review are tried on. Figures are few and whole, so that scores are often
//! equal; some are missing, reported in part, nothing or below it.

use super::super::{DECISIONS, VALUES, as_of, day, parcel};
use landcycle::domain::review::facts::{ContractFacts, Duty, Facts, MEASURES, MainUser, Share, VetoFact, Year};
use landcycle::domain::review::run::{Rules, window};
use landcycle::domain::review::scheme::Scheme;
use landcycle::domain::zoning::Tier;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::LazyLock;

/// The schemes that are shipped.
pub const SHIPPED: [&str; 5] = [
    include_str!("../../../../data/schemes/default.toml"),
    include_str!("../../../../data/schemes/huaian-2024.toml"),
    include_str!("../../../../data/schemes/huangyan-2021.toml"),
    include_str!("../../../../data/schemes/huangyan-2022.toml"),
    include_str!("../../../../data/schemes/prefecture-45.toml"),
];

/// How often a law is tried: so often, or as `PROPTEST_CASES` says for a long search.
pub fn tries(cases: u32) -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let cases = if asked { ProptestConfig::default().cases } else { cases };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Reading the decision table proves it sound, which takes longer than judging a village.
static READ: LazyLock<Rules> = LazyLock::new(|| Rules::parse(SHIPPED[0], DECISIONS, VALUES).unwrap());

/// Rules with that scheme. Their text and hash are another's: whoever looks at those reads the rules whole.
pub fn rules(scheme: &str) -> Rules {
    Rules { scheme: Scheme::parse(scheme).unwrap_or_else(|error| panic!("{error}: {scheme}")), ..READ.clone() }
}

/// One indicator of a scheme.
#[derive(Debug, Clone)]
pub struct One {
    pub key: &'static str,
    pub weight: u32,
    pub benchmark: String,
    pub cap: Option<f64>,
    pub floor: f64,
    pub winsorise: bool,
    pub missing: &'static str,
}

impl One {
    fn write(&self, text: &mut String, table: &str, times: f64) {
        let One { key, benchmark, floor, missing, .. } = self;
        let weight = f64::from(self.weight) * times;
        let (direction, measured) = match *key {
            "vac_rate" => ("lower", benchmark.clone()),
            "far_actual" => ("band", "band = { none_below = 0.4, low = 1.0, high = 1.6, none_above = 3.0 }".to_owned()),
            _ => ("higher", benchmark.clone()),
        };
        writeln!(
            text,
            "[[{table}]]\nkey = \"{key}\"\nweight = {weight:?}\ndirection = \"{direction}\"\n{measured}\nfloor = {floor:?}\n\
             missing = \"{missing}\"\nsource = \"assumption\""
        )
        .unwrap();
        let cap = if *key == "vac_rate" { self.cap.or(Some(1.5)) } else { self.cap };
        if let Some(cap) = cap {
            writeln!(text, "cap = {cap:?}").unwrap();
        }
        if self.winsorise {
            text.push_str("winsorise = { low = 5.0, high = 90.0 }\n");
        }
    }
}

/// A scheme in pieces.
#[derive(Debug, Clone)]
pub struct AnyScheme {
    pub indicators: Vec<One>,
    pub levels: &'static str,
    pub peers: (u32, &'static str),
    pub cutoffs: &'static str,
    pub window: (u32, &'static str),
    pub unit: &'static str,
    pub gate: (f64, u32),
    pub vetoes: &'static str,
    pub extras: &'static str,
    pub in_two: bool,
}

const KEYS: [&str; 12] = [
    "tax_int",
    "out_int",
    "inv_int",
    "sales_int",
    "va_int",
    "lab_prod",
    "va_energy",
    "rd_share",
    "jobs_int",
    "far_use",
    "vac_rate",
    "far_actual",
];

const LEVELS: [&str; 5] = [
    "levels = []",
    r#"levels = [["industry-2"]]"#,
    r#"levels = [["industry-4", "size"], ["industry-2"]], size_mu = [20.0, 50.0]"#,
    r#"levels = [["tier", "district"]]"#,
    r#"levels = [["scale"]]"#,
];

const CUTS: [&str; 6] = [
    "a = 20.0, b = 60.0, c = 95.0",
    "a = 25.0, b = 70.0, c = 95.0, within = \"district\"",
    "a = 20.0, b = 60.0, c = 95.0, within = \"group\"",
    "a = 20.0, b = 60.0, c = 95.0, ties = \"share\"",
    "a = 10.0, b = 50.0, c = 80.0, ties = \"share\", within = \"district\"",
    "by = \"score\", a = 110.0, b = 80.0, c = 50.0",
];

const EXTRAS: [&str; 3] = [
    "",
    "[[adjustment]]\nname = \"base\"\nwhen = \"tier = 'base'\"\npoints = 4.0\nsource = \"assumption\"\n\
     title = { zh = \"基地\", en = \"base\" }\n\
     [[adjustment]]\nname = \"small\"\nwhen = \"land_mu < 20\"\npoints = -7.5\nsource = \"assumption\"\n\
     title = { zh = \"小\", en = \"small\" }\n",
    "[[ungraded]]\nname = \"lately\"\nwhen = \"years_since_founded < 4\"\nsource = \"assumption\"\n\
     title = { zh = \"新\", en = \"new\" }\n",
];

impl AnyScheme {
    /// Its text.
    pub fn text(&self) -> String {
        self.weighing(1.0)
    }

    /// Its text with all weights and their total so many times what they are.
    pub fn weighing(&self, times: f64) -> String {
        let (least, too_few) = self.peers;
        let (years, combine) = self.window;
        let (coverage, in_use) = self.gate;
        let mut text = format!(
            "name = \"any\"\nversion = \"1\"\neffective_from = 2024-01-01\nsource = \"assumption\"\nunit = \"{}\"\n\
             title = {{ zh = \"任\", en = \"any\" }}\nscope = {{ land_use = [\"M\"] }}\n\
             window = {{ years = {years}, least_years = 1{combine} }}\n\
             peers = {{ {}, least = {least}, too_few = \"{too_few}\" }}\n\
             cutoffs = {{ {}, source = \"assumption\" }}\n\
             gate = {{ coverage = {coverage:?}, coverage_source = \"assumption\", unreported_floor = 0.2, \
             least_years_in_use = {in_use}, exempt_industries = [\"44\"] }}\n{}\n{}\n",
            self.unit, self.levels, self.cutoffs, self.vetoes, self.extras
        );
        let total = times * f64::from(self.indicators.iter().map(|one| one.weight).sum::<u32>());
        let parts: &[&str] = if self.in_two {
            &["name = \"large\"\nfilter = \"land_mu >= 20\"", "name = \"rest\""]
        } else {
            &["name = \"all\""]
        };
        for part in parts {
            writeln!(text, "[[part]]\n{part}\ntotal = {total:?}").unwrap();
            for one in &self.indicators {
                one.write(&mut text, "part.indicator", times);
            }
        }
        text
    }
}

fn one(key: &'static str) -> impl Strategy<Value = One> {
    let benchmark = prop_oneof![
        (1u32..200).prop_map(|value| format!("benchmark = {{ kind = \"fixed\", value = {value}.0 }}")),
        prop::sample::select(vec![0.5, 1.0, 2.0])
            .prop_map(|factor| format!("benchmark = {{ kind = \"peer-mean\", factor = {factor:?} }}")),
        prop::sample::select(vec![25.0, 50.0, 90.0])
            .prop_map(|at| format!("benchmark = {{ kind = \"peer-percentile\", at = {at:?} }}")),
        Just("benchmark = { kind = \"earlier-mean\", years_back = 1, factor = 2.0 }".to_owned()),
    ];
    let cap = prop::option::weighted(0.7, prop::sample::select(vec![1.0, 1.5, 2.0]));
    let floor = prop::sample::select(vec![0.0, 0.0, 0.2]);
    let missing = prop::sample::select(vec!["reweigh", "reweigh", "group-mean", "refuse"]);
    (1u32..9, benchmark, cap, floor, prop::bool::weighted(0.2), missing).prop_map(
        move |(weight, benchmark, cap, floor, winsorise, missing)| One {
            key,
            weight,
            benchmark,
            cap,
            floor,
            winsorise,
            missing,
        },
    )
}

/// Any scheme.
pub fn scheme() -> impl Strategy<Value = AnyScheme> {
    let indicators = prop::sample::subsequence(KEYS.to_vec(), 1..6)
        .prop_flat_map(|keys| keys.into_iter().map(|key| one(key).boxed()).collect::<Vec<_>>());
    let combine = prop::sample::select(vec!["", ", combine = \"newest\"", "weights"]);
    let window = (3u32..6, combine).prop_map(|(years, combine)| {
        let weights = match years {
            3 => ", combine = { weights = [1.0, 2.0, 3.0] }",
            4 => ", combine = { weights = [1.0, 1.0, 2.0, 4.0] }",
            _ => ", combine = { weights = [1.0, 2.0, 3.0, 4.0, 5.0] }",
        };
        (years, if combine == "weights" { weights } else { combine })
    });
    let vetoes = prop::sample::select(vec![
        "",
        "[[veto]]\ncaps_at = \"D\"\nsource = \"assumption\"",
        "[[veto]]\nkinds = [\"safety\"]\nyears = 2\ncaps_at = \"C\"\nsource = \"assumption\"",
        "[[veto]]\nkinds = [\"safety\"]\ncaps_at = \"C\"\nsource = \"assumption\"\n\
         [[veto]]\nkinds = [\"environment\"]\ncaps_at = \"D\"\nsource = \"assumption\"",
    ]);
    (
        indicators,
        prop::sample::select(LEVELS.to_vec()),
        (2u32..5, prop::sample::select(vec!["compare", "compare", "refuse"])),
        prop::sample::select(CUTS.to_vec()),
        window,
        prop::sample::select(vec!["parcel", "parcel", "holder"]),
        (prop::sample::select(vec![0.0, 0.4, 0.6]), 0u32..3),
        vetoes,
        prop::sample::select(EXTRAS.to_vec()),
        any::<bool>(),
    )
        .prop_map(|(indicators, levels, peers, cutoffs, window, unit, gate, vetoes, extras, in_two)| AnyScheme {
            indicators,
            levels,
            peers,
            cutoffs,
            window,
            unit,
            gate,
            vetoes,
            extras,
            in_two,
        })
}

/// The text of a scheme, shipped or any.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(SHIPPED.to_vec()).prop_map(str::to_owned),
        scheme().prop_map(|scheme| scheme.text()),
    ]
}

/// Schemes with tables of points, classes, sets of which one counts, rules that give a grade and rules that hold it down.
const FORMS: [&str; 2] = [
    include_str!("../../../golden/formulas-3.toml"),
    r#"
name = "ruled"
version = "1"
effective_from = 2024-01-01
source = "assumption"
title = { zh = "规则", en = "rules" }
scope = { land_use = ["M"] }
window = { years = 3, least_years = 1 }
peers = { levels = [["industry-2"]], least = 3 }
gate = { coverage = 0.3, coverage_source = "assumption", unreported_floor = 0.2, least_years_in_use = 2, exempt_industries = ["44"] }
veto = [{ caps_at = "D", source = "assumption" }]
one_of = [{ name = "x", take = "best", source = "assumption" }]
indicator = [
    { key = "tax_int", weight = 60, direction = "higher", benchmark = { kind = "peer-mean" }, missing = "reweigh", source = "assumption" },
    { key = "out_int", weight = 30, one_of = "x", direction = "higher", benchmark = { kind = "peer-mean" }, cap = 2, missing = "group-mean", source = "assumption" },
    { key = "lab_prod", weight = 30, one_of = "x", direction = "steps", steps = { below = 0, at = [{ from = 1, points = 10 }, { from = 3, points = 30 }] }, missing = "reweigh", source = "assumption" },
    { key = "land_class", weight = 10, direction = "classes", classes = { of = [{ when = "above_scale = true", points = 10, title = { zh = "规上", en = "above scale" } }, { when = "above_scale = false", points = 2, title = { zh = "规下", en = "below scale" } }] }, missing = "reweigh", source = "assumption" },
]
[cutoffs]
by = "rules"
otherwise = "D"
rule = [{ grade = "A", when = "tax_int_ratio >= 1 and lab_prod >= 3" }, { grade = "B", when = "tax_int_ratio >= 1" }, { grade = "C", when = "score >= 40 or land_class_ratio = 1" }]
limit = [{ grade = "C", when = "out_int < 5" }]
source = "assumption"
"#,
];

/// The text of a scheme, shipped, any, or one of all forms.
pub fn every_text() -> impl Strategy<Value = String> {
    prop_oneof![3 => text(), 2 => prop::sample::select(FORMS.to_vec()).prop_map(str::to_owned)]
}

/// Any city of so many parcels, in the order of codes, with five years of figures; some are below nothing, as refunds are.
pub fn city(parcels: Range<usize>) -> impl Strategy<Value = Vec<Facts>> {
    refunded(parcels, 1)
}

/// The same, of fourteen figures so many below nothing.
pub fn refunded(parcels: Range<usize>, refunds: u32) -> impl Strategy<Value = Vec<Facts>> {
    let figure = prop_oneof![
        1 => Just(None),
        1 => Just(Some(0.0)),
        refunds => (1u32..2000).prop_map(|figure| Some(-f64::from(figure))),
        6 => (1u32..8).prop_map(|figure| Some(f64::from(figure) * 150.0)),
        6 => (1u32..4000).prop_map(|figure| Some(f64::from(figure))),
    ];
    let figures = prop::collection::vec(prop::array::uniform5(figure), MEASURES);
    let place = (
        prop::sample::select(vec![10.0, 15.0, 30.0, 60.0]),
        prop::sample::select(vec!["3911", "3911", "3911", "3922", "3922", "1711", "1711", "4411"]),
        prop::sample::select(vec!["310115", "310101"]),
        prop::sample::select(Tier::ALL.to_vec()),
        any::<bool>(),
    );
    let built = (prop::option::weighted(0.9, 1u32..9), 0u32..=10, prop::option::weighted(0.9, Just(2.0)));
    let user = prop::option::weighted(0.9, (0u32..16, prop::sample::select(vec![2010, 2010, 2010, 2024])));
    let fault = (prop::sample::select(vec!["safety", "environment"]), 2023i32..2027);
    let law = (
        prop::bool::weighted(0.1).prop_map(|young| if young { day(2025, 6, 1) } else { day(2010, 1, 1) }),
        prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(fault, 1..3)],
        prop::option::weighted(0.4, (any::<bool>(), prop::option::of(any::<bool>()), 2025i32..2060)),
        prop_oneof![10 => Just(1.0), 2 => Just(0.9), 1 => Just(0.5)],
    );
    let one = (figures, place, built, user, law);
    prop::collection::vec(one, parcels).prop_map(|list| {
        (1..)
            .zip(list)
            .map(|(number, (figures, (mu, industry, district, tier, locked), built, user, law))| {
                let (floors, used, plot_ratio_allowed) = built;
                let (since, faults, contract, known) = law;
                let floor_m2 = floors.map(|floors| f64::from(floors) * 0.25 * mu * 10_000.0 / 15.0);
                let years = window(as_of(), 5).enumerate().map(|(place, year)| {
                    let share = |figure: Option<f64>| figure.map_or(Share::default(), |sum| Share { sum, known });
                    Year {
                        year,
                        tax_elsewhere: 0.0,
                        figures: std::array::from_fn(|measure| share(figures[measure][place])),
                    }
                });
                Facts {
                    district: district.into(),
                    tier,
                    locked,
                    land_m2: mu * 10_000.0 / 15.0,
                    plot_ratio_allowed,
                    floor_m2,
                    used_floor_m2: floor_m2.map(|floor| floor * f64::from(used) / 10.0),
                    industry: Some(industry.into()),
                    user: user.map(|(code, founded)| MainUser {
                        code: format!("E{code}"),
                        above_scale: [Some(true), Some(true), Some(false), None][code as usize % 4],
                        founded_on: Some(day(founded, 1, 1)),
                    }),
                    in_use_since: Some(since),
                    years: years.collect(),
                    contract: contract.map(|(performance_terms, met, ends)| ContractFacts {
                        amended_by: Vec::new(),
                        developed_percent: None,
                        duties: vec![Duty { due_on: None, excuse: None, kind: "tax".into(), met, met_on: None }],
                        invested_percent: None,
                        number: "1".into(),
                        performance_terms,
                        responsible_unit: None,
                        signed_on: day(2008, 1, 1),
                        suspended_on: None,
                        targets: Vec::new(),
                        term_ends_on: Some(day(ends, 6, 30)),
                    }),
                    vetoes: faults
                        .into_iter()
                        .map(|(kind, year)| VetoFact { enterprise: "E1".into(), kind: kind.into(), year })
                        .collect(),
                    ..parcel(number)
                }
            })
            .collect()
    })
}

/// The city as a run under these rules would freeze it: those in scope, with the years of the window.
pub fn frozen(rules: &Rules, city: &[Facts]) -> Vec<Facts> {
    let years = window(as_of(), rules.scheme.window.years);
    let of_window = |facts: &Facts| {
        let years = facts.years.iter().filter(|year| years.contains(&year.year)).copied().collect();
        Facts { years, ..facts.clone() }
    };
    city.iter().map(of_window).collect()
}
