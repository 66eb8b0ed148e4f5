//! The plain list of checks on what is stored: a code, a weight, what it means and what to do, and one query each. All of
//! them look at one moment of the register; the tolerances are values of the rulebook.

use super::export::column;
use super::rules::{self, RulesError};
use crate::clock::Clock;
use crate::domain::dictionary;
use crate::domain::rulebook::keys;
use crate::exchange::workbook::Cover;
use crate::exchange::write::{self, Column, Format, Layout, Row, WriteError};
use crate::store::check::{self, Found};
use crate::store::{StoreError, city, write as ledger};
use chrono::NaiveDate;
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// It must be mended.
    Error,
    /// Someone must look.
    Warning,
    /// A fact worth knowing.
    Note,
}

impl Weight {
    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

type Asked<'a> = Pin<Box<dyn Future<Output = Result<Vec<Found>, StoreError>> + Send + 'a>>;

/// How a check is made.
enum Run {
    /// By a query, given the day and what is let pass.
    Query(for<'a> fn(&'a mut PgConnection, NaiveDate, f64) -> Asked<'a>),
    /// By a query, given the day and the share from which a tier decides, which is nothing that is let pass.
    Tiers(for<'a> fn(&'a mut PgConnection, NaiveDate, f64) -> Asked<'a>),
    /// By computing the chain of audit entries anew.
    Audit,
}

/// One check.
pub struct Check {
    /// Its stable code.
    pub code: &'static str,
    /// What a finding of it weighs.
    pub weight: Weight,
    /// What is wrong, Chinese and English.
    pub title: [&'static str; 2],
    /// What to do, Chinese and English.
    pub remedy: [&'static str; 2],
    /// The rule value that says what is let pass.
    allowed: Option<&'static str>,
    /// The unit of its figure.
    unit: &'static str,
    run: Run,
}

macro_rules! query {
    ($name:ident) => {
        Run::Query(|connection, day, allowed| Box::pin(check::$name(connection, day, allowed)))
    };
}

/// Every check, in the order in which they are made and shown.
pub const CHECKS: &[Check] = &[
    Check {
        code: "overlapping-parcels",
        weight: Weight::Error,
        title: ["两宗地重叠", "two parcels lie on one another"],
        remedy: [
            "核对两宗地的界址，更正其一后重新导入",
            "compare the boundaries of both, correct one and import it again",
        ],
        allowed: Some(keys::CHECK_OVERLAP),
        unit: "m²",
        run: query!(overlapping_parcels),
    },
    Check {
        code: "sliver-parcel",
        weight: Weight::Error,
        title: ["碎屑宗地", "a parcel is a sliver"],
        remedy: ["并入相邻宗地，或更正图形", "merge it into its neighbour, or correct its shape"],
        allowed: Some(keys::CHECK_SLIVER),
        unit: "m",
        run: query!(sliver_parcels),
    },
    Check {
        code: "gap-in-block",
        weight: Weight::Warning,
        title: ["街坊内宗地之间有空隙", "a gap among the parcels of a block"],
        remedy: ["核对周围宗地的界址", "compare the boundaries of the parcels around it"],
        allowed: Some(keys::CHECK_GAP),
        unit: "m²",
        run: query!(gaps_in_blocks),
    },
    Check {
        code: "parcel-across-districts",
        weight: Weight::Error,
        title: ["宗地超出所登记的行政区", "a parcel lies outside the district that it is booked in"],
        remedy: ["核对行政区代码与图形", "correct its district or its shape"],
        allowed: Some(keys::CHECK_STRADDLE),
        unit: "share",
        run: query!(parcels_across_districts),
    },
    Check {
        code: "parcel-across-tiers",
        weight: Weight::Note,
        title: ["宗地跨空间层级", "a parcel straddles the border of a tier"],
        remedy: ["属事实提示；层级按面积占比判定", "a fact, not a fault: the larger share decides its tier"],
        allowed: Some(keys::CHECK_STRADDLE),
        unit: "share",
        run: query!(parcels_across_tiers),
    },
    Check {
        code: "overlapping-zones",
        weight: Weight::Error,
        title: ["两个分区重叠，层级占比之和超过整体", "two zones lie on one another: shares of tiers exceed the whole"],
        remedy: ["核对规划文件，更正其一后重新导入", "compare the documents, correct one and import it again"],
        allowed: Some(keys::CHECK_OVERLAP),
        unit: "m²",
        run: query!(overlapping_zones),
    },
    Check {
        code: "zone-ends-before-contract",
        weight: Weight::Warning,
        title: ["分区在合同期内失效", "a zone ends while contracts on its land run on"],
        remedy: [
            "核对分区失效日期；确需失效的，逐份核对所涉合同",
            "check the day on which it ends; if it does end, look at each of the contracts",
        ],
        allowed: None,
        unit: "contracts",
        run: Run::Tiers(|connection, day, share| Box::pin(check::zones_ending(connection, day, share, false))),
    },
    Check {
        code: "registered-area-differs",
        weight: Weight::Warning,
        title: ["证载面积与图形面积不符", "registered and geometric area differ"],
        remedy: ["核对权属证书与测量成果，注意亩与平方米", "compare certificate and survey; mind mu and m²"],
        allowed: Some(keys::CHECK_AREA),
        unit: "%",
        run: query!(registered_areas),
    },
    Check {
        code: "stored-area-differs",
        weight: Weight::Error,
        title: ["所存面积与图形不符", "the stored area of a parcel is not that of its shape"],
        remedy: [
            "重新导入该宗地；查明谁绕过程序改动了数据库",
            "import the parcel again; find out who wrote to the database past the program",
        ],
        allowed: Some(keys::CHECK_STORED_AREA),
        unit: "%",
        run: query!(stored_areas),
    },
    Check {
        code: "occupied-exceeds-built",
        weight: Weight::Error,
        title: ["占用建筑面积之和超过已建面积", "the floor area in use sums to more than is built"],
        remedy: ["核对租约起止与建筑登记", "compare leases with the buildings on record"],
        allowed: Some(keys::CHECK_OCCUPIED),
        unit: "share",
        run: query!(occupied_beyond_built),
    },
    Check {
        code: "building-outside-parcel",
        weight: Weight::Warning,
        title: ["建筑超出宗地", "a building lies outside every parcel"],
        remedy: ["核对建筑轮廓与宗地界址", "correct its outline or the boundary of the parcel"],
        allowed: Some(keys::CHECK_BUILDING),
        unit: "share",
        run: query!(buildings_outside_parcels),
    },
    Check {
        code: "shares-not-summing",
        weight: Weight::Error,
        title: ["份额之和不等于整体", "shares of a building or of an enterprise's figures do not sum to the whole"],
        remedy: ["更正所填份额，合计须为百分之百", "correct the stated shares, which are to sum to 100 %"],
        allowed: None,
        unit: "share",
        run: query!(shares),
    },
    Check {
        code: "without-parcel",
        weight: Weight::Error,
        title: [
            "合同、建筑或占用所指宗地当日不存在",
            "a contract, building or occupancy is about a parcel that is not law today",
        ],
        remedy: ["改到承继的宗地，或补录该宗地", "move it to the parcel that followed, or record the parcel"],
        allowed: None,
        unit: "",
        run: query!(without_parcel),
    },
    Check {
        code: "plot-ratio-above-contract",
        weight: Weight::Warning,
        title: [
            "规划容积率提高后超过合同上限，未签补充合同",
            "the plan's plot ratio rose above the contract's bound, and no supplementary contract followed",
        ],
        remedy: ["重新签订合同（补充合同），并登记", "have the contract signed again, as a supplement, and record it"],
        allowed: None,
        unit: "",
        run: query!(plot_ratio_above_contract),
    },
    Check {
        code: "secured-exceeds-parcel",
        weight: Weight::Warning,
        title: ["保障面积大于宗地面积", "more land is secured than the parcel has"],
        remedy: ["核对台账面积，注意亩与平方米", "correct the entry; mind mu and m²"],
        allowed: Some(keys::CHECK_AREA),
        unit: "%",
        run: query!(secured_beyond_parcel),
    },
    Check {
        code: "land-secured-twice",
        weight: Weight::Error,
        title: [
            "同一土地以分割合并前后的宗地在一年内计了两次",
            "land counts twice in a year, as a parcel and as one that was split from or merged into it",
        ],
        remedy: [
            "撤销其中一条（landcycle supply withdraw）",
            "withdraw one of both entries (landcycle supply withdraw)",
        ],
        allowed: None,
        unit: "",
        run: query!(land_secured_twice),
    },
    Check {
        code: "obligation-without-contract",
        weight: Weight::Error,
        title: ["履约事项没有合同", "an obligation has no contract"],
        remedy: ["补录合同，或更正合同编号", "record the contract, or correct its number"],
        allowed: None,
        unit: "",
        run: query!(obligations_without_contract),
    },
    Check {
        code: "obligation-without-clock",
        weight: Weight::Error,
        title: ["履约事项没有到期规则，无法计时", "nothing says when an obligation is due"],
        remedy: ["补录应完成日期", "record when it is due"],
        allowed: None,
        unit: "",
        run: query!(obligations_without_clock),
    },
    Check {
        code: "gap-between-versions",
        weight: Weight::Warning,
        title: ["两个版本之间有无效期", "days between two versions on which none is law"],
        remedy: ["核对生效与失效日期", "correct the days on which they begin or end"],
        allowed: None,
        unit: "days",
        run: query!(gaps_between_versions),
    },
    Check {
        code: "project-outside-zones",
        weight: Weight::Error,
        title: [
            "产业基地、产业社区以外的新增产业项目合同（双锁定之二）",
            "a contract for a new project outside bases and communities (second lock)",
        ],
        remedy: [
            "核对签订日的分区；属存量企业续签的，补录原合同",
            "compare the zones of the day of its signature; where its holder held the land before, record that contract",
        ],
        allowed: None,
        unit: "",
        run: query!(projects_outside_zones),
    },
    Check {
        code: "locked-land-other-use",
        weight: Weight::Error,
        title: [
            "锁定的产业基地土地已作他用而无专项批准（双锁定之一）",
            "locked base land in another use without a special approval (first lock)",
        ],
        remedy: ["更正用途，或补办专项批准", "correct its use, or record the special approval"],
        allowed: None,
        unit: "m²",
        run: query!(locked_land_in_other_use),
    },
    Check {
        code: "dangling-lineage",
        weight: Weight::Error,
        title: ["宗地沿革断链", "a parcel is not what its lineage event made of it"],
        remedy: ["核对该事件的前后宗地", "compare the parcels before and after the event"],
        allowed: None,
        unit: "",
        run: query!(dangling_lineage),
    },
    Check {
        code: "audit-chain-broken",
        weight: Weight::Error,
        title: ["审计链不连续", "the chain of audit entries does not hold"],
        remedy: [
            "停止写入，与备份比对，查明谁改动了数据库",
            "stop writing, compare with a backup, find out who touched the database",
        ],
        allowed: None,
        unit: "",
        run: Run::Audit,
    },
];

/// One finding.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The code of its check.
    pub code: &'static str,
    /// How much it weighs.
    pub severity: Weight,
    /// What it is about.
    pub key: String,
    /// The other one, where there are two.
    pub other: Option<String>,
    /// What was measured.
    pub figure: Option<f64>,
    /// Its unit.
    pub unit: &'static str,
    /// What would be let pass.
    pub allowed: Option<f64>,
    /// Longitude.
    pub lon: Option<f64>,
    /// Latitude.
    pub lat: Option<f64>,
    /// What is wrong, Chinese and English.
    pub title: [&'static str; 2],
    /// What to do, Chinese and English.
    pub remedy: [&'static str; 2],
    #[serde(skip)]
    shape: Option<geo_types::MultiPolygon<f64>>,
}

/// How many findings a check has.
#[derive(Debug, Clone, Serialize)]
pub struct Count {
    /// The code of the check.
    pub code: &'static str,
    /// What its findings weigh.
    pub severity: Weight,
    /// What it looks for, Chinese and English.
    pub title: [&'static str; 2],
    /// How many there are.
    pub findings: usize,
}

/// What the checks came to.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The revision that was looked at.
    pub revision: i64,
    /// The day of law.
    pub day: NaiveDate,
    /// How many findings are errors.
    pub errors: usize,
    /// How many are warnings.
    pub warnings: usize,
    /// How many are notes.
    pub notes: usize,
    /// The checks that were made.
    pub checks: Vec<Count>,
    /// All findings, in the order of the checks.
    pub findings: Vec<Finding>,
    #[serde(skip)]
    city: city::City,
}

/// Why the register was not checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is no such check.
    #[error("there is no check {code:?}; expected some of {}", codes())]
    Unknown {
        /// What was asked for.
        code: String,
    },
    /// The tolerances could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn codes() -> String {
    CHECKS.iter().map(|check| check.code).collect::<Vec<_>>().join(", ")
}

/// Makes the checks named, or all; `progress` is told which comes next.
pub async fn run(pool: &PgPool, clock: Clock, only: &[String], progress: impl Fn(&str)) -> Result<Report, CheckError> {
    if let Some(code) = only.iter().find(|code| CHECKS.iter().all(|check| check.code != **code)) {
        return Err(CheckError::Unknown { code: code.clone() });
    }
    let day = clock.today();
    let rulebook = rules::rulebook()?;
    let (mut tx, revision) = check::hold(pool).await?;
    let city = city::read(&mut tx).await?.unwrap_or_default();
    let (mut checks, mut findings) = (Vec::new(), Vec::new());
    for check in CHECKS.iter().filter(|check| only.is_empty() || only.iter().any(|code| code == check.code)) {
        progress(check.code);
        let allowed = check.allowed.map(|key| rules::value(rulebook, key, day)).transpose()?;
        let found = match check.run {
            Run::Query(ask) => ask(&mut tx, day, allowed.unwrap_or_default()).await?,
            Run::Tiers(ask) => ask(&mut tx, day, rules::deciding_share(rulebook, day)?).await?,
            Run::Audit => audit(pool).await?,
        };
        checks.push(Count { code: check.code, severity: check.weight, title: check.title, findings: found.len() });
        findings.extend(found.into_iter().map(|found| Finding {
            code: check.code,
            severity: check.weight,
            key: found.key,
            other: found.other,
            figure: found.figure,
            unit: check.unit,
            allowed,
            lon: found.place.map(|place| place[0]),
            lat: found.place.map(|place| place[1]),
            title: check.title,
            remedy: check.remedy,
            shape: found.shape,
        }));
    }
    let count = |weight| findings.iter().filter(|finding: &&Finding| finding.severity == weight).count();
    let (errors, warnings, notes) = (count(Weight::Error), count(Weight::Warning), count(Weight::Note));
    Ok(Report { revision, day, errors, warnings, notes, checks, findings, city })
}

async fn audit(pool: &PgPool) -> Result<Vec<Found>, StoreError> {
    Ok(match ledger::verify_audit(pool).await? {
        Ok(_) => Vec::new(),
        Err(entry) => {
            vec![Found { key: format!("audit entry {entry}"), other: None, figure: None, place: None, shape: None }]
        }
    })
}

/// Writes every finding to a file, with the land at fault where the format holds shapes.
pub fn write_report(report: &Report, path: &Path, format: Format) -> Result<u64, WriteError> {
    let terms = dictionary::findings();
    let columns: Vec<Column> = terms.iter().map(|term| column(term, format)).collect();
    let cover = Cover {
        title: format!("{}产业用地登记册检查结果", report.city.name),
        source: format!("来源：{}产业用地登记册（landcycle check）", report.city.name),
        moment: format!("数据日期 {}    登记册版本 {}", report.day, report.revision),
        crs: Some("EPSG:4490（CGCS2000）"),
        terms,
        shape: None,
    };
    let rows = report.findings.iter().map(|finding| {
        let values = vec![
            finding.code.into(),
            finding.severity.name().into(),
            finding.key.as_str().into(),
            finding.other.as_deref().into(),
            finding.figure.into(),
            finding.unit.into(),
            finding.allowed.into(),
            finding.lon.into(),
            finding.lat.into(),
            finding.title[0].into(),
            finding.remedy[0].into(),
        ];
        Ok::<Row, WriteError>((values, finding.shape.clone()))
    });
    write::table(path, &Layout { cover: Some(&cover), ..Layout::plain(format, "findings", &columns) }, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_kebab_case_and_stand_once_and_every_check_says_what_to_do() {
        for (index, check) in CHECKS.iter().enumerate() {
            assert!(check.code.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'), "{}", check.code);
            assert!(CHECKS[..index].iter().all(|earlier| earlier.code != check.code), "{}", check.code);
            assert!(check.title.iter().chain(&check.remedy).all(|words| !words.is_empty()), "{}", check.code);
        }
    }
}
