//! The database judges as the program does: every situation on every kind of day, every code of use, generated land,
//! uses, days and contracts, and land that lies in the base by half.

use super::{LAND_USE, LOCKUP, measures, works};
use chrono::NaiveDate;
use geo_types::{MultiPolygon, polygon};
use landcycle::domain::land_use::{LandUses, UseClass};
use landcycle::domain::zoning::lockup::{Lockup, Situation};
use landcycle::domain::zoning::verdict::{Deed, Verdict, judge};
use landcycle::store::standing::standing;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};

#[tokio::test]
async fn the_recorded_table_answers_every_situation_as_the_programs_own() {
    let town = works().await;
    let lockup = Lockup::parse(LOCKUP).unwrap();
    let mut days: Vec<NaiveDate> = lockup.turns();
    days.extend(lockup.turns().iter().filter_map(|day| day.pred_opt()));
    days.push(NaiveDate::from_ymd_opt(2026, 6, 30).unwrap());
    let asked: Vec<(Situation, NaiveDate)> =
        Situation::all().flat_map(|one| days.iter().map(move |day| (one, *day))).collect();
    let words = |of: fn(&Situation) -> &'static str| asked.iter().map(|(one, _)| of(one)).collect::<Vec<_>>();
    let flags = |of: fn(&Situation) -> bool| asked.iter().map(|(one, _)| of(one)).collect::<Vec<_>>();
    let answered: Vec<Option<String>> = sqlx::query_scalar(
        "select (select v.rule || ' ' || v.verdict from lockup_verdict(a.deed, a.day, a.tier, a.locked, a.known, a.frees, a.was, a.becomes) v)
         from unnest($1::text[], $2::date[], $3::text[], $4::bool[], $5::bool[], $6::bool[], $7::text[], $8::text[])
             with ordinality a (deed, day, tier, locked, known, frees, was, becomes, place) order by a.place",
    )
    .bind(words(|one| one.deed.name()))
    .bind(asked.iter().map(|(_, day)| *day).collect::<Vec<_>>())
    .bind(words(|one| one.tier.name()))
    .bind(flags(|one| one.locked))
    .bind(flags(|one| one.plan_known))
    .bind(flags(|one| one.frees))
    .bind(words(|one| one.from.name()))
    .bind(words(|one| one.to.name()))
    .fetch_all(&town.database.pool)
    .await
    .unwrap();
    assert!(asked.len() > 10_000, "{}", asked.len());
    for ((situation, day), found) in asked.iter().zip(answered) {
        let own = lockup.row(situation, *day).map(|row| format!("{} {}", row.id, row.verdict.name()));
        assert_eq!(own, found, "{situation:?} on {day}");
    }
}

#[tokio::test]
async fn the_recorded_classes_are_those_of_the_programs_own_lists() {
    let town = works().await;
    let uses = LandUses::parse(LAND_USE).unwrap();
    let codes = [
        "M", "M1", "M11", "M1a", "M4", "M9", "W", "W2", "W21", "C65", "C6", "R2", "0601", "060101", "06", "1001",
        "100102", "M1\n2", "",
    ];
    for scheme in ["GB50137-SH", "GB50137", "GB/T21010", "YDYH", "EULUC-2.0", "MA-PTC", "nobody's"] {
        for code in codes {
            let found: String = sqlx::query_scalar("select land_use_class_of($1, $2)")
                .bind(scheme)
                .bind(code)
                .fetch_one(&town.database.pool)
                .await
                .unwrap();
            assert_eq!(found, uses.class(scheme, code).name(), "{scheme} {code:?}");
        }
    }
}

/// Land, where it lies, what it is and becomes, and the day.
#[derive(Debug, Clone)]
struct Case {
    west: f64,
    width: f64,
    from: &'static str,
    to: &'static str,
    day: NaiveDate,
    is_contract: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let codes = prop::sample::select(vec!["M1", "M2", "M4", "W1", "R2", "B1"]);
    // The base is law from 2020 on and ends at 121.505 in the east.
    (0.0..1.0_f64, 0.0002..0.004_f64, codes.clone(), codes, 0_u32..4000, any::<bool>()).prop_map(
        |(place, width, from, to, days, is_contract)| Case {
            west: 121.5055 - 0.004 * place,
            width,
            from,
            to,
            day: NaiveDate::from_ymd_opt(2016, 1, 1).unwrap() + chrono::Days::new(u64::from(days)),
            is_contract,
        },
    )
}

/// Works of many widths that lie in the base by exactly half, and become homes while both locks hold.
fn halves() -> impl Iterator<Item = Case> {
    (1..=40).map(|width| {
        let width = f64::from(width) * 0.000_1;
        let day = NaiveDate::from_ymd_opt(2024, 3, 1).unwrap();
        Case { west: 121.505 - width / 2.0, width, from: "M1", to: "R2", day, is_contract: false }
    })
}

#[tokio::test]
async fn generated_changes_of_use_and_contracts_are_refused_by_the_database_exactly_where_the_program_says_no() {
    let town = works().await;
    let lockup = Lockup::parse(LOCKUP).unwrap();
    let uses = LandUses::parse(LAND_USE).unwrap();
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let (mut noes, mut yeses) = (0, 0);
    let generated: Vec<Case> = (0..150).map(|_| cases().new_tree(&mut runner).unwrap().current()).collect();
    for case in generated.into_iter().chain(halves()) {
        // North of the lots, within the base.
        let (west, east) = (case.west, case.west + case.width);
        let shape = MultiPolygon(vec![polygon![
            (x: west, y: 31.1011), (x: east, y: 31.1011), (x: east, y: 31.1014), (x: west, y: 31.1014), (x: west, y: 31.1011)]]);
        let mut transaction = town.database.pool.begin().await.unwrap();
        let stands = standing(&mut transaction, &shape, case.day, None, 0.5, 0.01).await.unwrap();
        let (from, to) = (uses.class("GB50137-SH", case.from), uses.class("GB50137-SH", case.to));
        let deed = if case.is_contract { Deed::NewProject { to: from } } else { Deed::ChangeOfUse { from, to } };
        let expected = judge(&lockup, &measures(), &deed, &stands).unwrap();
        let parcel: i64 = sqlx::query_scalar("insert into parcel (code) values ('310115001001GB00055') returning id")
            .fetch_one(&mut *transaction)
            .await
            .unwrap();
        let insert = "insert into parcel_version (parcel_id, valid, recorded, district, land_use, land_use_scheme, area_m2, geom, revision)
            select $1, daterange($2, $3), tstzrange(now() - interval '1 day' * $4, null), '310115', $5, 'GB50137-SH', st_area(g::geography), g, 1
            from (select st_multi(st_makeenvelope($6, 31.1011, $7, 31.1014, 4490)) as g) s";
        let version = |valid_from: Option<NaiveDate>, valid_to: Option<NaiveDate>, code: &'static str| {
            sqlx::query(insert)
                .bind(parcel)
                .bind(valid_from)
                .bind(valid_to)
                .bind(1_i32)
                .bind(code)
                .bind(west)
                .bind(east)
        };
        if case.is_contract {
            version(None, None, case.from).execute(&mut *transaction).await.unwrap();
            sqlx::query(
                "insert into contract (number, parcel, valid, recorded, kind, holder, signed_on, term_starts_on, term_ends_on, performance_terms, revision)
                 values ('G', '310115001001GB00055', daterange($1, null), tstzrange(now(), null), 'grant', 'E1', $1, $1, '2060-01-01', true, 1)",
            )
            .bind(case.day)
            .execute(&mut *transaction)
            .await
            .unwrap();
        } else {
            version(None, Some(case.day), case.from).execute(&mut *transaction).await.unwrap();
            version(Some(case.day), None, case.to).execute(&mut *transaction).await.unwrap();
        }
        let refused: Vec<String> =
            sqlx::query_scalar("select rule from lockup_judge()").fetch_all(&mut *transaction).await.unwrap();
        transaction.rollback().await.unwrap();
        let no = expected.verdict != Verdict::Allowed;
        // Where the program says no, the database names the same rule; else it refuses nothing.
        assert_eq!(refused, if no { vec![expected.rule.clone()] } else { Vec::new() }, "{case:?} {stands:?}");
        if no { noes += 1 } else { yeses += 1 }
    }
    assert!(noes > 20 && yeses > 20, "{noes} refused, {yeses} let through");
    assert_eq!(UseClass::ALL.len(), 4);
}
