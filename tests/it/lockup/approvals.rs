//! Special approvals: two officers, land that is measured, once.

use super::{approve, as_officer, compensation, compensation_at, errors, lock, lot, refused, state, works};
use crate::support::{Ended, Town, feature, parcel_code, square};
use landcycle::flow::approval;
use serde_json::json;
use sqlx::Executor as _;

fn propose(town: &Town, more: &[&str]) -> Ended {
    let paper = ["--ground", "重大公共利益", "--document", "沪府〔2024〕1号", "--decided-on", "2024-01-01"];
    as_officer(town, "proposer", &[&["lockup", "approve", "propose"], more, &paper].concat())
}

/// Refused with a code, on stderr, and nothing is written.
async fn declined(town: &Town, ended: impl Fn() -> Ended, code: &str) {
    let before = town.contents().await;
    let ended = ended();
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.said.contains(code), "{code}: {}", ended.said);
    assert_eq!(town.contents().await, before, "what is refused leaves nothing");
}

#[tokio::test]
async fn the_officer_who_proposes_does_not_confirm_and_neither_program_nor_database_lets_him() {
    let town = works().await;
    let (code, land) = (parcel_code(1), compensation(&town, "land", 0.001));
    let proposed = propose(&town, &["change-of-use", "--parcel", &code, "--use", "R2", "--compensation", &land]);
    assert_eq!((proposed.status, &proposed.answer["state"]), (Some(0), &json!("proposed")), "{proposed:?}");
    let id = proposed.answer["id"].to_string();
    declined(&town, || as_officer(&town, "proposer", &["lockup", "approve", "confirm", &id]), "same-officer").await;
    // The same person by another way in is no second officer.
    let number = id.parse().unwrap();
    let error = approval::confirm(&town.database.pool, "demo:proposer", number).await.unwrap_err();
    assert!(error.to_string().contains("another officer"), "{error}");
    // What is only proposed lets nothing through.
    refused(&town, "parcels", &[lot(1, "R2", &json!({"valid_from": "2024-03-01"}))], "locked-land-other-use").await;
    let pool = &town.database.pool;
    for (statement, constraint) in [
        ("insert into revision (id, recorded_at, actor, act) select max(id) + 1, now(), 'cli:proposer', 'x' from revision;
          update special_approval set confirmed_by = 'cli:proposer', confirmed_in = (select max(id) from revision)", "special_approval_officers"),
        ("insert into revision (id, recorded_at, actor, act) select max(id) + 1, now(), 'demo:proposer', 'x' from revision;
          update special_approval set confirmed_by = 'demo:proposer', confirmed_in = (select max(id) from revision)", "special_approval_officers"),
        ("update special_approval set confirmed_by = 'cli:nobody', confirmed_in = (select max(id) from revision)", "special_approval_stays"),
        ("update special_approval set area_m2 = 1", "special_approval_stays"),
        ("update special_approval set used_in = 1", "special_approval_used"),
        ("delete from special_approval", "special_approval_stays"),
        ("insert into special_approval (deed, subject, ground, document, decided_on, geom, area_m2, required_m2, proposed_by, proposed_in)
          select deed, subject, ground, document, decided_on, geom, 1, 0, 'cli:nobody', proposed_in from special_approval", "special_approval_stays"),
    ] {
        let error = pool.execute(statement).await.unwrap_err();
        let said = error.as_database_error().and_then(|said| said.constraint().map(str::to_owned));
        assert_eq!(said.as_deref(), Some(constraint), "{statement}: {error}");
    }
    let confirmed = as_officer(&town, "confirmer", &["lockup", "approve", "confirm", &id]);
    assert_eq!(
        (&confirmed.answer["state"], &confirmed.answer["confirmed_by"]),
        (&json!("confirmed"), &json!("cli:confirmer"))
    );
    declined(&town, || as_officer(&town, "third", &["lockup", "approve", "confirm", &id]), "not-proposed").await;
    declined(&town, || as_officer(&town, "third", &["lockup", "approve", "confirm", "99"]), "unknown-approval").await;
}

#[tokio::test]
async fn compensating_land_is_measured_and_what_is_locked_or_taken_itself_counts_for_nothing() {
    let town = works().await;
    let code = parcel_code(1);
    let with = |land: &str| {
        let land = land.to_owned();
        propose(&town, &["change-of-use", "--parcel", &code, "--use", "R2", "--compensation", &land])
    };
    let small = compensation(&town, "small", 0.0002);
    declined(&town, || with(&small), "compensation-too-small").await;
    declined(&town, || propose(&town, &["change-of-use", "--parcel", &code, "--use", "R2"]), "compensation-too-small")
        .await;
    // As large as need be, but inside the base, or the parcel itself.
    let locked = town.geojson("locked", &[feature(&json!({}), &square(121.5, 31.0995, 121.505, 31.1015))]);
    declined(&town, || with(locked.to_str().unwrap()), "compensation-too-small").await;
    let enough = compensation(&town, "enough", 0.001);
    let proposed = with(&enough);
    let figure = |name: &str| proposed.answer[name].as_f64().unwrap();
    assert_eq!(proposed.status, Some(0), "{proposed:?}");
    assert!(
        (figure("area_m2") - figure("required_m2")).abs() < 1e-6 && figure("compensation_m2") >= figure("required_m2")
    );
    let drawn: f64 = town.value("select st_area(compensation::geography) from special_approval").await;
    assert!((figure("compensation_m2") - drawn).abs() < 1e-3, "{drawn}");
}

#[tokio::test]
async fn compensating_land_makes_up_for_one_approval_until_that_is_withdrawn() {
    let town = works().await;
    let land = compensation(&town, "land", 0.0006);
    let with = |number: u32| {
        propose(&town, &["change-of-use", "--parcel", &parcel_code(number), "--use", "R2", "--compensation", &land])
    };
    let first = with(1);
    assert_eq!(first.status, Some(0), "{first:?}");
    declined(&town, || with(2), "compensation-too-small").await;
    let again = town.database.pool.execute(
        "insert into special_approval (deed, subject, to_use, to_use_scheme, ground, document, decided_on, geom, compensation, area_m2, required_m2, proposed_by, proposed_in)
         select deed, subject, to_use, to_use_scheme, ground, document, decided_on, geom, compensation, 1, 0, proposed_by, proposed_in from special_approval");
    let said = again.await.unwrap_err();
    let said = said.as_database_error().and_then(|said| said.constraint().map(str::to_owned));
    assert_eq!(said.as_deref(), Some("special_approval_compensation"));
    let withdrawn = as_officer(&town, "proposer", &["lockup", "approve", "withdraw", &first.answer["id"].to_string()]);
    assert_eq!(withdrawn.status, Some(0), "{withdrawn:?}");
    assert_eq!(with(2).status, Some(0));
}

#[tokio::test]
async fn compensating_land_is_industrial_and_in_part_what_was_given_before_counts_for_nothing() {
    let town = works().await;
    let with = |number: u32, land: &str| {
        propose(&town, &["change-of-use", "--parcel", &parcel_code(number), "--use", "R2", "--compensation", land])
    };
    // Land that no parcel holds, and land of another use.
    let field = square(121.55, 31.21, 121.552, 31.212);
    let field = town.geojson("field", &[feature(&json!({}), &field)]).to_str().unwrap().to_owned();
    declined(&town, || with(1, &field), "compensation-too-small").await;
    let homes = square(121.55, 31.22, 121.552, 31.222);
    town.takes("parcels", &town.geojson("homes", &[super::lot_in(800, "R2", &json!({}), &homes)]));
    let homes = town.geojson("homes-land", &[feature(&json!({}), &homes)]).to_str().unwrap().to_owned();
    declined(&town, || with(1, &homes), "compensation-too-small").await;
    // Given for one approval by half, it makes up for half of another.
    let (first, second) = (compensation(&town, "first", 0.0006), compensation(&town, "second", 0.0009));
    assert_eq!(with(1, &first).status, Some(0));
    declined(&town, || with(2, &second), "compensation-too-small").await;
    assert_eq!(with(2, &compensation(&town, "third", 0.0015)).status, Some(0));
}

#[tokio::test]
async fn locked_land_is_taken_only_when_its_compensating_land_is_locked() {
    let town = works().await;
    let (code, land) = (parcel_code(1), compensation(&town, "land", 0.001));
    let id = propose(&town, &["change-of-use", "--parcel", &code, "--use", "R2", "--compensation", &land]).answer["id"]
        .to_string();
    assert_eq!(as_officer(&town, "confirmer", &["lockup", "approve", "confirm", &id]).status, Some(0));
    let homes = lot(1, "R2", &json!({"valid_from": "2024-03-01"}));
    refused(&town, "parcels", std::slice::from_ref(&homes), "locked-land-other-use").await;
    lock(&town, &land, &id);
    town.takes("parcels", &town.geojson("homes", &[homes]));
    assert_eq!(state(&town, &id), "used");
}

#[tokio::test]
async fn an_approval_lets_no_more_land_be_taken_than_it_was_measured_to_though_more_is_locked_since() {
    let town = works().await;
    // Parcel 8 is not locked yet on the day of the document.
    let (one, eight) = (square(121.501, 31.1, 121.502, 31.101), square(121.508, 31.1, 121.509, 31.101));
    let both = town.geojson("both", &[feature(&json!({}), &one), feature(&json!({}), &eight)]);
    let land = compensation(&town, "land", 0.001);
    let id =
        approve(&town, &["change-of-use", "--area", both.to_str().unwrap(), "--use", "R2", "--compensation", &land]);
    let zone = json!({"zone_code": "Z2", "name": "新基地", "tier": "base", "locked": 1, "valid_from": "2024-06-01"});
    town.takes("zones", &town.geojson("later", &[feature(&zone, &square(121.5075, 31.0995, 121.5095, 31.1015))]));
    let homes = |number: u32| lot(number, "R2", &json!({"valid_from": "2025-03-01"}));
    let ended = town.import("parcels", &[town.geojson("homes", &[homes(1), homes(8)])], &[]);
    assert_eq!((ended.tally(), errors(&ended)), ([2, 1, 0, 1], vec!["locked-land-other-use".to_owned()]), "{ended:?}");
    assert_eq!(ended.answer["findings"][0]["key"], json!(parcel_code(8)));
    assert_eq!(state(&town, &id), "used");
}

#[tokio::test]
async fn a_proposal_that_makes_no_sense_is_refused_with_its_reason() {
    let town = works().await;
    let (one, far) = (parcel_code(1), parcel_code(8));
    declined(&town, || propose(&town, &["new-project", "--parcel", &one]), "no-such-approval").await;
    declined(&town, || propose(&town, &["change-of-use", "--parcel", &one]), "missing-use").await;
    declined(&town, || propose(&town, &["division", "--parcel", &one, "--use", "R2"]), "missing-use").await;
    declined(&town, || propose(&town, &["division", "--parcel", &far]), "nothing-locked").await;
    declined(&town, || propose(&town, &["division", "--parcel", &parcel_code(77)]), "not-law-that-day").await;
    declined(&town, || propose(&town, &["boundary-change", "--zone", "Z9"]), "not-law-that-day").await;
    let crossed = json!({"type": "Polygon", "coordinates": [[[121.5, 31.1], [121.502, 31.101], [121.502, 31.1], [121.5, 31.101], [121.5, 31.1]]]});
    let crossed = town.geojson("crossed", &[feature(&json!({}), &crossed)]);
    declined(&town, || propose(&town, &["division", "--area", crossed.to_str().unwrap()]), "geometry").await;
    let late = [
        "lockup",
        "approve",
        "propose",
        "division",
        "--parcel",
        &one,
        "--ground",
        "x",
        "--document",
        "y",
        "--decided-on",
        "2199-01-01",
    ];
    declined(&town, || as_officer(&town, "proposer", &late), "decided-in-future").await;
}

#[tokio::test]
async fn an_approval_that_was_withdrawn_or_used_lets_nothing_through_and_stays_on_record() {
    let town = works().await;
    let land = compensation(&town, "land", 0.001);
    let code = parcel_code(1);
    let id = approve(&town, &["change-of-use", "--parcel", &code, "--use", "R2", "--compensation", &land]);
    let may = town.run(&["lockup", "may", "change-of-use", "--parcel", &code, "--use", "R2"]);
    assert_eq!(may.answer["approvals"], json!([id.parse::<i64>().unwrap()]), "{may:?}");
    let withdrawn = as_officer(&town, "proposer", &["lockup", "approve", "withdraw", &id]);
    assert_eq!(withdrawn.answer["state"], json!("withdrawn"), "{withdrawn:?}");
    refused(&town, "parcels", &[lot(1, "R2", &json!({"valid_from": "2024-03-01"}))], "locked-land-other-use").await;
    // The first compensating land is locked by now, and makes up for nothing any more.
    let other = compensation_at(&town, "other", 121.56, 0.001);
    let id = approve(&town, &["change-of-use", "--parcel", &code, "--use", "R2", "--compensation", &other]);
    town.takes("parcels", &town.geojson("change", &[lot(1, "R2", &json!({"valid_from": "2024-03-01"}))]));
    declined(&town, || as_officer(&town, "proposer", &["lockup", "approve", "withdraw", &id]), "approval-at-its-end")
        .await;
    assert_eq!(state(&town, &id), "used");
    let acts: Vec<String> = town.values("select act from revision where act ~ 'approval' order by id").await;
    assert_eq!(
        acts,
        ["propose-approval", "confirm-approval", "withdraw-approval", "propose-approval", "confirm-approval"]
    );
}

#[tokio::test]
async fn another_name_in_the_environment_makes_no_other_officer() {
    let town = works().await;
    let named = |name: &str, arguments: &[&str]| {
        let mut command = town.command();
        command.env("USER", name).env("LOGNAME", name).env("SUDO_USER", name).arg("--json").args(arguments);
        Ended::of(&command.output().unwrap())
    };
    let land = compensation(&town, "compensation", 0.001);
    let code = parcel_code(1);
    let paper = ["--ground", "重大公共利益", "--document", "沪府〔2024〕1号", "--decided-on", "2024-01-01"];
    let proposal =
        ["lockup", "approve", "propose", "change-of-use", "--parcel", &code, "--use", "R2", "--compensation", &land];
    let proposed = named("li", &[&proposal[..], &paper].concat());
    assert_eq!(proposed.status, Some(0), "{proposed:?}");
    assert_ne!(proposed.answer["proposed_by"], "cli:li");
    let id = proposed.answer["id"].to_string();
    let confirmed = named("wang", &["lockup", "approve", "confirm", &id]);
    assert_eq!(confirmed.status, Some(1), "{confirmed:?}");
    assert_eq!(state(&town, &id), "proposed");
}

#[tokio::test]
async fn approvals_go_out_as_files_in_every_state_and_as_they_were_believed_at_a_time() {
    let town = works().await;
    let (land, other) = (compensation(&town, "land", 0.001), compensation_at(&town, "other", 121.57, 0.001));
    let used = approve(&town, &["change-of-use", "--parcel", &parcel_code(1), "--use", "R2", "--compensation", &land]);
    let now = r#"select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#;
    let before: String = town.value(now).await;
    town.takes("parcels", &town.geojson("taken", &[lot(1, "R2", &json!({"valid_from": "2024-03-01"}))]));
    propose(&town, &["change-of-use", "--parcel", &parcel_code(2), "--use", "B1", "--compensation", &other]);
    for (format, name) in [("geojson", "a.geojson"), ("xlsx", "a.xlsx"), ("csv", "a.csv"), ("gpkg", "a.gpkg")] {
        let ended = town.run(&["export", "approvals", "--format", format, "--out", name]);
        assert_eq!((ended.status, &ended.answer["rows"]), (Some(0), &json!(2)), "{format}: {}", ended.said);
    }
    let map: serde_json::Value =
        serde_json::from_slice(&std::fs::read(town.folder().join("a.geojson")).unwrap()).unwrap();
    let [first, second] = &map["features"].as_array().unwrap()[..] else { panic!("{map}") };
    let of = |feature: &serde_json::Value, name: &str| feature["properties"][name].clone();
    assert_eq!(
        (of(first, "approval_no").to_string(), of(first, "state"), of(second, "state")),
        (used, json!("used"), json!("proposed"))
    );
    assert_eq!((of(first, "proposed_by"), of(first, "confirmed_by")), (json!("cli:proposer"), json!("cli:confirmer")));
    assert_eq!((of(second, "confirmed_by"), of(second, "subject")), (json!(null), json!(parcel_code(2))));
    assert_eq!(first["geometry"]["type"].as_str().map(|kind| kind.ends_with("Polygon")), Some(true));
    // Before land was taken by it, the one was confirmed and the other unknown.
    let flags = ["export", "approvals", "--format", "csv", "--out", "then.csv", "--known-at", &before];
    let ended = town.run(&flags);
    assert_eq!((ended.status, &ended.answer["rows"]), (Some(0), &json!(1)), "{}", ended.said);
    assert!(std::fs::read_to_string(town.folder().join("then.csv")).unwrap().contains("confirmed"));
}
