//! How yearly figures reach parcels over occupancies, seen in dossiers and in the city's accounts.

use crate::plot_ratio::get;
use crate::support::{Town, parcel_code};
use serde_json::{Value, json};

const HEADER: &str =
    "parcel_code,enterprise_code,role,floor_area_m2,from_on,to_on,tax_place,share_percent,share_reason";

/// A town with enterprises E1 to E3 and their returns of 2024: E1 has output 1000 and tax 50, E2 has output 300 and tax
/// 20, E3 has output 7 and uses nothing.
async fn town(uses: &str) -> (Town, Value) {
    let town = Town::settled().await;
    town.takes("enterprises", &town.file("more.csv", "enterprise_code,name\nE2,二号厂\nE3,三号厂\n"));
    let returns = "enterprise_code,year,output_wan_yuan,tax_wan_yuan\nE1,2024,1000,50\nE2,2024,300,20\nE3,2024,7,1\n";
    town.takes("returns", &town.file("figures.csv", returns));
    let uses = uses.replace("P1", &parcel_code(1)).replace("P2", &parcel_code(2)).replace("P3", &parcel_code(3));
    let receipt = town.takes("occupancies", &town.file("uses.csv", format!("{HEADER}\n{uses}")));
    (town, receipt)
}

/// What 2024 brought to a parcel.
async fn year(town: &Town, parcel: u32) -> Value {
    let (_, dossier) = get(&town.database.pool, &format!("/api/v1/parcels/{}", parcel_code(parcel))).await;
    let years = dossier["returns"].as_array().unwrap_or_else(|| panic!("{dossier}"));
    years.iter().find(|year| year["year"] == 2024).cloned().unwrap_or(Value::Null)
}

fn number(of: &Value) -> f64 {
    of.as_f64().unwrap_or_else(|| panic!("no number: {of}"))
}

#[tokio::test]
async fn figures_reach_parcels_by_floor_area_and_days_and_their_sums_are_preserved() {
    // 2024 has 366 days; from July on are 184 of them.
    let (town, receipt) =
        town("P1,E1,owner,1500,2015-01-01,,,,\nP2,E1,owner,3000,2024-07-01,,,,\nP2,E2,tenant,500,2020-01-01,,,,\n")
            .await;
    assert_eq!(receipt["warnings"], 0);
    let (first, second) = (year(&town, 1).await, year(&town, 2).await);
    let part = 1500.0 * 366.0 / (1500.0 * 366.0 + 3000.0 * 184.0);
    assert!((number(&first["output_wan_yuan"]) - 1000.0 * part).abs() < 1e-6, "{first}");
    let sum = number(&first["output_wan_yuan"]) + number(&second["output_wan_yuan"]);
    assert!((sum - 1300.0).abs() < 1e-6, "no figure counts twice, none is lost: {sum}");
    let [one, other] = &second["contributions"].as_array().unwrap()[..] else { panic!("{second}") };
    assert_eq!(
        (&one["enterprise"], &one["by"], &other["enterprise"]),
        (&json!("E1"), &json!("floor_area_days"), &json!("E2"))
    );
    assert!((number(&one["part"]) + part - 1.0).abs() < 1e-6);
    assert_eq!((&other["part"], &other["figures"]["output_wan_yuan"]), (&json!(1.0), &json!(300.0)));
}

#[tokio::test]
async fn floor_area_is_overridable_with_a_reason_and_sums_are_preserved() {
    let (town, receipt) =
        town("P1,E1,owner,100,2015-01-01,,,80,总装在此(会议纪要3号)\nP2,E1,owner,900,2015-01-01,,,,\n").await;
    assert_eq!(receipt["warnings"], 0);
    let (first, second) = (year(&town, 1).await, year(&town, 2).await);
    assert_eq!((&first["output_wan_yuan"], &second["output_wan_yuan"]), (&json!(800.0), &json!(200.0)));
    let stated = &first["contributions"][0];
    assert_eq!((&stated["by"], &stated["reason"]), (&json!("stated"), &json!("总装在此(会议纪要3号)")));
    // The review shares as the dossier does.
    let run = town.run(&["review", "run", "--as-of", "2025-06-30", "--out", "out"]);
    assert_eq!(run.status, Some(0), "{}", run.said);
    let receipt: String = town.value("select receipt from review_result order by parcel limit 1").await;
    let receipt: Value = serde_json::from_str(&receipt).unwrap();
    let years = receipt["facts"]["years"].as_array().unwrap();
    let of_2024 = years.iter().find(|year| year["year"] == 2024).unwrap();
    assert_eq!(of_2024["figures"][0]["sum"], 800.0, "{of_2024}");
}

#[tokio::test]
async fn a_share_without_a_reason_is_refused() {
    let town = Town::settled().await;
    let row = |share: &str, reason: &str| format!("{},E1,owner,100,2015-01-01,,,{share},{reason}\n", parcel_code(1));
    for (share, reason, code) in [
        ("40", "", "share-without-reason"),
        ("", "会议纪要", "reason-without-share"),
        ("140", "会议纪要", "out-of-range"),
    ] {
        let file = town.file("uses.csv", format!("{HEADER}\n{}", row(share, reason)));
        let ended = town.import("occupancies", &[file], &[]);
        assert_eq!((ended.status, ended.tally()), (Some(1), [1, 0, 0, 1]), "{ended:?}");
        assert_eq!(ended.answer["findings"][0]["code"], code);
    }
}

#[tokio::test]
async fn stated_shares_that_do_not_sum_to_the_whole_are_said_and_floor_area_decides() {
    let (town, receipt) =
        town("P1,E1,owner,250,2015-01-01,,,50,会议纪要\nP2,E1,owner,750,2015-01-01,,,30,会议纪要\n").await;
    assert_eq!(receipt["warnings"], 1);
    let finding = &receipt["findings"][0];
    assert_eq!(
        (&finding["row"], &finding["code"], &finding["facts"]["value"], &finding["facts"]["from"]),
        (&json!(1), &json!("shares-make-no-whole"), &json!("80"), &json!("2015-01-01"))
    );
    let first = year(&town, 1).await;
    assert_eq!(
        (&first["output_wan_yuan"], &first["contributions"][0]["by"]),
        (&json!(250.0), &json!("floor_area_days"))
    );
    // Mended by a later file, which says nothing of the other row.
    let mended = format!("{HEADER}\n{},E1,owner,750,2015-01-01,,,50,会议纪要\n", parcel_code(2));
    assert_eq!(town.takes("occupancies", &town.file("mended.csv", mended))["warnings"], 0);
    assert_eq!(year(&town, 1).await["output_wan_yuan"], 500.0);
}

#[tokio::test]
async fn tenants_tax_paid_elsewhere_is_shown_as_such_and_not_as_zero() {
    let (town, _) = town("P1,E1,tenant,300,2015-01-01,,elsewhere,,\nP1,E2,owner,100,2015-01-01,,local,,\nP3,E2,owner,100,2015-01-01,,,,\n").await;
    let first = year(&town, 1).await;
    assert_eq!((&first["tax_wan_yuan"], &first["tax_elsewhere"]), (&json!(10.0), &json!(0.75)), "{first}");
    assert_eq!((&first["known"]["tax_wan_yuan"], &first["known"]["output_wan_yuan"]), (&json!(0.25), &json!(1.0)));
    let tenant = &first["contributions"][0];
    assert_eq!((&tenant["tax_is_local"], &tenant["figures"]["tax_wan_yuan"]), (&json!(false), &json!(50.0)));
    let (town, _) = self::town("P1,E1,tenant,300,2015-01-01,,elsewhere,,\n").await;
    let only = year(&town, 1).await;
    assert_eq!(
        (&only["tax_wan_yuan"], &only["tax_elsewhere"], &only["output_wan_yuan"]),
        (&Value::Null, &json!(1.0), &json!(1000.0))
    );
}

#[tokio::test]
async fn the_figures_of_enterprises_without_a_parcel_are_counted_as_unplaced() {
    let (town, _) = town("P1,E1,tenant,300,2015-01-01,,elsewhere,,\nP2,E2,owner,100,2015-01-01,2023-06-01,,,\n").await;
    let ended = town.run(&["ledger", "figures", "--year", "2024"]);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    let figures = &ended.answer["figures"];
    assert_eq!(
        figures["output_wan_yuan"],
        json!({"reported": 1307.0, "on_parcels": 1000.0, "paid_elsewhere": 0.0, "unplaced": 307.0})
    );
    assert_eq!(
        figures["tax_wan_yuan"],
        json!({"reported": 71.0, "on_parcels": 0.0, "paid_elsewhere": 50.0, "unplaced": 21.0})
    );
    assert_eq!((&ended.answer["enterprises"], &ended.answer["enterprises_unplaced"]), (&json!(3), &json!(2)));
    let table = town.command().args(["ledger", "figures", "--year", "2024"]).output().unwrap();
    assert!(String::from_utf8(table.stdout).unwrap().contains("2 of them used no parcel"));
}

#[tokio::test]
async fn in_the_demo_city_every_figure_is_accounted_for() {
    let town = Town::empty().await;
    for arguments in [&["demo", "generate", "--out", "city", "--parcels", "200"][..], &["demo", "load", "city"]] {
        let ended = town.run(arguments);
        assert_eq!(ended.status, Some(0), "{}", ended.said);
    }
    let answer = town.run(&["ledger", "figures", "--year", "2024"]).answer;
    for (name, one) in answer["figures"].as_object().unwrap() {
        let [all, reached, elsewhere, unplaced] =
            ["reported", "on_parcels", "paid_elsewhere", "unplaced"].map(|part| number(&one[part]));
        assert!(all > 0.0 && (reached + elsewhere + unplaced - all).abs() < 1e-6 * all, "{name}: {one}");
        assert_eq!(elsewhere > 0.0, name == "tax_wan_yuan", "{name}: {one}");
    }
    // What the ledger says is built is what the buildings of each parcel have.
    let ledger = town.run(&["ledger", "plot-ratio", "--by", "parcel"]).answer;
    let sql = "select parcel || ' ' || round(sum(floor_area_m2)::numeric, 2)::float8 from building group by parcel order by parcel collate \"C\"";
    let told: Vec<String> = ledger["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| !row["built"]["floor_m2"].is_null())
        .map(|row| format!("{} {}", row["code"].as_str().unwrap(), number(&row["built"]["floor_m2"])))
        .collect();
    assert_eq!(told, town.values::<String>(sql).await);
    assert_eq!(ledger["floor_on_no_parcel_m2"], 0.0);
}

#[tokio::test]
async fn a_dossier_shows_uses_and_what_they_brought_as_they_were_believed_before_a_correction() {
    let (town, _) = town("P1,E1,owner,1000,2015-01-01,,,,\nP2,E1,owner,1000,2015-01-01,,,,\n").await;
    let before: String = town
        .value("select to_char(max(recorded_at) at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from revision")
        .await;
    // The floor area was a slip, the first user has left, and a tenant had been forgotten.
    let code = parcel_code(1);
    let corrected = format!(
        "{HEADER}\n{code},E1,owner,3000,2015-01-01,2026-01-01,,,\n{code},E2,tenant,200,2020-01-01,,elsewhere,,\n"
    );
    assert_eq!(town.tally("occupancies", &town.file("corrected.csv", corrected)), [2, 2, 0, 0]);
    let told = |known_at: &[&str]| {
        let dossier = town.run(&[&["dossier", &code, "--valid-at", "2025-06-30"], known_at].concat()).answer;
        let uses = dossier["occupancies"].as_array().unwrap_or_else(|| panic!("{dossier}")).iter();
        let uses: Vec<Value> =
            uses.map(|one| json!([one["enterprise"], one["floor_area_m2"], one["to"], one["tax_is_local"]])).collect();
        let year = dossier["returns"].as_array().unwrap().iter().find(|year| year["year"] == 2024).unwrap();
        json!([uses, year["output_wan_yuan"]])
    };
    let now = json!([[["E1", 3000.0, "2026-01-01", true], ["E2", 200.0, null, false]], 1050.0]);
    assert_eq!(told(&[]), now, "three quarters of 1000, and the 300 of the tenant");
    assert_eq!(told(&["--known-at", &before]), json!([[["E1", 1000.0, null, true]], 500.0]));
}
