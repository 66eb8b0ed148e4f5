//! Parcels out of parcels: planned, looked at, done. One transaction reads the land and what lies on it, lets PostGIS lay
//! it out and the domain judge, and writes all of it or nothing.

mod burden;
mod land;
mod life;

use super::lockup::{self, RecordError};
use super::rules::{self, RulesError};
use crate::clock::Clock;
use crate::domain::finding::{Finding, Severity};
use crate::domain::id::ParcelCode;
pub use crate::domain::lineage::{Event, Kind, Plan, duty::Discharges};
use crate::domain::rulebook::keys;
pub use crate::exchange::drawing::DrawingError;
use crate::exchange::drawing::{self, Lot};
use crate::store::lineage::{self as register, Found, Heir};
use crate::store::write::{Audit, Write};
use crate::store::{self, StoreError};
use chrono::NaiveDate;
use geo_types::{MultiLineString, MultiPolygon};
use serde_json::json;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What is to happen to which parcels.
#[derive(Debug, Clone)]
pub struct Order {
    /// What.
    pub kind: Kind,
    /// To which; an adjustment names them in its drawing.
    pub parcels: Vec<String>,
    /// A GeoJSON file with the line of the cut.
    pub cut: Option<PathBuf>,
    /// A GeoJSON file with the new lots.
    pub into: Option<PathBuf>,
    /// The legal day.
    pub on: NaiveDate,
    /// The document it hangs on.
    pub document: String,
    /// Its cause; the document where nothing else is said.
    pub ground: Option<String>,
    /// Codes of the new parcels, in the order of the lots.
    pub codes: Vec<String>,
    /// Merge although the parcels do not touch.
    pub apart: bool,
    /// What is discharged, with its ground.
    pub discharges: Discharges,
    /// On which child a building stands that has no shape.
    pub buildings: BTreeMap<String, String>,
    /// Only plan.
    pub dry_run: bool,
}

/// Why an event was not made. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum LineageError {
    /// A rule says no; the plan says which.
    #[error("{}", refusal(.0))]
    Refused(Box<Plan>),
    /// The drawing says nothing that can be done.
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

fn refusal(plan: &Plan) -> String {
    let mut text = format!("{} refused, nothing was stored", plan.event.kind.name());
    for finding in plan.findings.iter().filter(|finding| finding.severity == Severity::Error).take(20) {
        text.push_str("\n  ");
        text.push_str(&finding.sentence());
    }
    text
}

/// What a drawing says.
enum Drawn {
    Cut(MultiLineString<f64>),
    Lots(Vec<Lot>),
    Nothing,
}

/// Plans an event and, unless it is only to be planned, makes it.
pub async fn act(pool: &PgPool, clock: Clock, actor: &str, order: &Order) -> Result<Plan, LineageError> {
    let drawn = match (&order.cut, &order.into) {
        (Some(path), _) => Drawn::Cut(drawing::cut(path)?),
        (None, Some(path)) => Drawn::Lots(drawing::lots(path)?),
        (None, None) => Drawn::Nothing,
    };
    let today = clock.today();
    let rulebook = rules::rulebook()?;
    let tolerance = rules::value(rulebook, keys::LINEAGE_TOLERANCE, today)?;
    let same_corner_m = rules::value(rulebook, keys::SAME_CORNER, today)?;
    let mut write = Write::begin(pool, actor, name_of_act(order.kind)).await?;
    lockup::record(&mut write).await?;
    let mut work = Work::new(order, drawn, tolerance, same_corner_m);
    work.plan.findings.extend(work.plan.event.check(today));
    work.find_parents(&mut write).await?;
    let (mut burden, mut lives) = (burden::Burden::default(), life::Lives::default());
    if work.may_go_on() {
        work.lay_out(&mut write).await?;
    }
    if work.may_go_on() {
        work.judge(&mut write).await?;
    }
    if work.may_go_on() {
        burden = work.weigh(&mut write).await?;
        lives = work.succeed(&mut write).await?;
    }
    if !work.may_go_on() {
        write.abandon().await?;
        return Err(LineageError::Refused(Box::new(work.plan)));
    }
    let Work { mut plan, heirs, .. } = work;
    let event = register::record(&mut write, &plan, &heirs).await?;
    burden.apply(&mut write, event, &plan).await?;
    // Whether locked land comes loose, or a project begins, shows when all of it stands.
    let refusals = store::lockup::judge(&mut write).await?;
    if !refusals.is_empty() || order.dry_run {
        write.abandon().await?;
        let name = plan.event.kind.name();
        plan.findings.extend(refusals.iter().map(|refusal| lockup::finding(refusal, name, None, &refusal.key)));
        return if refusals.is_empty() { Ok(plan) } else { Err(LineageError::Refused(Box::new(plan))) };
    }
    lives.apply(&mut write, event, &plan).await?;
    let share = rules::deciding_share(rulebook, today)?;
    store::place::refresh_tiers(&mut write, today, share).await?;
    let (parents, children) = (plan.parents.iter().map(|one| &one.code), plan.children.iter().map(|one| &one.code));
    let land: Vec<String> = parents.chain(children).cloned().collect();
    let least_share = rules::value(rulebook, keys::BUILDING_PART, today)?;
    store::building::stand(&mut write, store::building::Moved::Parcels(&land), today, least_share).await?;
    let codes = |of: Vec<&String>| json!(of);
    let facts = json!({
        "children": codes(plan.children.iter().map(|one| &one.code).collect()),
        "document": plan.event.document,
        "duties": plan.duties.len(),
        "event": event,
        "ground": plan.event.ground,
        "on": plan.event.on,
        "parents": codes(plan.parents.iter().map(|one| &one.code).collect()),
    });
    let subject = plan.parents.iter().map(|one| one.code.as_str()).collect::<Vec<_>>().join(" ");
    plan.revision = Some(write.commit(Audit { subject, facts }).await?);
    plan.id = Some(event);
    Ok(plan)
}

fn name_of_act(kind: Kind) -> &'static str {
    match kind {
        Kind::Split => "lineage-split",
        Kind::Merge => "lineage-merge",
        Kind::Adjust => "lineage-adjust",
        Kind::Retire => "lineage-retire",
    }
}

/// An event under way.
struct Work<'a> {
    order: &'a Order,
    drawn: Drawn,
    tolerance: f64,
    /// Within how many metres two corners are one.
    same_corner_m: f64,
    plan: Plan,
    /// The land of the parents, in their order.
    land: Vec<MultiPolygon<f64>>,
    heirs: Vec<Heir>,
}

impl<'a> Work<'a> {
    fn new(order: &'a Order, drawn: Drawn, tolerance: f64, same_corner_m: f64) -> Self {
        let event = Event {
            kind: order.kind,
            on: order.on,
            document: order.document.clone(),
            ground: order.ground.clone().unwrap_or_else(|| order.document.clone()),
        };
        let plan = Plan {
            event,
            id: None,
            revision: None,
            parents: Vec::new(),
            children: Vec::new(),
            links: Vec::new(),
            area_in_m2: 0.0,
            area_out_m2: 0.0,
            duties: Vec::new(),
            findings: Vec::new(),
        };
        Self { order, drawn, tolerance, same_corner_m, plan, land: Vec::new(), heirs: Vec::new() }
    }

    fn may_go_on(&self) -> bool {
        self.plan.findings.iter().all(|finding| finding.severity != Severity::Error)
    }

    fn refuse(&mut self, code: &'static str, key: &str, field: &'static str, value: &str, expected: impl Into<String>) {
        let finding = self.plan.event.finding(code, key, field, value, expected);
        self.plan.findings.push(finding);
    }

    fn warn(&mut self, code: &'static str, key: &str, field: &'static str, value: &str, expected: impl Into<String>) {
        let finding = self.plan.event.warning(code, key, field, value, expected);
        self.plan.findings.push(finding);
    }

    /// The codes that the order names, each once, well formed.
    fn named(&mut self) -> Vec<String> {
        let mut named = self.order.parcels.clone();
        if let (Kind::Adjust, Drawn::Lots(lots)) = (self.order.kind, &self.drawn) {
            named = lots.iter().filter_map(|lot| lot.code.clone()).collect();
            if named.len() < lots.len() {
                let without = (lots.len() - named.len()).to_string();
                self.refuse(
                    "code-missing",
                    "",
                    "parcel_code",
                    &without,
                    "the code of the parcel on every lot of an adjustment",
                );
            }
        }
        let mut codes = Vec::new();
        let mut seen = BTreeSet::new();
        for text in named {
            match ParcelCode::parse(&text) {
                Err(error) => self.refuse("bad-parcel-code", &text, "parcel_code", &text, error.to_string()),
                Ok(code) if !seen.insert(code.clone()) => {
                    self.refuse("repeated-parcel", code.as_str(), "parcel_code", code.as_str(), "each parcel once");
                }
                Ok(code) => codes.push(code.as_str().to_owned()),
            }
        }
        codes
    }

    /// Looks the parents up: law on the day, with nothing after it.
    async fn find_parents(&mut self, write: &mut Write) -> Result<(), StoreError> {
        let codes = self.named();
        let found = register::find(write.connection(), &codes, self.order.on).await?;
        for code in codes.iter().filter(|code| found.iter().all(|one| one.code != **code)) {
            self.refuse("unknown-parcel", code, "parcel_code", code, "the code of a parcel in the register");
        }
        for Found { code, law, later, ended, .. } in found {
            if let Some((kind, on)) = ended {
                let value = format!("{code}, ended on {on} by {}", kind.name());
                let expected = "a parcel that no event has ended; its successors: landcycle lineage show CODE";
                self.refuse("parcel-retired", &code, "parcel_code", &value, expected);
                continue;
            }
            if let Some(day) = later {
                let expected = "a day after the newest version of the parcel began";
                let value = format!("{}; a version begins on {day}", self.order.on);
                self.refuse("later-version", &code, "on", &value, expected);
            }
            match law {
                Some((parent, shape)) => {
                    self.plan.area_in_m2 += parent.area_m2;
                    self.plan.parents.push(parent);
                    self.land.push(shape);
                }
                None => {
                    let value = self.order.on.to_string();
                    self.refuse("not-law-that-day", &code, "on", &value, "a day on which the parcel is law");
                }
            }
        }
        if self.may_go_on() {
            let found: Vec<Finding> = self.plan.event.check_parents(&self.plan.parents);
            self.plan.findings.extend(found);
        }
        Ok(())
    }
}
