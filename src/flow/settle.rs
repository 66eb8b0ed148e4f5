//! What follows from rows that were merged: where buildings stand now, and what someone should look at. Part of the
//! import's one transaction; it refuses nothing.

use super::import::ImportError;
use super::remark;
use super::rules;
use crate::domain::intake::Kind;
use crate::domain::plausibility::Doubt;
use crate::domain::rulebook::keys;
use crate::exchange::receipt::FINDINGS_KEPT;
use crate::store::building::{Moved, stand};
use crate::store::doubt::Doubts;
use crate::store::write::Write;
use crate::store::{building, occupancy, performance, zoning};
use chrono::NaiveDate;

/// Brings what hangs on the merged rows up to date, and answers the doubts.
pub async fn settle(write: &mut Write, kind: Kind, today: NaiveDate) -> Result<Doubts, ImportError> {
    let most = i64::try_from(FINDINGS_KEPT).unwrap_or(i64::MAX);
    match kind {
        Kind::Buildings | Kind::Parcels => {
            let moved = if kind == Kind::Parcels { Moved::WrittenParcels } else { Moved::StagedBuildings };
            let least_share = rules::least_building_part(rules::rulebook()?, today)?;
            stand(write, moved, today, least_share).await?;
            return if kind == Kind::Buildings {
                Ok(building::misplaced(write.connection(), most).await?)
            } else {
                Ok(remark::overlaps(write, today).await?)
            };
        }
        Kind::Zones => {
            let rulebook = rules::rulebook()?;
            let allowed = rules::value(rulebook, keys::CHECK_OVERLAP, today)?;
            let share = rules::deciding_share(rulebook, today)?;
            let mut doubts = zoning::overlapping(write.connection(), allowed, most).await?;
            doubts.add(zoning::ending(write.connection(), today, share, FINDINGS_KEPT).await?);
            return Ok(doubts);
        }
        Kind::PlanUnits => {
            let allowed = rules::value(rules::rulebook()?, keys::CHECK_OVERLAP, today)?;
            return Ok(zoning::overlapping_plan_units(write.connection(), allowed, most).await?);
        }
        Kind::Occupancies => return Ok(occupancy::misshared(write.connection(), FINDINGS_KEPT).await?),
        Kind::Returns => {
            if let Some(limit) = rules::plausibility()?.limit(Doubt::FigureJumps) {
                return Ok(performance::jumps(write.connection(), limit, most).await?);
            }
        }
        _ => {}
    }
    Ok(Doubts::default())
}
