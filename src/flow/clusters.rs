//! Renewal areas: the candidates of a run that lie together, worked out when they are asked for. Nothing is stored; the
//! same run, list and distance give the same areas as long as the land of the parcels stays as it is.

use super::rules::{self, RulesError};
use crate::atlas;
use crate::domain::dictionary;
use crate::domain::geometry::dissolve;
use crate::domain::quantity::SquareMetres;
use crate::domain::review::clusters::{Candidate, Cluster, Ranking, grow};
use crate::domain::review::decision::List;
use crate::domain::review::facts::round;
use crate::domain::rulebook::keys;
use crate::exchange::workbook::{Cover, MOST_CHARACTERS};
use crate::exchange::write::{self, Column, Format, Layout, Row, Value, WriteError};
use crate::store::StoreError;
use crate::store::city::City;
use crate::store::review::Run;
use crate::store::review::candidates::{self, Listed};
use geo_types::MultiPolygon;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::path::Path;

/// The widest street, m: what lies farther apart is another area by any reading.
pub const MOST_M: f64 = 500.0;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    /// Of which run.
    pub run: i64,
    /// Of one list only.
    pub list: Option<List>,
    /// How far apart neighbours may lie, m; the rulebook's where nothing is said.
    pub within_m: Option<f64>,
    /// Only areas with so much land, m².
    pub least_m2: f64,
}

/// Why there are no areas.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No such run.
    #[error("there is no review run {0}; landcycle review list names them")]
    NoRun(i64),
    /// A distance that is none.
    #[error("the distance is {0} m; expected 0 to {MOST_M}")]
    Within(f64),
    /// An area that is none.
    #[error("the least area is {0} m²; expected 0 or more")]
    Least(f64),
    /// A format that has no room for the codes of an area's parcels.
    #[error("{0} has no room for the parcels of an area; expected .xlsx, .csv, .geojson or .gpkg")]
    Format(String),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A part of landcycle failed.
    #[error("the search for neighbours stopped unexpectedly")]
    Search(#[from] tokio::task::JoinError),
}

impl ClusterError {
    /// Whether the question is wrong, rather than the machine.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::NoRun(_) | Self::Within(_) | Self::Least(_) | Self::Format(_))
    }
}

/// One renewal area.
#[derive(Debug, Clone, PartialEq)]
pub struct Area {
    /// What it is.
    pub cluster: Cluster,
    /// The codes of its parcels, in order.
    pub parcels: Vec<String>,
    /// Its land as one shape: that of the parcels, without the streets between them.
    pub shape: MultiPolygon<f64>,
}

/// The renewal areas of a run.
#[derive(Debug, Clone)]
pub struct Found {
    /// The newest revision that they know.
    pub revision: i64,
    /// What city it is.
    pub city: City,
    /// The run.
    pub run: Run,
    /// Of one list only.
    pub list: Option<List>,
    /// How far apart neighbours may lie, m.
    pub within_m: f64,
    /// Where that distance comes from.
    pub within_source: String,
    /// Where their order comes from.
    pub ranking: Ranking,
    /// How many candidates there are.
    pub candidates: usize,
    /// How many of them have no land on the day of the run any more; each is an area of its own.
    pub without_shape: usize,
    /// How many areas there are, the small ones too.
    pub all_areas: usize,
    /// Those that are large enough, the first in order first. The ranks are those among all.
    pub areas: Vec<Area>,
}

/// Grows the candidates of a run into areas.
pub async fn clusters(pool: &PgPool, question: &Question) -> Result<Found, ClusterError> {
    if let Some(wrong) = question.within_m.filter(|metres| !(0.0..=MOST_M).contains(metres)) {
        return Err(ClusterError::Within(wrong));
    }
    if !(question.least_m2.is_finite() && question.least_m2 >= 0.0) {
        return Err(ClusterError::Least(question.least_m2));
    }
    let found = candidates::read(pool, question.run, question.list).await?;
    let listed = found.ok_or(ClusterError::NoRun(question.run))?;
    let ranking = rules::ranking()?;
    let rule = rules::rulebook()?.on(keys::RENEWAL_STREET, listed.run.as_of).map_err(rules::of_values)?;
    let (within_m, within_source) = match question.within_m {
        Some(metres) => (metres, "as asked".to_owned()),
        None => (rule.value, rule.source.clone()),
    };
    let (list, least_m2) = (question.list, question.least_m2);
    let found = tokio::task::spawn_blocking(move || {
        let Listed { revision, city, run, candidates, shapes } = listed;
        let pairs = atlas::neighbours(&shapes, within_m);
        let clusters = grow(&candidates, &pairs, ranking);
        let all_areas = clusters.len();
        let large = clusters.into_iter().filter(|cluster| cluster.land_m2 >= least_m2);
        Found {
            revision,
            city,
            run,
            list,
            within_m,
            within_source,
            ranking: ranking.clone(),
            candidates: candidates.len(),
            without_shape: shapes.iter().filter(|shape| shape.0.is_empty()).count(),
            all_areas,
            areas: large.map(|cluster| area(cluster, &candidates, &shapes)).collect(),
        }
    });
    Ok(found.await?)
}

fn area(cluster: Cluster, candidates: &[Candidate], shapes: &[MultiPolygon<f64>]) -> Area {
    let parcels = cluster.members.iter().map(|index| candidates[*index].code.clone()).collect();
    let shape = dissolve(cluster.members.iter().map(|index| &shapes[*index]));
    Area { cluster, parcels, shape }
}

/// Writes areas to a file. Answers how many, and of how many the cell had no room for the codes of their parcels.
pub fn write(found: &Found, path: &Path) -> Result<(u64, u64), ClusterError> {
    let extension = path.extension().map(|found| found.to_string_lossy().to_lowercase()).unwrap_or_default();
    let format = match Format::parse(&extension) {
        Some(format @ (Format::Csv | Format::Xlsx | Format::GeoJson | Format::Gpkg)) => format,
        _ => return Err(ClusterError::Format(path.display().to_string())),
    };
    let terms = dictionary::renewal_areas();
    let columns: Vec<Column> = terms.iter().map(|term| super::export::column(term, format)).collect();
    let note = found.city.note_zh.as_deref().map(|note| format!("    {note}")).unwrap_or_default();
    let cover = Cover {
        title: format!("{}连片更新候选区域", found.city.name),
        source: format!("来源：{}产业用地登记册（landcycle）{note}", found.city.name),
        moment: format!(
            "评价基准日 {}    登记册版本 {}    评价批次 {}（{}）    连片距离 {} 米",
            found.run.as_of, found.revision, found.run.id, found.run.scheme, found.within_m
        ),
        crs: Some("EPSG:4490（CGCS2000）"),
        terms,
        shape: None,
    };
    let mut too_long = 0;
    let rows = found.areas.iter().map(|area| {
        let codes = area.parcels.join(" ");
        let is_too_long = format == Format::Xlsx && codes.len() > MOST_CHARACTERS;
        too_long += u64::from(is_too_long);
        let codes = Some(codes).filter(|_| !is_too_long);
        Ok::<Row, WriteError>((values(found, area, codes), Some(area.shape.clone())))
    });
    let layout = Layout { cover: Some(&cover), ..Layout::plain(format, "renewal-areas", &columns) };
    let written = write::table(path, &layout, rows)?;
    Ok((written, too_long))
}

fn values(found: &Found, area: &Area, codes: Option<String>) -> Vec<Value> {
    let cluster = &area.cluster;
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    vec![
        i64::from(cluster.rank).into(),
        cluster.code.as_str().into(),
        cluster.districts.iter().map(String::as_str).collect::<Vec<_>>().join(" ").into(),
        count(area.parcels.len()).into(),
        round(cluster.land_m2, 2).into(),
        round(SquareMetres(cluster.land_m2).to_mu().value(), 4).into(),
        count(cluster.holders.len()).into(),
        i64::try_from(cluster.without_holder).unwrap_or(i64::MAX).into(),
        mix(&cluster.by_list).into(),
        mix(&cluster.by_channel).into(),
        mix(&cluster.by_grade).into(),
        codes.into(),
        found.run.id.into(),
        found.run.as_of.into(),
        found.within_m.into(),
    ]
}

/// A mix as one text: `negotiated-purchase 3, recover 1`.
pub fn mix(of: &BTreeMap<impl AsRef<str>, u64>) -> String {
    let parts: Vec<String> = of.iter().map(|(word, count)| format!("{} {count}", word.as_ref())).collect();
    parts.join(", ")
}
