//! Where shapes and words land in the register: reference systems, encodings, areas, and the tier of each parcel.

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::{
    exchange::{Made, PARCELS, write, write_gbk_shapefile},
    support::{Town, feature, parcel, parcel_code, square},
};

#[tokio::test]
async fn a_parcel_lands_in_the_same_place_from_every_reference_system() {
    let town = Town::empty().await;
    let wanted = "POLYGON((121.4737 31.2304,121.4752 31.2301,121.4757 31.2316,121.4741 31.2318,121.4737 31.2304))";
    for (number, epsg) in [(1, 4549), (2, 4550), (3, 4490), (4, 4326)] {
        let sql = "select st_astext(st_transform(st_geomfromtext($1, 4490), $2), 17)";
        let there: String =
            sqlx::query_scalar(sql).bind(wanted).bind(epsg).fetch_one(&town.database.pool).await.unwrap();
        let path = town.folder().join(format!("{epsg}.gpkg"));
        let made = Made { epsg: Some(u32::try_from(epsg).unwrap()), ..PARCELS };
        write(&path, &made, &[(&parcel_code(number), "M1", Some(&there))]);
        let receipt = town.takes("parcels", &path);
        assert_eq!(receipt["crs"], json!(format!("EPSG:{epsg}")));
        let sql = "select st_hausdorffdistance(geom, st_geomfromtext($1, 4490)), st_srid(geom), st_npoints(geom)
            from parcel_version v join parcel p on p.id = parcel_id where code = $2";
        let (off, srid, points): (f64, i32, i32) =
            sqlx::query_as(sql).bind(wanted).bind(parcel_code(number)).fetch_one(&town.database.pool).await.unwrap();
        assert_eq!((srid, points), (4490, 5));
        assert!(off < 1e-8, "EPSG:{epsg} lands {off} degrees away");
    }
}

#[tokio::test]
async fn a_gbk_shapefile_without_a_cpg_keeps_its_chinese_in_the_register() {
    let town = Town::empty().await;
    let receipt = town.takes("parcels", &write_gbk_shapefile(town.folder()));
    assert_eq!((&receipt["accepted"], &receipt["files"]), (&json!(2), &json!(["产业用地.shp"])));
    assert!(["GBK", "GB18030"].map(Value::from).contains(&receipt["encoding"]), "{receipt}");
    assert_eq!(town.values::<String>("select land_use from parcel_version order by id").await, ["工业用地", "研发"]);
}

/// A star-shaped polygon about a place near Shanghai, a few metres to a few kilometres wide, perhaps with a hole.
fn stars() -> impl Strategy<Value = Value> {
    let spokes = prop::collection::vec(0.4f64..1.0, 5..40);
    (121.0f64..122.0, 30.7f64..31.8, -5.0f64..-1.7, spokes, any::<bool>()).prop_map(|(x, y, size, spokes, holed)| {
        let size = 10f64.powf(size);
        let ring = |scale: f64| {
            let count = spokes.len();
            let points = (0..=count).map(|index| {
                #[expect(clippy::cast_precision_loss, reason = "at most 40")]
                let angle = std::f64::consts::TAU * (index % count) as f64 / count as f64;
                let reach = scale * size * spokes[index % count];
                json!([x + reach * angle.cos(), y + reach * angle.sin()])
            });
            points.collect::<Vec<_>>()
        };
        let rings = if holed { vec![ring(1.0), ring(0.3)] } else { vec![ring(1.0)] };
        json!({"type": "Polygon", "coordinates": rings})
    })
}

#[tokio::test]
async fn the_stored_area_is_that_of_postgis_on_the_same_ellipsoid() {
    let town = Town::empty().await;
    let mut runner = TestRunner::deterministic();
    let features: Vec<Value> = (0..400)
        .map(|number| {
            let star = stars().new_tree(&mut runner).unwrap().current();
            feature(&json!({"parcel_code": parcel_code(number), "land_use": "M1"}), &star)
        })
        .collect();
    assert_eq!(town.takes("parcels", &town.geojson("stars", &features))["accepted"], 400);
    let sql =
        "select max(abs(area_m2 - there)), max(abs(area_m2 / there - 1) * (there > 1e5)::int), min(there), max(there)
        from (select area_m2, st_area(geom::geography) as there from parcel_version) t";
    let (metres, relative, least, most): (f64, f64, f64, f64) =
        sqlx::query_as(sql).fetch_one(&town.database.pool).await.unwrap();
    eprintln!(
        "areas of {least:.2} to {most:.0} m2 differ by at most {metres:.1e} m2, {relative:.1e} of those above 10 ha"
    );
    assert!(least < 10.0 && most > 1e6, "{least} {most}: too narrow a choice");
    // Both sum areas down to the equator, of 1e9 m2 and more: what is left of a double's precision is 1e-5 m2.
    assert!(metres < 1e-3 && relative < 1e-9, "{metres} m2, {relative}");
}

#[tokio::test]
async fn the_zone_with_the_larger_share_decides_the_tier_and_no_majority_is_fragmented() {
    let town = Town::empty().await;
    let zone = |code: &str, tier: &str, locked: u8, west: f64, east: f64| {
        let properties =
            json!({"zone_code": code, "name": code, "tier": tier, "locked": locked, "valid_from": "2018-01-01"});
        feature(&properties, &square(west, 31.10, east, 31.20))
    };
    // The base from 121.50 to 121.51, the community from there to 121.52, beyond them nothing.
    let zones = [zone("B", "base", 1, 121.50, 121.51), zone("C", "community", 0, 121.51, 121.52)];
    let cases = [
        ("wholly in the base", 121.501, "base B t 1.00"),
        ("wholly in the community", 121.512, "community C f 1.00"),
        ("60 % in the base, 40 % in the community", 121.5094, "base B t 0.60"),
        ("40 % in the base, 60 % in the community", 121.5096, "community C f 0.60"),
        ("60 % in the base, 40 % outside", 121.4996, "base B t 0.60"),
        ("40 % in the base, 60 % outside", 121.4994, "fragmented  f 0.40"),
        ("outside, along the border", 121.499, "fragmented  f 0.00"),
        ("far outside", 121.6, "fragmented  f 0.00"),
    ];
    let parcels: Vec<Value> = (1..)
        .zip(&cases)
        .map(|(number, (_, west, _))| {
            let south = 31.11 + f64::from(number) * 0.002;
            let properties = json!({"parcel_code": parcel_code(number), "land_use": "M1"});
            feature(&properties, &square(*west, south, west + 0.001, south + 0.001))
        })
        .collect();
    let standing = "select format('%s %s %s %s', coalesce(tier, 'fragmented'), zone,
            coalesce(locked, false), round(coalesce(share, 0)::numeric, 2))
        from parcel left join parcel_place on id = parcel_id order by code";
    let expected: Vec<&str> = cases.iter().map(|(_, _, standing)| *standing).collect();
    // Zones before parcels, and parcels before zones, end in the same.
    for zones_first in [true, false] {
        let town = if zones_first { &town } else { &Town::empty().await };
        let (zones, parcels) = (town.geojson("zones", &zones), town.geojson("parcels", &parcels));
        let order = if zones_first {
            [("zones", &zones), ("parcels", &parcels)]
        } else {
            [("parcels", &parcels), ("zones", &zones)]
        };
        for (kind, file) in order {
            town.takes(kind, file);
        }
        assert_eq!(town.values::<String>(standing).await, expected);
    }
    // A zone that ends gives its land back; a locked one does not end just so.
    let town = Town::empty().await;
    let mut base = zone("B", "base", 0, 121.50, 121.51);
    town.takes("zones", &town.geojson("base", std::slice::from_ref(&base)));
    town.takes("parcels", &town.geojson("parcels", &parcels));
    base["properties"]["valid_to"] = json!("2020-01-01");
    town.takes("zones", &town.geojson("ended", &[base]));
    let tiers: Vec<String> =
        town.values("select tier from parcel_place join parcel on id = parcel_id order by code").await;
    assert_eq!(tiers.iter().filter(|tier| *tier == "base").count(), 0, "{tiers:?}");
}

#[tokio::test]
async fn a_corrected_twin_is_taken_where_the_first_row_of_its_code_is_refused_for_its_shape() {
    let town = Town::settled().await;
    let mut bow_tie = parcel(9);
    bow_tie["geometry"]["coordinates"] =
        json!([[[121.5, 31.1], [121.502, 31.102], [121.502, 31.1], [121.5, 31.102], [121.5, 31.1]]]);
    let ended = town.import("parcels", &[town.geojson("twins", &[bow_tie, parcel(8), parcel(9), parcel(9)])], &[]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [4, 2, 0, 2]), "{ended:?}");
    let found: Vec<(&Value, &Value)> = ended.answer["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (&finding["code"], &finding["row"]))
        .collect();
    assert_eq!(found, [(&json!("geometry-self-intersection"), &json!(1)), (&json!("duplicate-key"), &json!(4))]);
}
