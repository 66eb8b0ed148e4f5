//! Parcels into a register that has none go another way than into one that has some; nobody can tell by the outcome.

use chrono::NaiveDate;
use geo_types::{LineString, MultiPolygon, Polygon, Rect};
use landcycle::domain::geometry::area;
use landcycle::domain::id::ParcelCode;
use landcycle::domain::intake::Kind;
use landcycle::domain::parcel::{DEFAULT_LAND_USE_SCHEME, Parcel};
use landcycle::domain::quantity::{PlotRatio, SquareMetres};
use landcycle::store::{self, copy::Rows, stage::Staging, write::Audit, write::Write};
use serde_json::{Value, json};

use crate::support::{Town, feature, parcel, square};

/// A row as it is on its way in: its number, the parcel, its shape.
type Sent = (u32, Parcel, MultiPolygon<f64>);

fn sent(row: u32, number: u32) -> Sent {
    let code = ParcelCode::parse(&crate::support::parcel_code(number)).unwrap();
    let (west, south) = (121.45 + f64::from(row % 50) * 0.001, 31.05 + f64::from(row / 50) * 0.001);
    let shape = MultiPolygon(vec![Rect::new((west, south), (west + 0.0009, south + 0.0009)).to_polygon()]);
    let parcel = Parcel {
        district: code.district(),
        code,
        park: None,
        land_use: ["M1", "M4"][row as usize % 2].to_owned(),
        land_use_scheme: DEFAULT_LAND_USE_SCHEME.to_owned(),
        registered_area: (!row.is_multiple_of(3)).then(|| SquareMetres(f64::from(row) * 1_234.567_89)),
        plot_ratio_allowed: (!row.is_multiple_of(4)).then_some(PlotRatio(1.0 + f64::from(row) / 10.0)),
        address: (!row.is_multiple_of(5)).then(|| format!("秀浦路{row}号\t\\后门")),
        source_id: (row.is_multiple_of(7)).then(|| format!("DK-{row}")),
        valid_from: NaiveDate::from_ymd_opt(1990 + row.cast_signed(), 2, 28).filter(|_| !row.is_multiple_of(2)),
        valid_to: None,
    };
    (row, parcel, shape)
}

/// Good rows, and one of every kind that has to be looked at, refused or not.
fn rows() -> Vec<Sent> {
    let mut all: Vec<Sent> = (1..=40).map(|row| sent(row, row)).collect();
    // A ring that crosses itself.
    let bow = vec![(121.5, 31.1), (121.501, 31.101), (121.501, 31.1), (121.5, 31.101), (121.5, 31.1)];
    all[4].2 = MultiPolygon(vec![Polygon::new(LineString::from(bow), vec![])]);
    // Another town's land, another district, a park that nobody knows.
    all[9].2 = MultiPolygon(vec![Rect::new((120.0, 30.0), (120.001, 30.001)).to_polygon()]);
    all[14].1.district = landcycle::domain::id::DistrictCode::parse("310101").unwrap();
    all[19].1.park = Some("nowhere".to_owned());
    // Keys that come twice: after a good row, after one that is looked at, after one that is refused.
    all[24] = sent(25, 3);
    let hole = Rect::new((121.4601, 31.0701), (121.4602, 31.0702)).to_polygon().exterior().clone();
    let outer = Rect::new((121.46, 31.07), (121.461, 31.071)).to_polygon().exterior().clone();
    all[29].2 = MultiPolygon(vec![Polygon::new(outer, vec![hole])]);
    all[30] = sent(31, 30);
    all[31] = sent(32, 5);
    // Days of its own, which end.
    all[35].1.valid_from = NaiveDate::from_ymd_opt(2010, 1, 1);
    all[35].1.valid_to = NaiveDate::from_ymd_opt(2015, 1, 1);
    // Across the border, with a corner outside.
    all[37].2 = MultiPolygon(vec![Rect::new((121.399_5, 31.05), (121.400_5, 31.051)).to_polygon()]);
    all
}

/// Imports the rows in three pieces; answers how many were taken, what was refused, and what the register holds.
async fn imported(town: &Town) -> (u64, Vec<String>, Vec<Value>) {
    let pool = store::connect(&town.database.url, "city_310000").await.unwrap();
    let mut write = Write::begin(&pool, "test", "import-parcels").await.unwrap();
    let mut staging = Staging::begin(&mut write, Kind::Parcels, false).await.unwrap();
    for piece in rows().chunks(15) {
        let mut rows = Rows::default();
        for (row, it, shape) in piece {
            store::parcel::stage(&mut rows, 0, u64::from(*row), it, SquareMetres(area(shape).value().max(1.0)), shape);
        }
        staging.send(&mut write, rows.bytes().to_vec()).await.unwrap();
    }
    let refused = staging.check(write.connection()).await.unwrap();
    let refused = refused.iter().map(|it| format!("{} {} {} {}", it.row, it.key, it.code, it.field)).collect();
    let accepted = staging.merge(&mut write).await.unwrap().accepted;
    write.commit(Audit { subject: "parcels".to_owned(), facts: json!({}) }).await.unwrap();
    let held = town
        .values(
            "select to_jsonb(v) - 'id' - 'parcel_id' - 'recorded' - 'revision' || jsonb_build_object('code', p.code)
             from parcel_version v join parcel p on p.id = v.parcel_id
             where p.code <> '310115001001GB00900' order by p.code, v.valid",
        )
        .await;
    (accepted, refused, held)
}

async fn town_with(parcels: &[Value]) -> Town {
    let town = Town::empty().await;
    let district = feature(&json!({"code": "310115", "name": "浦东新区"}), &square(121.4, 31.0, 121.7, 31.4));
    town.takes("districts", &town.geojson("districts", &[district]));
    if !parcels.is_empty() {
        town.takes("parcels", &town.geojson("parcels", parcels));
    }
    town
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_parcels_of_a_register_are_judged_and_kept_like_all_others() {
    let (first, later) = (town_with(&[]).await, town_with(&[parcel(900)]).await);
    let found = imported(&first).await;
    let codes = ["geometry-self-intersection", "outside-city", "unknown-district", "unknown-park", "duplicate-key"];
    for code in codes {
        assert!(found.1.iter().any(|it| it.contains(code)), "{code}: {:?}", found.1);
    }
    assert_eq!((found.1.len(), found.2.len()), (6, 34));
    assert_eq!(found, imported(&later).await);
    // Numbers go on behind those that were given, and every index, reference and trigger is back.
    first.takes("parcels", &first.geojson("more", &[parcel(901)]));
    let (is, should_be): (String, String) = (made(&first).await, made(&later).await);
    assert_eq!(is, should_be);
}

async fn made(town: &Town) -> String {
    town.value(
        "select string_agg(line, E'\\n' order by line) from (
             select pg_get_indexdef(indexrelid) from pg_index where indrelid in ('parcel'::regclass, 'parcel_version'::regclass)
             union all
             select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint
             where conrelid in ('parcel'::regclass, 'parcel_version'::regclass)
             union all
             select pg_get_triggerdef(oid) from pg_trigger
             where tgrelid in ('parcel'::regclass, 'parcel_version'::regclass) and not tgisinternal) as made (line)",
    )
    .await
}
