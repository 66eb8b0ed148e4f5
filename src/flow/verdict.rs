//! "What may happen here?": where the land stands is asked of the register, the rules of the day are looked up, and the
//! domain judges. The same answer goes to the command, the service and whatever proposes.

use super::names::{UnknownName, unknown_use};
use super::refresh::RefreshError;
use super::rules::{self, RulesError};
use super::standing::{self, Answer, Place};
use crate::domain::geometry;
use crate::domain::intake::Shape;
use crate::domain::land_use::UseClass;
use crate::domain::moment::Moment;
use crate::domain::parcel::DEFAULT_LAND_USE_SCHEME;
use crate::domain::quantity::SquareMetres;
use crate::domain::rulebook::keys;
use crate::domain::zoning::verdict::{Deed, DeedKind, Measures, Ruling, judge, worst_case};
use crate::exchange::drawing::{self, DrawingError};
use crate::store::{self, StoreError};
use chrono::NaiveDate;
use geo_types::MultiPolygon;
use sqlx::{PgConnection, PgPool};
use std::path::Path;

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What someone wants to do.
    pub deed: DeedKind,
    /// Where.
    pub place: Place,
    /// The code of the use that would be; of a parcel its own where nothing is said.
    pub to_use: Option<String>,
    /// The code of the use that is; of a parcel its own.
    pub from_use: Option<String>,
    /// The scheme of the codes.
    pub scheme: Option<String>,
    /// The lots that a division would leave, or the land of the base as it would be: without it, all locked land counts as
    /// freed.
    pub drawing: Option<Vec<MultiPolygon<f64>>>,
    /// The day whose law and plan count.
    pub on: NaiveDate,
}

/// The lots of a file that draws the land as it would be.
pub fn drawn(path: &Path) -> Result<Vec<MultiPolygon<f64>>, DrawingError> {
    Ok(drawing::lots(path)?.into_iter().map(|lot| lot.shape).collect())
}

/// Why there is no ruling.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The register could not be read.
    #[error(transparent)]
    Refresh(#[from] RefreshError),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The parcel is not law on the day.
    #[error("no parcel {code} is law on {on}")]
    NoParcel {
        /// Its code.
        code: String,
        /// The day.
        on: NaiveDate,
    },
    /// A use is not said.
    #[error("{deed} asks for the code of the use {which}; of an area nothing can be looked up")]
    NoUse {
        /// The deed.
        deed: &'static str,
        /// Which one.
        which: &'static str,
    },
    /// A drawing is of no use here.
    #[error("a drawing of the land as it would be goes with division and boundary-change; {0} has none")]
    NoDrawing(&'static str),
    /// The drawing is no land.
    #[error(
        "the drawing of the land as it would be: lot {lot} is {reason}; expected valid polygons in longitude and latitude"
    )]
    BadDrawing {
        /// Which lot, from 1.
        lot: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A use that its scheme does not have.
    #[error("{said}")]
    UnknownUse {
        /// Which field of the question names it.
        field: &'static str,
        /// What is wrong with it.
        said: Box<UnknownName>,
    },
    /// No rule reaches so far back.
    #[error("the rules of the two locks begin on a later day than {0}")]
    NoRule(NaiveDate),
}

impl From<StoreError> for AskError {
    fn from(error: StoreError) -> Self {
        Self::Refresh(error.into())
    }
}

/// A ruling with what it rests on.
#[derive(Debug, Clone)]
pub struct Ruled {
    /// What was asked.
    pub deed: DeedKind,
    /// Where the land stands.
    pub answer: Answer,
    /// What the rules say.
    pub ruling: Ruling,
    /// Special approvals on record for this parcel and deed that are confirmed and not yet used.
    pub approvals: Vec<i64>,
}

/// Judges a deed.
pub async fn ask(pool: &PgPool, question: Question) -> Result<Ruled, AskError> {
    let Question { deed: kind, place, to_use, from_use, scheme, drawing, on } = question;
    let draws = matches!(kind, DeedKind::BoundaryChange | DeedKind::Division);
    if drawing.is_some() && !draws {
        return Err(AskError::NoDrawing(kind.name()));
    }
    if rules::lockup()?.turns().first().is_none_or(|first| on < *first) {
        return Err(AskError::NoRule(on));
    }
    // Use, standing and approvals are those of one moment of the register.
    let mut held = store::standing::hold(pool).await?;
    let (mut own, mut approvals) = (None, Vec::new());
    if let Place::Parcel(code) = &place {
        own = store::approval::parcel_on(&mut held, code, on).await?;
        let mut on_record = store::approval::list(&mut held, None).await?;
        on_record.retain(|one| one.subject == *code && one.deed == approval_of(kind) && one.state == "confirmed");
        approvals = on_record.into_iter().map(|one| one.id).collect();
    }
    let no_parcel = |place: &Place| match place {
        Place::Parcel(code) => AskError::NoParcel { code: code.clone(), on },
        // Only a parcel can fail to be law.
        Place::Area(_) | Place::Point(_) => AskError::NoRule(on),
    };
    let rule = standing::rule(rules::rulebook()?, on)?;
    let answer = standing::answer(&mut held, place.clone(), Moment::on(on), rule).await?;
    let answer = answer.ok_or_else(|| no_parcel(&place))?;
    let freed = match (&drawing, &answer.shape) {
        (Some(lots), Some(shape)) => freed(&mut held, shape, lots, kind, on).await?,
        _ => answer.standing.locked.area_m2,
    };
    held.commit().await.map_err(StoreError::from)?;
    let (own_use, own_scheme) = own.map(|(_, land_use, scheme)| (land_use, scheme)).unzip();
    let uses = rules::land_uses()?;
    let scheme_of = |of_parcel: &Option<String>| {
        let said = scheme.clone().or_else(|| of_parcel.clone());
        said.unwrap_or_else(|| DEFAULT_LAND_USE_SCHEME.to_owned())
    };
    let class = |said: &Option<String>, which| -> Result<UseClass, AskError> {
        match (said, &own_use) {
            (Some(code), _) => Ok(uses.class(&scheme_of(&own_scheme), code)),
            (None, Some(code)) => Ok(uses.class(own_scheme.as_deref().unwrap_or(DEFAULT_LAND_USE_SCHEME), code)),
            (None, None) => Err(AskError::NoUse { deed: kind.name(), which }),
        }
    };
    for (field, said) in [("use", &to_use), ("from_use", &from_use)] {
        let Some(code) = said else { continue };
        if let Some(said) = unknown_use(&scheme_of(&own_scheme), code)? {
            return Err(AskError::UnknownUse { field, said: Box::new(said) });
        }
    }
    let changing = || -> Result<(UseClass, UseClass), AskError> {
        let to = to_use.as_ref().map(|code| uses.class(&scheme_of(&own_scheme), code));
        let to = to.ok_or(AskError::NoUse { deed: kind.name(), which: "that would be" })?;
        Ok((class(&from_use, "that is")?, to))
    };
    let deed = match kind {
        DeedKind::NewProject => Deed::NewProject { to: class(&to_use, "that would be")? },
        DeedKind::Continuation => Deed::Continuation { to: class(&to_use, "that would be")? },
        DeedKind::OwnWorks => Deed::OwnWorks { to: class(&to_use, "that would be")? },
        DeedKind::ChangeOfUse => changing().map(|(from, to)| Deed::ChangeOfUse { from, to })?,
        DeedKind::Renewal => changing().map(|(from, to)| Deed::Renewal { from, to })?,
        DeedKind::BoundaryChange => Deed::BoundaryChange { freed },
        DeedKind::Division => Deed::Division { freed },
    };
    let mut ruling = judge(rules::lockup()?, &measures(on)?, &deed, &answer.standing).ok_or(AskError::NoRule(on))?;
    if draws && drawing.is_none() && freed.value() > 0.0 {
        ruling.remarks.push(worst_case(freed));
    }
    Ok(Ruled { deed: kind, answer, ruling, approvals })
}

/// Locked land of a shape that would lie loose if it were drawn anew so.
async fn freed(
    held: &mut PgConnection,
    shape: &MultiPolygon<f64>,
    lots: &[MultiPolygon<f64>],
    kind: DeedKind,
    on: NaiveDate,
) -> Result<SquareMetres, AskError> {
    let bad = |at: usize, reason: &str| AskError::BadDrawing { lot: at + 1, reason: reason.to_owned() };
    for (at, lot) in lots.iter().enumerate() {
        let mut faults = Vec::new();
        if geometry::required_polygons(&Shape::Polygons(lot.clone()), &mut faults).is_none() {
            return Err(bad(at, faults.first().map_or("geometry-invalid", |fault| fault.code)));
        }
    }
    let lots: Vec<&MultiPolygon<f64>> = lots.iter().collect();
    for (at, (reason, _)) in store::lineage::judge_shapes(held, &lots).await?.into_iter().enumerate() {
        if let Some(reason) = reason {
            return Err(bad(at, &reason));
        }
    }
    Ok(SquareMetres(store::lockup::freed(held, shape, &lots, kind == DeedKind::Division, on).await?))
}

/// Which kind of approval lets a deed be done.
fn approval_of(deed: DeedKind) -> &'static str {
    match deed {
        DeedKind::BoundaryChange => DeedKind::BoundaryChange.name(),
        DeedKind::Division => DeedKind::Division.name(),
        _ => DeedKind::ChangeOfUse.name(),
    }
}

/// The figures of the rulebook on a day. Before there was a rule on compensating land, none was asked for.
pub fn measures(day: NaiveDate) -> Result<Measures, RulesError> {
    let rulebook = rules::rulebook()?;
    let compensation = rulebook.on(keys::LOCKUP_COMPENSATION, day);
    Ok(Measures {
        tolerance_m2: SquareMetres(rules::value(rulebook, keys::LOCKUP_TOLERANCE, day)?),
        compensation_share: compensation.map_or(0.0, |value| value.value),
    })
}
