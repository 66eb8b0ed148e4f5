//! What the columns of exports are called and mean: one table for files, workbooks and their dictionaries. It reads the
//! words from data and knows neither a format nor a query.

use super::intake::{FieldType, Kind};
use super::review::scheme::Words;
use serde::Deserialize;
use std::sync::LazyLock;

const SHIPPED: &str = include_str!("../../data/dictionary.toml");

/// Where the values of a column come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The register has it, and an import takes it back.
    Register,
    /// Computed at the time of the export; an import leaves it alone.
    WorkedOut,
    /// Out of the receipt of a review.
    Review,
}

impl Origin {
    /// Both languages, for the dictionary sheet.
    pub fn words(self) -> [&'static str; 2] {
        match self {
            Self::Register => ["登记数据，可再次导入", "register; can be imported again"],
            Self::WorkedOut => ["导出时计算", "worked out at the time of the export"],
            Self::Review => ["评价凭证", "receipt of the review"],
        }
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Its canonical name, unit last.
    pub name: String,
    /// Its Chinese name.
    pub zh: String,
    /// Its unit in Chinese, where it has one.
    pub unit: Option<String>,
    /// What it holds.
    #[serde(deserialize_with = "holds")]
    pub holds: FieldType,
    /// Its name in a Shapefile, which has ten bytes for it.
    pub shp: Option<String>,
    /// How wide it is in a sheet, in characters.
    pub width: u16,
    /// Where its values come from.
    pub origin: Origin,
    /// What it means.
    pub meaning: Words,
}

impl Term {
    /// What stands over the column in a printed table: its Chinese name with the unit.
    pub fn heading(&self) -> String {
        match &self.unit {
            Some(unit) if !self.zh.ends_with('）') => format!("{}（{unit}）", self.zh),
            _ => self.zh.clone(),
        }
    }
}

fn holds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<FieldType, D::Error> {
    let word = String::deserialize(deserializer)?;
    match word.as_str() {
        "text" => Ok(FieldType::Text),
        "number" => Ok(FieldType::Number),
        "integer" => Ok(FieldType::Integer),
        "date" => Ok(FieldType::Date),
        "flag" => Ok(FieldType::Flag),
        other => Err(serde::de::Error::custom(format!("{other:?}; expected text, number, integer, date or flag"))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dictionary {
    parcels: Vec<Term>,
    zones: Vec<Term>,
    plan_units: Vec<Term>,
    legacy_areas: Vec<Term>,
    contracts: Vec<Term>,
    obligations: Vec<Term>,
    returns: Vec<Term>,
    supply: Vec<Term>,
    reserve: Vec<Term>,
    approvals: Vec<Term>,
    review: Vec<Term>,
    shape: Term,
    findings: Vec<Term>,
    renewal_areas: Vec<Term>,
    park_evaluation: Vec<Term>,
    standing: Vec<Term>,
    verdict: Vec<Term>,
    entry: Vec<Term>,
    answer_lines: Vec<Term>,
    reviews_due: Vec<Term>,
    queryables: Vec<Term>,
    districts: Vec<Term>,
    parks: Vec<Term>,
    buildings: Vec<Term>,
}

#[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
static DICTIONARY: LazyLock<Dictionary> =
    LazyLock::new(|| toml::from_str(SHIPPED).expect("the shipped dictionary is well formed"));

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// Parcels.
    Parcels,
    /// Bases and communities.
    Zones,
    /// Planning units.
    PlanUnits,
    /// Areas of the older division.
    LegacyAreas,
    /// Contracts.
    Contracts,
    /// Obligations.
    Obligations,
    /// Annual returns.
    Returns,
    /// The supply ledger.
    Supply,
    /// The reserve of parks.
    Reserve,
    /// Special approvals.
    Approvals,
    /// Every result of a review.
    ReviewResults,
    /// Its exit candidates.
    ExitCandidates,
    /// Its renewal candidates.
    RenewalCandidates,
}

impl What {
    /// All of it.
    pub const ALL: [Self; 13] = [
        Self::Parcels,
        Self::Zones,
        Self::PlanUnits,
        Self::LegacyAreas,
        Self::Contracts,
        Self::Obligations,
        Self::Returns,
        Self::Supply,
        Self::Reserve,
        Self::Approvals,
        Self::ReviewResults,
        Self::ExitCandidates,
        Self::RenewalCandidates,
    ];

    /// The word used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parcels => "parcels",
            Self::Zones => "zones",
            Self::PlanUnits => "plan-units",
            Self::LegacyAreas => "legacy-areas",
            Self::Contracts => "contracts",
            Self::Obligations => "obligations",
            Self::Returns => "returns",
            Self::Supply => "supply",
            Self::Reserve => "reserve",
            Self::Approvals => "approvals",
            Self::ReviewResults => "review-results",
            Self::ExitCandidates => "exit-candidates",
            Self::RenewalCandidates => "renewal-candidates",
        }
    }

    /// What is meant by that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.name() == word)
    }

    /// Its Chinese title.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Parcels => "产业用地宗地表",
            Self::Zones => "产业基地和产业社区表",
            Self::PlanUnits => "规划单元表",
            Self::LegacyAreas => "104、195、198 区域表",
            Self::Contracts => "土地合同表",
            Self::Obligations => "履约事项表",
            Self::Returns => "企业年报表",
            Self::Supply => "产业用地保障台账",
            Self::Reserve => "园区储备土地台账",
            Self::Approvals => "专项批准台账",
            Self::ReviewResults => "产业用地绩效评价结果表",
            Self::ExitCandidates => "低效用地退出候选清单",
            Self::RenewalCandidates => "续期候选清单",
        }
    }

    /// Its columns.
    pub fn terms(self) -> &'static [Term] {
        match self {
            Self::Parcels => &DICTIONARY.parcels,
            Self::Zones => &DICTIONARY.zones,
            Self::PlanUnits => &DICTIONARY.plan_units,
            Self::LegacyAreas => &DICTIONARY.legacy_areas,
            Self::Contracts => &DICTIONARY.contracts,
            Self::Obligations => &DICTIONARY.obligations,
            Self::Returns => &DICTIONARY.returns,
            Self::Supply => &DICTIONARY.supply,
            Self::Reserve => &DICTIONARY.reserve,
            Self::Approvals => &DICTIONARY.approvals,
            Self::ReviewResults | Self::ExitCandidates | Self::RenewalCandidates => &DICTIONARY.review,
        }
    }

    /// The data set that it can be imported as; an approval is proposed and confirmed, never imported.
    pub fn kind(self) -> Option<Kind> {
        match self {
            Self::Parcels => Some(Kind::Parcels),
            Self::Zones => Some(Kind::Zones),
            Self::PlanUnits => Some(Kind::PlanUnits),
            Self::LegacyAreas => Some(Kind::LegacyAreas),
            Self::Contracts => Some(Kind::Contracts),
            Self::Obligations => Some(Kind::Obligations),
            Self::Returns => Some(Kind::Returns),
            Self::Supply => Some(Kind::Supply),
            Self::Reserve => Some(Kind::Reserve),
            Self::Approvals | Self::ReviewResults | Self::ExitCandidates | Self::RenewalCandidates => None,
        }
    }

    /// Whether its rows have shapes.
    pub fn has_shapes(self) -> bool {
        !matches!(self, Self::Contracts | Self::Obligations | Self::Returns)
    }

    /// Whether it is out of a review run.
    pub fn is_of_a_review(self) -> bool {
        matches!(self, Self::ReviewResults | Self::ExitCandidates | Self::RenewalCandidates)
    }
}

/// The column that holds the shapes of rows in a format without a place for shapes.
pub fn shape() -> &'static Term {
    &DICTIONARY.shape
}

/// The columns of renewal areas.
pub fn renewal_areas() -> &'static [Term] {
    &DICTIONARY.renewal_areas
}

/// The columns of an evaluation of parks.
pub fn park_evaluation() -> &'static [Term] {
    &DICTIONARY.park_evaluation
}

/// The columns of the reviews that contracts make due.
pub fn reviews_due() -> &'static [Term] {
    &DICTIONARY.reviews_due
}

/// What may be asked of a parcel on the map, without its shape.
pub fn queryables() -> &'static [Term] {
    &DICTIONARY.queryables
}

/// The facts of districts.
pub fn districts() -> &'static [Term] {
    &DICTIONARY.districts
}

/// The facts of parks.
pub fn parks() -> &'static [Term] {
    &DICTIONARY.parks
}

/// The facts of buildings.
pub fn buildings() -> &'static [Term] {
    &DICTIONARY.buildings
}

/// The columns of the findings of a check.
pub fn findings() -> &'static [Term] {
    &DICTIONARY.findings
}

/// What a standing says of land.
pub fn standing() -> &'static [Term] {
    &DICTIONARY.standing
}

/// What a ruling of the two locks says, before the standing of its land.
pub fn verdict() -> &'static [Term] {
    &DICTIONARY.verdict
}

/// What an entry check says, before the standing of its land.
pub fn entry() -> &'static [Term] {
    &DICTIONARY.entry
}

/// The columns of a workbook that has a line for each term of an answer.
pub fn answer_lines() -> &'static [Term] {
    &DICTIONARY.answer_lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_field_that_an_import_knows_is_a_column_of_the_export_and_holds_the_same() {
        for what in What::ALL {
            let Some(kind) = what.kind() else { continue };
            for field in kind.fields() {
                let term = what.terms().iter().find(|term| term.name == field.name);
                let term = term.unwrap_or_else(|| panic!("{}.{} is in no dictionary", what.name(), field.name));
                assert_eq!(
                    (term.holds, term.origin),
                    (field.holds, Origin::Register),
                    "{}.{}",
                    what.name(),
                    field.name
                );
            }
            for term in what.terms().iter().filter(|term| term.origin == Origin::Register) {
                let known = kind.fields().iter().any(|field| field.name == term.name);
                assert!(known, "{}.{} is no field of the import", what.name(), term.name);
            }
        }
    }

    #[test]
    fn names_are_unique_and_fit_into_a_shapefile_where_there_are_shapes() {
        let on_land = |terms: &[Term]| [terms, standing()].concat();
        let others = [
            ("findings", findings().to_vec()),
            ("renewal-areas", renewal_areas().to_vec()),
            ("park-evaluation", park_evaluation().to_vec()),
            ("reviews-due", reviews_due().to_vec()),
            ("queryables", queryables().to_vec()),
            ("verdict", on_land(verdict())),
            ("entry", on_land(entry())),
            ("answer-lines", answer_lines().to_vec()),
            ("districts", districts().to_vec()),
            ("parks", parks().to_vec()),
            ("buildings", buildings().to_vec()),
        ];
        for (what, terms) in What::ALL.map(|what| (what.name(), what.terms().to_vec())).into_iter().chain(others) {
            let names: BTreeSet<&str> = terms.iter().map(|term| term.name.as_str()).collect();
            let chinese: BTreeSet<&str> = terms.iter().map(|term| term.zh.as_str()).collect();
            assert_eq!((names.len(), chinese.len()), (terms.len(), terms.len()), "{what}");
            let short: BTreeSet<&String> = terms.iter().filter_map(|term| term.shp.as_ref()).collect();
            assert!(short.iter().all(|name| name.len() <= 10), "{what}");
            assert!(short.is_empty() || short.len() == terms.len(), "{what}");
            assert!(terms.iter().all(|term| !term.meaning.zh.is_empty() && !term.meaning.en.is_empty()), "{what}");
        }
    }

    #[test]
    fn a_heading_names_the_unit_once() {
        let terms = What::Parcels.terms();
        let heading = |name: &str| terms.iter().find(|term| term.name == name).unwrap().heading();
        assert_eq!(heading("registered_area_m2"), "证载面积（平方米）");
        assert_eq!(heading("area_mu"), "图形面积（亩）");
        assert_eq!(heading("parcel_code"), "宗地编码");
    }
}
