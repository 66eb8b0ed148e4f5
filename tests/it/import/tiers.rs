//! Where a parcel stands in the three tiers: by the zones of a tier together, and by the law of the day that is asked
//! about.

use landcycle::{
    clock::Clock,
    flow::refresh,
    store::{
        place::{refresh_tiers, tiers_are_of_another_law},
        write::{Audit, Write, verify_audit},
    },
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::{Town, feature, parcel_code, square};

const STANDING: &str = "select format('%s %s %s %s', tier, zone, locked, round(share::numeric, 2)) from parcel_place
    join parcel on id = parcel_id order by code";

/// A zone from west to east with tier, lock and days.
fn zone(code: &str, tier: &str, locked: u8, [west, east]: [f64; 2], [from, to]: [Option<&str>; 2]) -> Value {
    let properties =
        json!({"zone_code": code, "name": code, "tier": tier, "locked": locked, "valid_from": from, "valid_to": to});
    feature(&properties, &square(west, 31.10, east, 31.20))
}

/// A parcel of a thousandth of a degree from `west`.
fn at(number: u32, west: f64) -> Value {
    let south = 31.11 + f64::from(number) * 0.002;
    let properties = json!({"parcel_code": parcel_code(number), "land_use": "M1"});
    feature(&properties, &square(west, south, west + 0.001, south + 0.001))
}

#[tokio::test]
async fn the_zones_of_a_tier_count_together_and_land_in_two_of_them_counts_once() {
    let town = Town::empty().await;
    let always = [Some("2018-01-01"), None];
    let zones = [
        // Two bases side by side, one of them locked; then nothing.
        zone("A", "base", 1, [121.50, 121.51], always),
        zone("B", "base", 0, [121.51, 121.512], always),
        // Two bases with land in common, and a locked third inside the first.
        zone("F", "base", 0, [121.60, 121.61], always),
        zone("G", "base", 0, [121.6096, 121.611], always),
        zone("H", "base", 1, [121.60, 121.605], always),
        // Two communities beside a base.
        zone("P", "community", 0, [121.70, 121.7003], always),
        zone("Q", "community", 0, [121.7003, 121.7006], always),
        zone("R", "base", 0, [121.7006, 121.71], always),
    ];
    let cases = [
        ("45 % in one base and 55 % in the next", 121.50955, "base B f 1.00"),
        ("70 % in a locked base, 30 % in one that is not", 121.5093, "base A t 1.00"),
        ("40 % in land of two bases, 60 % in one of them alone", 121.6096, "base G f 1.00"),
        ("20 % in a base, 20 % in land of two, 60 % in the other", 121.6094, "base G f 1.00"),
        ("wholly in a locked base inside another", 121.601, "base F t 1.00"),
        ("70 % in a locked base, wholly in another", 121.6043, "base F t 1.00"),
        ("30 % in a locked base, wholly in another", 121.6047, "base F f 1.00"),
        ("30 % and 30 % in communities, 40 % in a base", 121.70, "community P f 0.60"),
        ("10 % and 30 % in communities, 60 % in a base", 121.7002, "base R f 0.60"),
        ("40 % in a base, beyond it nothing", 121.5116, "fragmented  f 0.40"),
    ];
    let parcels: Vec<Value> = (1..).zip(&cases).map(|(number, (_, west, _))| at(number, *west)).collect();
    town.takes("zones", &town.geojson("zones", &zones));
    town.takes("parcels", &town.geojson("parcels", &parcels));
    let stored: Vec<String> = town.values(STANDING).await;
    for ((name, _, expected), found) in cases.iter().zip(&stored) {
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(stored.len(), cases.len());
}

#[tokio::test]
async fn a_parcel_with_45_percent_in_each_of_two_adjoining_bases_is_not_fragmented() {
    let town = Town::empty().await;
    let always = [Some("2018-01-01"), None];
    let zones =
        [zone("A", "base", 1, [121.50, 121.50045], always), zone("B", "base", 1, [121.50045, 121.5009], always)];
    town.takes("zones", &town.geojson("zones", &zones));
    town.takes("parcels", &town.geojson("parcels", &[at(1, 121.50)]));
    let standing: Vec<String> = town.values(STANDING).await;
    assert!(["base A t 0.90", "base B t 0.90"].contains(&standing[0].as_str()), "{standing:?}");
}

#[tokio::test]
async fn a_review_asks_for_the_law_of_its_own_day() {
    let town = Town::settled().await;
    let zones = [
        zone("C", "community", 0, [121.49, 121.52], [Some("2019-01-01"), Some("2025-07-01")]),
        zone("B", "base", 1, [121.49, 121.52], [Some("2025-07-01"), Some("2026-07-01")]),
    ];
    town.takes("zones", &town.geojson("zones", &zones));
    for (day, tier, locked) in
        [("2025-06-30", "community", false), ("2025-07-01", "base", true), ("2026-07-01", "fragmented", false)]
    {
        let ended = town.run(&["review", "run", "--as-of", day, "--out", day]);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let receipts: Vec<String> = town
            .values("select receipt from review_result where run_id = (select max(run_id) from review_result)")
            .await;
        assert_eq!(receipts.len(), 3);
        for receipt in receipts {
            let receipt: Value = serde_json::from_str(&receipt).unwrap();
            assert_eq!(
                (&receipt["facts"]["tier"], &receipt["facts"]["locked"]),
                (&json!(tier), &json!(locked)),
                "{day}"
            );
        }
    }
}

#[tokio::test]
async fn the_map_of_a_later_day_shows_the_tiers_of_that_day_and_writes_only_where_the_law_turned() {
    let town = Town::settled().await;
    let zones = [
        zone("B", "base", 1, [121.49, 121.52], [Some("2019-01-01"), Some("2100-01-01")]),
        zone("C", "community", 0, [121.49, 121.52], [Some("2100-01-01"), Some("2101-01-01")]),
        // Its turns move nobody.
        zone("D", "base", 0, [121.60, 121.61], [Some("2050-01-01"), None]),
    ];
    town.takes("zones", &town.geojson("zones", &zones));
    let pool = &town.database.pool;
    let days = "select distinct format('%s %s', tier, day) from parcel_place where day > '2040-01-01'";
    let revisions = "select count(*) from revision where act = 'refresh-tiers' and actor = 'landcycle'";
    let before = town.contents().await;
    for (today, written, standing) in [
        ("2049-12-31", 0, None),
        // That they were looked at is kept, or each start of a server would look at them again.
        ("2050-01-01", 1, None),
        ("2099-12-31", 1, None),
        ("2100-01-01", 2, Some("community 2100-01-01")),
        ("2100-05-05", 2, Some("community 2100-01-01")),
        ("2101-01-01", 3, Some("fragmented 2101-01-01")),
        // A clock set back is a day like any other.
        ("2060-01-01", 4, Some("base 2060-01-01")),
    ] {
        let clock = Clock::fixed_at(format!("{today}T01:00:00Z").parse().unwrap());
        let snapshot = refresh::snapshot(pool, clock).await.unwrap();
        assert_eq!(town.value::<i64>(revisions).await, written, "{today}");
        assert_eq!(town.values::<String>(days).await, Vec::from_iter(standing.map(str::to_owned)), "{today}");
        assert_eq!(snapshot.revision(), town.value::<i64>("select id from revision_head").await);
        if written == 0 {
            assert_eq!(town.contents().await, before, "{today}");
        }
    }
    assert_eq!(verify_audit(pool).await.unwrap(), Ok(11));
    let entry: String = town.value("select entry from audit_entry order by id desc limit 1").await;
    let entry: Value = serde_json::from_str(&entry).unwrap();
    let facts = json!({"building_parts": 0, "day": "2060-01-01", "moved": 3});
    assert_eq!((&entry["act"], &entry["facts"]), (&json!("refresh-tiers"), &facts));
}

/// One change of the register, or of the day.
#[derive(Debug, Clone)]
enum Edit {
    Parcel { number: u32, west: u32 },
    Zone { number: u32, west: u32, width: u32, tier: &'static str, from: u32, days: Option<u32> },
    Day(u32),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (1..5_u32, 0..20_u32).prop_map(|(number, west)| Edit::Parcel { number, west }),
        (
            1..4_u32,
            0..20_u32,
            1..8_u32,
            prop_oneof![Just("base"), Just("community")],
            0..10_u32,
            proptest::option::of(1..6_u32)
        )
            .prop_map(|(number, west, width, tier, from, days)| Edit::Zone {
                number,
                west,
                width,
                tier,
                from,
                days
            }),
        (0..12_u32).prop_map(Edit::Day),
    ]
}

/// The statements that make an edit, as an import would: what was believed is closed, and the new is recorded.
fn statements(edit: &Edit, revision: i64, at: &str) -> Vec<String> {
    let envelope = |west: u32, width: u32| {
        let west = 121.5 + f64::from(west) * 0.001;
        format!("st_multi(st_makeenvelope({west}, 31.1, {}, 31.101, 4490))", west + f64::from(width) * 0.001)
    };
    let day = |day: u32| format!("date '2026-01-01' + {day}");
    match edit {
        Edit::Parcel { number, west } => {
            let of = format!("(select id from parcel where code = '{}')", parcel_code(*number));
            let shape = envelope(*west, 2);
            vec![
                format!("insert into parcel (code) values ('{}') on conflict do nothing", parcel_code(*number)),
                format!("update parcel_version set recorded = tstzrange(lower(recorded), '{at}') where parcel_id = {of} and upper_inf(recorded)"),
                format!("insert into parcel_version (parcel_id, valid, recorded, district, land_use, land_use_scheme, area_m2, geom, revision)
                         values ({of}, '(,)', tstzrange('{at}', null), '310115', 'M1', 'X', st_area({shape}::geography), {shape}, {revision})"),
            ]
        }
        Edit::Zone { number, west, width, tier, from, days } => {
            let to = days.map_or("null".to_owned(), |days| day(from + days));
            vec![
                format!("update zone_version set recorded = tstzrange(lower(recorded), '{at}') where code = 'Z{number}' and upper_inf(recorded)"),
                format!("insert into zone_version (code, valid, recorded, name, tier, locked, geom, revision)
                         values ('Z{number}', daterange({}, {to}), tstzrange('{at}', null), 'Z', '{tier}', {}, {}, {revision})",
                    day(*from), *tier == "base", envelope(*west, *width)),
            ]
        }
        Edit::Day(_) => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_worked_out_for_what_changed_are_those_worked_out_for_all() {
    let town = Town::empty().await;
    let pool = &town.database.pool;
    // Zones come and go here as no lock would let them.
    sqlx::query("delete from lockup_rule").execute(pool).await.unwrap();
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&proptest::collection::vec(edit(), 1..14), |edits| {
            tokio::runtime::Handle::current().block_on(async {
                sqlx::raw_sql("delete from parcel_version; delete from parcel; delete from zone_version; truncate parcel_place, tier_law")
                    .execute(pool)
                    .await
                    .unwrap();
                let mut day = 0;
                for edit in &edits {
                    let mut write = Write::begin(pool, "test", "edit").await.unwrap();
                    let at = write.recorded_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
                    for statement in statements(edit, write.revision, &at) {
                        sqlx::query(AssertSqlSafe(statement)).execute(write.connection()).await.unwrap();
                    }
                    if let Edit::Day(next) = edit {
                        day = *next;
                    }
                    let today = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Days::new(u64::from(day));
                    refresh_tiers(&mut write, today, 0.5).await.unwrap();
                    write.commit(Audit { subject: "edit".to_owned(), facts: json!({}) }).await.unwrap();
                    let wrong: Vec<String> = sqlx::query_scalar(
                        "select format('%s but %s', t, p) from parcel_tier_at($1, 0.5) t left join parcel_place p using (parcel_id)
                         where (t.tier, t.locked, t.zone, t.share) is distinct from
                             (coalesce(p.tier, 'fragmented'), coalesce(p.locked, false), p.zone, coalesce(p.share, 0))",
                    )
                    .bind(today)
                    .fetch_all(pool)
                    .await
                    .unwrap();
                    prop_assert!(wrong.is_empty(), "after {:?} on {}: {:?}", edit, today, wrong);
                    prop_assert!(!tiers_are_of_another_law(pool, today).await.unwrap());
                    // Asked as of a moment, now is a moment like any other.
                    let differ: i64 = sqlx::query_scalar(
                        "select count(*) from parcel_tier_at($1, 0.5, clock_timestamp()) a
                         full join parcel_tier_at($1, 0.5) b using (parcel_id)
                         where (a.tier, a.locked, a.zone, a.share) is distinct from (b.tier, b.locked, b.zone, b.share)",
                    )
                    .bind(today)
                    .fetch_one(pool)
                    .await
                    .unwrap();
                    prop_assert_eq!(differ, 0, "after {:?} on {}", edit, today);
                }
                Ok(())
            })
        })
    });
    outcome.unwrap();
}
