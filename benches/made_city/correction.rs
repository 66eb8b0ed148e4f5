//! A correction of a parcel's use, written as an import writes it.

use landcycle::atlas::ParcelRef;
use landcycle::domain::id::ParcelCode;
use landcycle::domain::intake::Kind;
use landcycle::domain::parcel::{DEFAULT_LAND_USE_SCHEME, Parcel};
use landcycle::store::{self, copy::Rows, stage::Staging, write::Audit, write::Write};
use serde_json::json;
use sqlx::PgPool;

/// Stages a parcel with the first ring of its shape and a use that no other has; answers that use and the transaction,
/// which has still to be committed.
pub async fn begin(pool: &PgPool, parcel: ParcelRef<'_>) -> (String, Write) {
    let mut write = Write::begin(pool, "bench", "import-parcels").await.unwrap();
    let land_use = format!("NEW{}", write.revision);
    let ring = parcel.shape().rings().next().unwrap();
    let ring = ring.iter().map(|[x, y]| (*x, *y)).collect::<geo_types::LineString>();
    let shape = geo_types::MultiPolygon(vec![geo_types::Polygon::new(ring, vec![])]);
    let code = ParcelCode::parse(parcel.code()).unwrap();
    let corrected = Parcel {
        district: code.district(),
        code,
        park: parcel.park().map(str::to_owned),
        land_use: land_use.clone(),
        land_use_scheme: DEFAULT_LAND_USE_SCHEME.to_owned(),
        registered_area: None,
        plot_ratio_allowed: None,
        address: None,
        source_id: None,
        valid_from: None,
        valid_to: None,
    };
    let mut rows = Rows::default();
    store::parcel::stage(&mut rows, 0, 1, &corrected, parcel.area(), &shape);
    let mut staging = Staging::begin(&mut write, Kind::Parcels, false).await.unwrap();
    staging.send(&mut write, rows.bytes().to_vec()).await.unwrap();
    let refused = staging.check(write.connection()).await.unwrap();
    assert!(refused.is_empty(), "{refused:?}");
    assert_eq!(staging.merge(&mut write).await.unwrap().accepted, 1);
    (land_use, write)
}

/// Commits it.
pub async fn commit(write: Write) {
    write.commit(Audit { subject: "parcels".to_owned(), facts: json!({}) }).await.unwrap();
}
