//! Special approvals: one officer proposes, another confirms, and locked land may be taken once. What is wrong with a
//! proposal is said before the database refuses it.

use super::lockup::{self, RecordError};
use super::names::unknown_use;
use super::rules::RulesError;
use crate::clock::Clock;
use crate::domain::finding::{Fault, Finding};
use crate::domain::geometry;
use crate::domain::intake::Shape;
use crate::domain::parcel::DEFAULT_LAND_USE_SCHEME;
use crate::domain::zoning::verdict::DeedKind;
use crate::exchange::drawing::{self, DrawingError};
use crate::store::approval::{self as register, Approval, Proposal};
use crate::store::write::{Audit, Write};
use crate::store::{self, StoreError};
use chrono::NaiveDate;
use geo_types::MultiPolygon;
use serde_json::json;
use sqlx::PgPool;
use std::path::{Path, PathBuf};

/// The land that an approval is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Land {
    /// A parcel, by its code.
    Parcel(String),
    /// A zone, by its code.
    Zone(String),
    /// An area of a GeoJSON file.
    Area(PathBuf),
}

/// What is proposed.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The deed it would let be done.
    pub deed: DeedKind,
    /// On which land.
    pub land: Land,
    /// The use that it would become, for a change of use.
    pub to_use: Option<String>,
    /// The scheme of that use.
    pub scheme: Option<String>,
    /// Why.
    pub ground: String,
    /// The document that says so.
    pub document: String,
    /// Its day.
    pub decided_on: NaiveDate,
    /// A GeoJSON file of the compensating land.
    pub compensation: Option<PathBuf>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    /// A rule says no.
    #[error("{}", .0.sentence())]
    Refused(Box<Finding>),
    /// A drawing cannot be read.
    #[error(transparent)]
    Drawing(#[from] DrawingError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rules could not be had.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The rules could not be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
}

fn refuse(key: &str, code: &'static str, field: &'static str, value: &str, expected: &str) -> ApprovalError {
    let finding = Fault::error(code, Some(field), Some(value), expected).at("special approval", None, Some(key));
    ApprovalError::Refused(Box::new(finding))
}

/// Proposes an approval.
pub async fn propose(pool: &PgPool, clock: Clock, actor: &str, order: &Order) -> Result<Approval, ApprovalError> {
    let subject = match &order.land {
        Land::Parcel(code) | Land::Zone(code) => code.clone(),
        Land::Area(path) => path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
    };
    let refuse = |code, field, value: &str, expected: &str| refuse(&subject, code, field, value, expected);
    let deeds = [DeedKind::ChangeOfUse, DeedKind::Division, DeedKind::BoundaryChange];
    if !deeds.contains(&order.deed) {
        let expected = "change-of-use, division or boundary-change: no other deed is open to a special approval";
        return Err(refuse("no-such-approval", "deed", order.deed.name(), expected));
    }
    if order.decided_on > clock.today() {
        let expected = "the day of the document, today at the latest";
        return Err(refuse("decided-in-future", "decided_on", &order.decided_on.to_string(), expected));
    }
    for (field, text) in [("ground", &order.ground), ("document", &order.document)] {
        if text.trim().is_empty() {
            return Err(refuse("missing-value", field, "", "what the approval rests on"));
        }
    }
    if (order.deed == DeedKind::ChangeOfUse) != order.to_use.is_some() {
        let expected = "the code of the use that the land becomes, with a change of use and with nothing else";
        return Err(refuse("missing-use", "use", order.to_use.as_deref().unwrap_or(""), expected));
    }
    let mut write = Write::begin(pool, actor, "propose-approval").await?;
    lockup::record(&mut write).await?;
    let (shape, own_scheme) = land(&mut write, order).await?.ok_or_else(|| {
        refuse(
            "not-law-that-day",
            "decided_on",
            &order.decided_on.to_string(),
            "land that is law on the day of the document",
        )
    })?;
    let compensation = match &order.compensation {
        Some(path) => Some(drawn(&mut write, path, &refuse).await?),
        None => None,
    };
    let scheme = order.scheme.clone().or(own_scheme).unwrap_or_else(|| DEFAULT_LAND_USE_SCHEME.to_owned());
    if let Some(code) = &order.to_use
        && let Some(unknown) = unknown_use(&scheme, code)?
    {
        return Err(refuse("unknown-use", "use", code, &unknown.to_string()));
    }
    let proposal = Proposal {
        deed: order.deed.name().to_owned(),
        subject: subject.clone(),
        to_use: order.to_use.clone().map(|code| (code, scheme)),
        ground: order.ground.clone(),
        document: order.document.clone(),
        decided_on: order.decided_on,
        shape,
        compensation,
    };
    let measured = register::measure(write.connection(), &proposal).await?;
    if measured.area_m2 <= 0.0 {
        let expected = "land of a locked base on the day of the document; nothing else needs a special approval";
        return Err(refuse("nothing-locked", "geometry", "0 m²", expected));
    }
    if measured.compensation_m2 < measured.required_m2 {
        let expected = format!(
            "at least {:.1} m² of land that is not locked already and not part of what is taken (--compensation)",
            measured.required_m2
        );
        let value = format!("{:.1} m²", measured.compensation_m2);
        return Err(refuse("compensation-too-small", "compensation", &value, &expected));
    }
    let id = register::propose(&mut write, actor, &proposal).await?;
    finish(write, id, "proposed").await
}

async fn land(write: &mut Write, order: &Order) -> Result<Option<(MultiPolygon<f64>, Option<String>)>, ApprovalError> {
    let day = order.decided_on;
    Ok(match &order.land {
        Land::Parcel(code) => {
            register::parcel_on(write.connection(), code, day).await?.map(|(shape, _, scheme)| (shape, Some(scheme)))
        }
        Land::Zone(code) => register::zone_on(write.connection(), code, day).await?.map(|shape| (shape, None)),
        Land::Area(path) => {
            let name = path.display().to_string();
            let shape = drawn(write, path, &|code, field, value: &str, expected: &str| {
                refuse(&name, code, field, value, expected)
            })
            .await?;
            Some((shape, None))
        }
    })
}

/// The polygons of a drawing as one shape without a fault.
async fn drawn(
    write: &mut Write,
    path: &Path,
    refuse: &(dyn Fn(&'static str, &'static str, &str, &str) -> ApprovalError + Sync),
) -> Result<MultiPolygon<f64>, ApprovalError> {
    let lots = drawing::lots(path)?;
    let shapes: Vec<&MultiPolygon<f64>> = lots.iter().map(|lot| &lot.shape).collect();
    for shape in &shapes {
        let mut faults = Vec::new();
        if geometry::required_polygons(&Shape::Polygons((*shape).clone()), &mut faults).is_none() {
            let reason = faults.first().map_or("geometry-invalid", |fault| fault.code);
            return Err(refuse(reason, "geometry", &path.display().to_string(), "a valid polygon"));
        }
    }
    for (reason, _) in store::lineage::judge_shapes(write.connection(), &shapes).await? {
        if let Some(reason) = reason {
            return Err(refuse("geometry-invalid", "geometry", &reason, "a valid polygon"));
        }
    }
    // As it is drawn: nothing is measured against another drawing of the same corners.
    Ok(store::lineage::union(write.connection(), &shapes, 0.0).await?)
}

/// Confirms a proposal of someone else.
pub async fn confirm(pool: &PgPool, actor: &str, id: i64) -> Result<Approval, ApprovalError> {
    let mut write = Write::begin(pool, actor, "confirm-approval").await?;
    let found = find(&mut write, id).await?;
    if found.state != "proposed" {
        return Err(refuse(&id.to_string(), "not-proposed", "id", &found.state, "an approval that is only proposed"));
    }
    if register::is_proposed_by(write.connection(), id, actor).await? {
        let expected = "another officer than the one who proposed it";
        return Err(refuse(&id.to_string(), "same-officer", "actor", actor, expected));
    }
    register::confirm(&mut write, actor, id).await?;
    finish(write, id, "confirmed").await
}

/// Withdraws an approval that was not used.
pub async fn withdraw(pool: &PgPool, actor: &str, id: i64) -> Result<Approval, ApprovalError> {
    let mut write = Write::begin(pool, actor, "withdraw-approval").await?;
    let found = find(&mut write, id).await?;
    if !["proposed", "confirmed"].contains(&found.state.as_str()) {
        let expected = "an approval that is neither used nor withdrawn";
        return Err(refuse(&id.to_string(), "approval-at-its-end", "id", &found.state, expected));
    }
    register::withdraw(&mut write, actor, id).await?;
    finish(write, id, "withdrawn").await
}

async fn find(write: &mut Write, id: i64) -> Result<Approval, ApprovalError> {
    let found = register::list(write.connection(), Some(id)).await?.into_iter().next();
    found.ok_or_else(|| {
        let expected = "the number of an approval; landcycle lockup approve list has them";
        refuse(&id.to_string(), "unknown-approval", "id", &id.to_string(), expected)
    })
}

async fn finish(mut write: Write, id: i64, what: &str) -> Result<Approval, ApprovalError> {
    let approval = find(&mut write, id).await?;
    let facts = json!({
        "approval": id,
        "area_m2": approval.area_m2,
        "compensation_m2": approval.compensation_m2,
        "deed": approval.deed,
        "document": approval.document,
        "state": what,
    });
    write.commit(Audit { subject: approval.subject.clone(), facts }).await?;
    Ok(approval)
}
