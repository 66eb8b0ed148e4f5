//! Whether a parcel's plot ratio may rise: its facts are read in one moment, the rules answer. And what districts set
//! about the procedure.

use crate::domain::basis::Citation;
use crate::domain::plot_ratio::rise::{
    Figure, NEIGHBOUR_MIDDLE, Reference, Ruling, SIMPLIFIED_PROCEDURE, SameArea, Situation, may,
};
use crate::domain::quantity::PlotRatio;
use crate::domain::rulebook::{Rulebook, keys};
use crate::flow::names::{UnknownName, unknown_district};
use crate::flow::rules::{self, RulesError};
use crate::store::district_setting::{self, Setting};
use crate::store::write::{Audit, Write};
use crate::store::{self, StoreError};
use chrono::NaiveDate;
use serde_json::json;
use sqlx::PgPool;

/// Why there is no answer, or nothing was set.
#[derive(Debug, thiserror::Error)]
pub enum RiseError {
    /// No such parcel on the day.
    #[error(
        "parcel {code} is not law on {day}: there is none of that code in the register, or it has ended or not begun"
    )]
    NotLaw {
        /// The code.
        code: String,
        /// The day.
        day: NaiveDate,
    },
    /// No plot ratio.
    #[error("a plot ratio of {0} cannot be asked for; expected a number above 0 and at most 20")]
    Ratio(f64),
    /// No such district.
    #[error(transparent)]
    NoName(#[from] UnknownName),
    /// Without a document nothing is set.
    #[error("a setting rests on a document; name it with --document")]
    NoDocument,
    /// Days that make no period.
    #[error("the setting ends on {to} and begins on {from}; expected an end after the beginning")]
    Period {
        /// The first day.
        from: NaiveDate,
        /// The first day after the last.
        to: NaiveDate,
    },
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RiseError {
    /// Whether the question is at fault rather than the machine.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Rules(_) | Self::Store(_))
    }
}

/// A ruling with what it rests on.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The revision whose facts these are.
    pub revision: i64,
    /// The parcel.
    pub parcel: String,
    /// Its district.
    pub district: String,
    /// Its use.
    pub land_use: String,
    /// Which plots are of the same area.
    pub same_area: SameArea,
    /// The facts.
    pub situation: Situation,
    /// The ruling.
    pub ruling: Ruling,
    /// Where its rule was read.
    pub citation: Citation,
    /// The version of the rules.
    pub version: String,
}

/// No plot ratio comes near it; what is above is a slip of the pen.
const MOST_RATIO: f64 = 20.0;

/// Rules on a rise of a parcel to a plot ratio, by the law and rules of a day.
pub async fn rise(pool: &PgPool, code: &str, to: PlotRatio, day: NaiveDate) -> Result<Answer, RiseError> {
    if !(to.value() > 0.0 && to.value() <= MOST_RATIO) {
        return Err(RiseError::Ratio(to.value()));
    }
    let rulebook = rules::rulebook()?;
    // How far a neighbourhood reaches is a way of reading the map, so it holds on any day.
    let within_m = rules::value(rulebook, keys::NEIGHBOUR_METRES, day)?;
    let basis = rules::rise()?;
    let is_middle = basis.value(NEIGHBOUR_MIDDLE, day).map_err(rules::of_rise)? > 0.0;
    let office: Vec<(&str, &str)> = rules::land_uses()?.office_and_commerce().collect();
    let found = store::plot_ratio::rise::read(pool, code, day, &office, within_m).await?;
    let land = found.ok_or_else(|| RiseError::NotLaw { code: code.to_owned(), day })?;
    // A code means something in its scheme only.
    let in_scheme = land.land_use_scheme.starts_with("GB50137");
    let reference = rulebook.plot_ratio_reference(&land.land_use, day).filter(|_| in_scheme).map(|value| Reference {
        ratio: PlotRatio(value.value),
        effective_from: value.effective_from,
        source: value.source.clone(),
    });
    let situation = Situation {
        day,
        to,
        has_class: in_scheme && Rulebook::plot_ratio_class(&land.land_use).is_some(),
        is_new: land.is_new,
        contract: land.contract,
        plan: land.plan,
        reference,
        neighbours: land.neighbours,
        neighbours_by: if is_middle { Figure::Middle } else { Figure::Mean },
        procedure: land.procedure,
    };
    let ruling = may(&situation);
    let rule = ruling.rule.code();
    let citation = basis.on(rule, day).ok_or_else(|| rules::of_rise(basis.lacks(rule)))?.clone();
    Ok(Answer {
        version: basis.version.clone(),
        citation,
        revision: land.revision,
        parcel: code.to_owned(),
        district: land.district,
        land_use: land.land_use,
        same_area: land.same_area,
        situation,
        ruling,
    })
}

/// Sets whether a district has a simplified procedure, from a day on or up to another. Answers the revision; nothing where
/// the register said so already.
pub async fn set_procedure(
    pool: &PgPool,
    actor: &str,
    district: &str,
    is_open: bool,
    from: NaiveDate,
    to: Option<NaiveDate>,
    document: &str,
) -> Result<Option<i64>, RiseError> {
    let document = document.trim();
    if document.is_empty() {
        return Err(RiseError::NoDocument);
    }
    if let Some(to) = to.filter(|to| *to <= from) {
        return Err(RiseError::Period { from, to });
    }
    // Districts are never taken out of the register, so none goes away before it is written.
    if let Some(unknown) = unknown_district(pool, Some(district)).await? {
        return Err(unknown.into());
    }
    let mut write = Write::begin(pool, actor, "set-district").await?;
    let setting = Setting {
        district: district.to_owned(),
        key: SIMPLIFIED_PROCEDURE.to_owned(),
        is_open,
        from: Some(from),
        to,
        document: document.to_owned(),
        recorded_at: None,
    };
    if !district_setting::set(&mut write, &setting).await? {
        write.abandon().await?;
        return Ok(None);
    }
    let facts =
        json!({ "document": document, "from": from, "is_open": is_open, "key": SIMPLIFIED_PROCEDURE, "to": to });
    Ok(Some(write.commit(Audit { subject: format!("district {district}"), facts }).await?))
}

/// What districts have set about the procedure, one of them or all, and at least which revision it is of.
pub async fn procedures(pool: &PgPool, district: Option<&str>) -> Result<(i64, Vec<Setting>), RiseError> {
    if let Some(unknown) = unknown_district(pool, district).await? {
        return Err(unknown.into());
    }
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let revision = store::write::head(&mut connection).await?;
    Ok((revision, district_setting::list(&mut connection, district).await?))
}
