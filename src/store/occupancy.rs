//! Occupancies: which enterprise uses which floor area of which parcel.

use super::StoreError;
use super::copy::Rows;
use super::doubt::{Doubt, Doubts};
use super::stage::{Merged, Refused, Row};
use super::versions::{check_versions, merge_versions};
use super::write::Write;
use crate::domain::occupancy::Occupancy;
use crate::domain::review::sharing::{Use, misstated};
use serde_json::json;
use sqlx::PgConnection;

/// Puts one row on its way in.
pub fn stage(rows: &mut Rows, file: i16, row: u64, it: &Occupancy) {
    let key = format!("{} {} {} {}", it.parcel, it.enterprise, it.role.name(), it.from);
    rows.row(file, row, &key)
        .text(it.parcel.as_str())
        .text(&it.enterprise)
        .text(it.role.name())
        .value(&it.from)
        .optional_date(it.to)
        .value(&it.floor_area.value())
        .value(&it.tax_is_local)
        .optional_number(it.share.as_ref().map(|stated| stated.share))
        .optional_text(it.share.as_ref().map(|stated| stated.reason.as_str()))
        .optional_date(it.validity.from)
        .optional_date(it.validity.to.or(it.to))
        .value(&it.validity.from.is_none())
        .value(&it.validity.is_period())
        .end();
}

/// Takes out the staged rows that refer to nothing.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<Refused>, StoreError> {
    let mut refused = Vec::new();
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_occupancy s where not exists (select from parcel t where t.code = s.parcel )
         returning s.file, s.row, s.key, s.parcel as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse("unknown-parcel", "parcel_code", "the code of a parcel in the register; import parcels first")
    }));
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_occupancy s where not exists (select from enterprise t where t.code = s.enterprise and upper_inf(t.recorded))
         returning s.file, s.row, s.key, s.enterprise as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse(
            "unknown-enterprise",
            "enterprise_code",
            "the code of an enterprise in the register; import enterprises first",
        )
    }));
    check_versions!(
        connection,
        refused,
        "occupancy",
        from "stage_occupancy",
        matching "t.parcel = s.parcel and t.enterprise = s.enterprise and t.role = s.role and t.began_on = s.from_on",
        same "o.parcel = t.parcel and o.enterprise = t.enterprise and o.role = t.role and o.began_on = t.began_on",
        first "s.from_on",
        kept "lower(t.valid)",
        lasting "s.valid_to",
        changed "t.floor_area_m2, t.tax_is_local, t.share, t.share_reason"
        to "s.floor_area_m2, s.tax_is_local, s.share, s.share_reason"
    );
    // What an event found and passed on is known; nothing else lasts on a parcel that has ended.
    let rows = sqlx::query_as!(
        Row,
        "delete from stage_occupancy s using parcel p, lineage_party y, lineage_event e, revision r
         where p.code = s.parcel and y.parcel_id = p.id and y.part = 'ended' and e.id = y.event and r.id = e.revision
           and (s.valid_to is null or s.valid_to > e.on_date)
           and not exists (
               select from occupancy t
               where t.parcel = s.parcel and t.enterprise = s.enterprise and t.role = s.role and t.began_on = s.from_on
                 and upper(t.recorded) = r.recorded_at and (s.corrects or t.from_on = s.valid_from)
                 and (t.to_on, t.floor_area_m2, t.tax_is_local, t.share, t.share_reason)
                     is not distinct from (s.valid_to, s.floor_area_m2, s.tax_is_local, s.share, s.share_reason))
         returning s.file, s.row, s.key, format('%s, ended on %s by %s (%s)', s.parcel, e.on_date, e.kind, e.document) as value"
    )
    .fetch_all(&mut *connection)
    .await?;
    refused.extend(rows.into_iter().map(|row| {
        row.refuse(
            "parcel-retired",
            "parcel_code",
            "a parcel that is law, or a use that ended with the parcel; landcycle lineage show names its successors",
        )
    }));
    Ok(refused)
}

/// Merges the staged rows.
pub(super) async fn merge(write: &mut Write) -> Result<Merged, StoreError> {
    // What passed the checks and outlasts its parcel is what the event that ended the parcel passed on.
    let known = sqlx::query!(
        "delete from stage_occupancy s using parcel p, lineage_party y, lineage_event e
         where p.code = s.parcel and y.parcel_id = p.id and y.part = 'ended' and e.id = y.event
           and (s.valid_to is null or s.valid_to > e.on_date)"
    )
    .execute(write.connection())
    .await?
    .rows_affected();
    let merged: Merged = merge_versions!(
        write,
        "occupancy",
        from "stage_occupancy",
        matching "t.parcel = s.parcel and t.enterprise = s.enterprise and t.role = s.role and t.began_on = s.from_on",
        changed "t.floor_area_m2, t.tax_is_local, t.share, t.share_reason"
        to "s.floor_area_m2, s.tax_is_local, s.share, s.share_reason",
        columns "parcel, enterprise, role, began_on, floor_area_m2, tax_is_local, share, share_reason",
        values "s.parcel, s.enterprise, s.role, s.from_on, s.floor_area_m2, s.tax_is_local, s.share, s.share_reason",
        days "from_on, to_on" as "lower(piece), upper(piece)"
    );
    Ok(merged.with_known(known))
}

/// The staged occupancies of enterprises whose stated shares make no whole at some time; at most `most` of them.
pub async fn misshared(connection: &mut PgConnection, most: usize) -> Result<Doubts, StoreError> {
    let rows = sqlx::query!(
        r#"select o.enterprise, o.from_on, o.to_on, o.floor_area_m2, o.tax_is_local, o.share,
               s.file as "file?", s.row as "row?", s.key as "key?"
           from occupancy o
           left join stage_occupancy s on s.parcel = o.parcel and s.enterprise = o.enterprise and s.role = o.role
               and s.from_on = o.began_on
           where upper_inf(o.recorded) and o.enterprise in (
               select t.enterprise from stage_occupancy t
               join occupancy u on u.enterprise = t.enterprise and upper_inf(u.recorded) and u.share is not null)
           order by o.enterprise collate "C", s.file, s.row, o.from_on"#
    )
    .fetch_all(connection)
    .await?;
    let mut doubts = Doubts::default();
    for own in rows.chunk_by(|a, b| a.enterprise == b.enterprise) {
        let uses: Vec<Use> = own
            .iter()
            .map(|row| Use {
                parcel: 0,
                enterprise: 0,
                floor_area_m2: row.floor_area_m2,
                from: row.from_on,
                to: row.to_on,
                tax_is_local: row.tax_is_local,
                stated: row.share,
            })
            .collect();
        // The place in the file at which it can be mended: the enterprise's first row there.
        let staged = own.iter().find_map(|row| Some((row.file?, row.row?, row.key.clone()?)));
        let Some((file, row, key)) = staged else { continue };
        for time in misstated(&uses) {
            doubts.all += 1;
            if doubts.kept.len() >= most {
                continue;
            }
            let percent = (time.sum * 1e4).round() / 100.0;
            let until = time.to.map_or_else(|| "on".to_owned(), |to| format!("to {to}"));
            let expected = format!(
                "shares of {} that sum to 100 from {} {until}; until they do, its figures are shared by floor area",
                own[0].enterprise, time.from
            );
            doubts.kept.push(Doubt {
                file,
                row,
                key: key.clone(),
                code: "shares-make-no-whole",
                field: "share_percent",
                value: percent.to_string(),
                expected,
                facts: vec![
                    ("enterprise", json!(own[0].enterprise)),
                    ("from", json!(time.from)),
                    ("to", json!(time.to)),
                ],
            });
        }
    }
    doubts.kept.sort_by_key(|doubt| (doubt.file, doubt.row));
    Ok(doubts)
}
