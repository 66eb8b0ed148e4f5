//! An answer as a file: where land stands, what the two locks say to a deed, whether a project may enter. Each is put into
//! the terms of the dictionary once; GeoJSON has them as properties of the land, a workbook as lines that an officer
//! prints.

use super::entry;
use super::standing::{self, Place};
use super::verdict::Ruled;
use crate::domain::dictionary::{self, Term};
use crate::domain::entry::{Finding, Rule, Unknown};
use crate::domain::quantity::WanYuanPerMu;
use crate::domain::review::facts::round;
use crate::domain::zoning::Tier;
use crate::domain::zoning::standing::{Layer, Overlap, Part, Remark};
use crate::domain::zoning::verdict::{Ruling, Verdict};
use crate::exchange::svg;
use crate::exchange::workbook::Cover;
use crate::exchange::write::{self, Column, Format, Layout, Row, Value, WriteError, geojson_of_one};
use crate::store::StoreError;
use crate::store::city::{self, City};
use geo_types::{Geometry, Point};
use sqlx::PgPool;
use std::path::{Path, PathBuf};

/// An answer in the terms of the dictionary.
#[derive(Debug, Clone)]
pub struct Paper {
    /// Its name, and that of its layer.
    name: &'static str,
    /// Its title in Chinese.
    title: &'static str,
    /// What the head of a printed sheet says of its day and revision.
    moment: String,
    terms: Vec<&'static Term>,
    values: Vec<Value>,
    /// What the land shares with each area of the plan.
    overlaps: Vec<Overlap>,
    /// The land or place that was asked about, in longitude and latitude.
    land: Option<Geometry<f64>>,
}

/// Why no file was written.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// The name of the file says no format that an answer has.
    #[error("{0} does not end in .geojson or .xlsx; expected a file of one of these")]
    Format(PathBuf),
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A part of landcycle failed.
    #[error("the writer of the file stopped unexpectedly")]
    Writer(#[from] tokio::task::JoinError),
}

/// In which format an answer is written to a file, by its ending.
pub fn format_of(path: &Path) -> Result<Format, PaperError> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    match Format::parse(&ending) {
        Some(format @ (Format::GeoJson | Format::Xlsx)) => Ok(format),
        _ => Err(PaperError::Format(path.to_owned())),
    }
}

/// Where land stands.
pub fn of_standing(answer: &standing::Answer) -> Paper {
    let said = answer.standing.remarks();
    paper("standing", "土地规划位置查询结果", (&[], Vec::new()), answer, &said)
}

/// What the two locks say to a deed.
pub fn of_verdict(ruled: &Ruled) -> Paper {
    let it = &ruled.ruling;
    let ids: Vec<String> = ruled.approvals.iter().map(i64::to_string).collect();
    let mut values = vec![
        ruled.deed.name().into(),
        it.situation.from.name().into(),
        it.situation.to.name().into(),
        it.verdict.name().into(),
        it.verdict.chinese().into(),
    ];
    values.extend(rule(it));
    values.extend([
        it.requirement.map(|needed| round(needed.taken_m2.value(), 2)).into(),
        it.requirement.map(|needed| round(needed.compensation_m2.value(), 2)).into(),
        text(ids.join(" ")),
    ]);
    paper("verdict", "产业用地双锁定判定结果", (dictionary::verdict(), values), &ruled.answer, &it.remarks)
}

/// Whether a project may enter.
pub fn of_entry(answer: &entry::Answer) -> Paper {
    let park = answer.place.park.as_ref();
    let published = answer.published.as_ref();
    let mut values = vec![
        answer.project.industry.as_str().into(),
        answer.ruling.verdict.map_or(Unknown::ANSWER, Verdict::name).into(),
        park.map(|park| park.code.as_str()).into(),
        text(park.map(|park| park.leading_industries.join(" ")).unwrap_or_default()),
    ];
    values.extend(rule(&answer.place.lock));
    let found = |rule: Rule| answer.ruling.findings.iter().find(|finding| finding.rule == rule);
    let cited = |rule: Rule| found(rule).map(|finding| finding.citation.as_str());
    let [tier, leading] = [Rule::Tier, Rule::LeadingIndustries].map(|rule| found(rule).map(said));
    values.extend([tier.into(), leading.into(), cited(Rule::LeadingIndustries).into()]);
    for rule in [Rule::AverageTax, Rule::AverageOutput, Rule::AverageInvestment] {
        let mean = found(rule).and_then(|finding| finding.mean);
        values.extend([
            found(rule).map(said).into(),
            found(rule).and_then(|finding| finding.promised).map(WanYuanPerMu::value).into(),
            mean.map(|mean| round(mean.value, 4)).into(),
            mean.and_then(|mean| i64::try_from(mean.peers).ok()).into(),
            cited(rule).into(),
        ]);
    }
    values.extend([
        published.map(|it| it.run).into(),
        published.map(|it| it.as_of).into(),
        published.map(|it| it.published_by.as_str()).into(),
        published.map(|it| it.division.as_str()).into(),
    ]);
    let stands = &answer.standing;
    paper("entry", "新增产业项目准入核查结果", (dictionary::entry(), values), stands, &stands.standing.remarks())
}

impl Paper {
    /// As GeoJSON: one feature, the land that was asked about.
    pub fn geojson(&self) -> String {
        let names = self.terms.iter().map(|term| term.name.as_str());
        let named: Vec<(&str, Value)> = names.zip(self.values.iter().cloned()).collect();
        geojson_of_one(self.name, &named, self.land.as_ref())
    }

    /// Writes it to a file, in the format that its ending says. A file of that name is replaced.
    pub async fn write(self, pool: &PgPool, path: PathBuf) -> Result<(), PaperError> {
        match format_of(&path)? {
            Format::Xlsx => {
                let mut connection = pool.acquire().await.map_err(StoreError::from)?;
                let city = city::read(&mut connection).await?.unwrap_or_default();
                drop(connection);
                tokio::task::spawn_blocking(move || self.workbook(&city, &path)).await??;
            }
            _ => tokio::task::spawn_blocking(move || svg::write(&path, &self.geojson())).await??,
        }
        Ok(())
    }

    /// As a workbook: a line for each term, then one for each area of the plan.
    fn workbook(&self, city: &City, path: &Path) -> Result<u64, WriteError> {
        let terms = dictionary::answer_lines();
        let columns: Vec<Column> = terms.iter().map(|term| Column::new(&term.name, term.holds, term.width)).collect();
        let note = city.note_zh.as_deref().map(|note| format!("    {note}")).unwrap_or_default();
        let cover = Cover {
            title: format!("{}{}", city.name, self.title),
            source: format!("来源：{}产业用地登记册（landcycle）{note}", city.name),
            moment: self.moment.clone(),
            crs: None,
            terms,
            shape: None,
        };
        let lines = self.terms.iter().zip(&self.values).map(|(term, value)| {
            // A cell of text shows the number of a day, not the day.
            let value = match value {
                Value::Date(day) => day.to_string().into(),
                other => other.clone(),
            };
            let unit = term.unit.as_deref().into();
            vec![term.name.as_str().into(), term.zh.as_str().into(), value, unit, term.meaning.zh.as_str().into()]
        });
        let rows = lines.chain(self.overlaps.iter().map(line)).map(|line| Ok::<Row, WriteError>((line, None)));
        let layout = Layout { cover: Some(&cover), ..Layout::plain(Format::Xlsx, self.name, &columns) };
        write::table(path, &layout, rows)
    }
}

/// Terms of its own, then those of the standing.
fn paper(
    name: &'static str,
    title: &'static str,
    (terms, values): (&'static [Term], Vec<Value>),
    answer: &standing::Answer,
    remarks: &[Remark],
) -> Paper {
    let (it, asked) = (&answer.standing, &answer.moment);
    let known_at = asked.known_at.map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string());
    let mut moment = format!("规划日期 {}    登记册版本 {}", asked.valid_at, answer.revision);
    if let Some(known_at) = &known_at {
        moment.push_str(&format!("    按 {known_at} 时的记载"));
    }
    let (parcel, land) = match &answer.place {
        Place::Point([lon, lat]) => (None, Some(Geometry::Point(Point::new(*lon, *lat)))),
        Place::Area(_) => (None, answer.shape.clone().map(Geometry::MultiPolygon)),
        Place::Parcel(code) => (Some(code.as_str()), answer.shape.clone().map(Geometry::MultiPolygon)),
    };
    let part = |part: &Part| [round(part.area_m2.value(), 2).into(), round(part.share * 100.0, 4).into()];
    let of = |layer: Layer| {
        let met = it.overlaps.iter().filter(|one| one.layer == layer);
        text(met.map(|one| format!("{} {:.2} %", one.code, one.part.share * 100.0)).collect::<Vec<_>>().join("; "))
    };
    let mut all = values;
    all.extend([
        parcel.into(),
        asked.valid_at.into(),
        known_at.into(),
        answer.revision.into(),
        round(it.area_m2.value(), 2).into(),
        it.tier.name().into(),
        it.is_locked.into(),
        it.on_border.into(),
        it.plan_is_known.into(),
        round(it.deciding_share * 100.0, 6).into(),
        round(it.border_tolerance * 100.0, 6).into(),
    ]);
    all.extend([&it.base, &it.community, &it.fragmented, &it.locked].into_iter().flat_map(part));
    all.extend([Layer::Zone, Layer::PlanUnit, Layer::Legacy].map(of));
    let remarks = remarks.iter().map(|remark| format!("{}：{}", remark.code, remark.zh));
    all.push(text(remarks.collect::<Vec<_>>().join("\n")));
    Paper {
        name,
        title,
        moment,
        terms: terms.iter().chain(dictionary::standing()).collect(),
        values: all,
        overlaps: it.overlaps.clone(),
        land,
    }
}

/// The values of the rule that answers, in the order of its terms.
fn rule(it: &Ruling) -> [Value; 10] {
    [
        it.rule.as_str().into(),
        it.version.as_str().into(),
        it.effective_from.into(),
        it.citation.as_str().into(),
        it.assumption.into(),
        it.title.zh.as_str().into(),
        it.title.en.as_str().into(),
        text(it.remedy.zh.clone()),
        text(it.remedy.en.clone()),
        it.finding.as_deref().into(),
    ]
}

/// What a rule on entry says, or why it can't.
fn said(finding: &Finding) -> String {
    match finding.answer {
        Ok(verdict) => verdict.name().to_owned(),
        Err(unknown) => format!("{}: {}", Unknown::ANSWER, unknown.name()),
    }
}

/// The line of an area of the plan.
fn line(one: &Overlap) -> Vec<Value> {
    let what = match (one.layer, one.tier) {
        (Layer::Zone, Some(Tier::Community)) => "产业社区",
        (Layer::Zone, _) if one.locked => "产业基地（锁定）",
        (Layer::Zone, _) => "产业基地",
        (Layer::PlanUnit, _) => "规划单元",
        (Layer::Legacy, _) => "104、195、198 区域",
    };
    let until = one.valid_to.map_or_else(|| "无终止日".to_owned(), |day| format!("至 {day} 前"));
    vec![
        "overlap".into(),
        format!("{what} {} {}", one.code, one.name).into(),
        format!("{:.2} 平方米，占 {:.2} %", one.part.area_m2.value(), one.part.share * 100.0).into(),
        Value::Empty,
        format!("{}，自 {} 起，{until}", one.document.as_deref().unwrap_or("无文件记载"), one.valid_from).into(),
    ]
}

/// Nothing, where there are no words.
fn text(text: String) -> Value {
    if text.is_empty() { Value::Empty } else { Value::Text(text) }
}
