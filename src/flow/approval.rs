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
use sqlx::{PgConnection, PgPool};
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
    /// The land of a contract that was found late, by its number.
    Contract(String),
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
        Land::Parcel(code) | Land::Zone(code) | Land::Contract(code) => code.clone(),
        Land::Area(path) => path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
    };
    let refuse = |code, field, value: &str, expected: &str| refuse(&subject, code, field, value, expected);
    let deeds = [DeedKind::ChangeOfUse, DeedKind::Division, DeedKind::BoundaryChange, DeedKind::Continuation];
    if !deeds.contains(&order.deed) {
        let expected =
            "change-of-use, division, boundary-change or continuation: no other deed is open to a special approval";
        return Err(refuse("no-such-approval", "deed", order.deed.name(), expected));
    }
    let is_of_contract = matches!(order.land, Land::Contract(_));
    if is_of_contract != (order.deed == DeedKind::Continuation) {
        let expected = "a contract (--contract) with continuation, and land with every other deed";
        return Err(refuse("wrong-land", "deed", order.deed.name(), expected));
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
    // Drawings are read before anything is locked: a large one holds up nobody.
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let area = match &order.land {
        Land::Area(path) => Some(drawn(&mut connection, path, &refuse).await?),
        Land::Parcel(_) | Land::Zone(_) | Land::Contract(_) => None,
    };
    let compensation = match &order.compensation {
        Some(path) => Some(drawn(&mut connection, path, &refuse).await?),
        None => None,
    };
    drop(connection);
    let mut write = Write::begin(pool, actor, "propose-approval").await?;
    lockup::record(&mut write).await?;
    let found = match &order.land {
        Land::Contract(number) => found_late(&mut write, number).await?,
        Land::Parcel(_) | Land::Zone(_) | Land::Area(_) => land(&mut write, order, area).await?.ok_or_else(|| {
            let expected = "land that is law on the day of the document";
            refuse("not-law-that-day", "decided_on", &order.decided_on.to_string(), expected)
        })?,
    };
    let Found { shape, scheme: own_scheme, holder } = found;
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
        holder,
    };
    if is_of_contract {
        let id = register::propose(&mut write, actor, &proposal).await?;
        return finish(write, id, "proposed").await;
    }
    let measured = register::measure(write.connection(), &proposal).await?;
    if measured.area_m2 <= 0.0 {
        let expected = "land of a locked base on the day of the document; nothing else needs a special approval";
        return Err(refuse("nothing-locked", "geometry", "0 m²", expected));
    }
    if measured.compensation_m2 < measured.required_m2 {
        let expected = format!(
            "at least {:.1} m² of land in industrial use that is not locked already, not part of what is taken and given for \
             no other approval (--compensation)",
            measured.required_m2
        );
        let value = format!("{:.1} m²", measured.compensation_m2);
        return Err(refuse("compensation-too-small", "compensation", &value, &expected));
    }
    let id = register::propose(&mut write, actor, &proposal).await?;
    finish(write, id, "proposed").await
}

/// The land that an approval is about, with what the register says of it.
struct Found {
    shape: MultiPolygon<f64>,
    scheme: Option<String>,
    holder: Option<String>,
}

async fn land(
    write: &mut Write,
    order: &Order,
    area: Option<MultiPolygon<f64>>,
) -> Result<Option<Found>, ApprovalError> {
    let day = order.decided_on;
    Ok(match &order.land {
        Land::Parcel(code) => register::parcel_on(write.connection(), code, day)
            .await?
            .map(|(shape, _, scheme)| Found { shape, scheme: Some(scheme), holder: None }),
        Land::Zone(code) => register::zone_on(write.connection(), code, day).await?.map(|shape| Found {
            shape,
            scheme: None,
            holder: None,
        }),
        Land::Area(_) | Land::Contract(_) => area.map(|shape| Found { shape, scheme: None, holder: None }),
    })
}

/// The contract from before the second lock that is to make its holder a stock owner.
async fn found_late(write: &mut Write, number: &str) -> Result<Found, ApprovalError> {
    let found = register::contract_on_record(write.connection(), number).await?;
    match found {
        None => Err(refuse(number, "unknown-contract", "contract", number, "a contract on record with its parcel")),
        Some(found) if !found.is_old => {
            let expected = "a contract from before the second lock; any other is judged by itself";
            Err(refuse(number, "not-before-the-rule", "signed_on", &found.signed_on.to_string(), expected))
        }
        Some(found) => Ok(Found { shape: found.shape, holder: found.holder, scheme: None }),
    }
}

/// The polygons of a drawing as one shape without a fault.
async fn drawn(
    connection: &mut PgConnection,
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
    for (reason, _) in store::lineage::judge_shapes(&mut *connection, &shapes).await? {
        if let Some(reason) = reason {
            return Err(refuse("geometry-invalid", "geometry", &reason, "a valid polygon"));
        }
    }
    // As it is drawn: nothing is measured against another drawing of the same corners.
    Ok(store::lineage::union(connection, &shapes, 0.0).await?)
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
