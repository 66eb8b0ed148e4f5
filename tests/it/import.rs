//! `landcycle import` from outside: what becomes of rows, and that nothing half-done is ever seen.

mod bad;

use crate::support::{Town, parcel};

#[tokio::test]
async fn what_is_read_is_accepted_unchanged_or_refused() {
    let town = Town::settled().await;
    let file = town.geojson("parcels", &[parcel(1), parcel(4), parcel(4)]);
    assert_eq!(town.tally("parcels", &file), [3, 1, 1, 1]);
}
