//! The check-up sheet of a result: explained, with names and a map of the day that the run judges. Nothing is stored.

use super::explain::explained;
use crate::domain::id::ParcelCode;
use crate::domain::moment::Moment;
use crate::exchange::checkup::{Checkup, page};
use crate::flow::refresh::RefreshError;
use crate::flow::standing;
use crate::store::review::explain::names;
use crate::store::{StoreError, city};
use sqlx::PgPool;

/// The page; nothing where the run has no result for the parcel.
pub async fn sheet(pool: &PgPool, run: i64, parcel: &str) -> Result<Option<String>, RefreshError> {
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let Some(found) = explained(&mut connection, run, parcel, None).await? else { return Ok(None) };
    let facts = &found.receipt.facts;
    let user = facts.user.as_ref().map(|user| user.code.as_str());
    let called = names(&mut connection, &facts.district, facts.park.as_deref(), user).await?;
    let city = city::read(&mut connection).await?.unwrap_or_default();
    drop(connection);
    // A parcel that was judged may have been corrected away since: then there is no map of it.
    let map = match ParcelCode::parse(parcel) {
        Ok(code) => standing::map(pool, &code, Moment::on(found.receipt.as_of)).await?,
        Err(_) => None,
    };
    let note = [city.note_zh.as_deref(), city.note_en.as_deref()].map(Option::unwrap_or_default);
    Ok(Some(page(&Checkup {
        city: &city.name,
        note,
        district: called.district.as_deref(),
        park: called.park.as_deref(),
        user: called.enterprise.as_deref(),
        run,
        is_published: found.state == "published",
        scheme: [&found.title[0], &found.title[1]],
        receipt: &found.receipt,
        hash: &found.hash,
        words: &found.words,
        map: map.as_deref(),
    })))
}
