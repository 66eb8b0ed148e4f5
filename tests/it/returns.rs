//! Annual returns through `landcycle import`: corrections, and doubts that warn and never block.

use crate::plot_ratio::get;
use crate::support::{Town, parcel_code};
use axum::http::StatusCode;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// The findings of a receipt: row, key, code, field and value.
fn found(receipt: &Value) -> Vec<(u64, String, String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = receipt["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|one| {
            assert_eq!(one["severity"], "warning", "{one}");
            let facts = &one["facts"];
            (
                one["row"].as_u64().unwrap(),
                text(&one["key"]),
                text(&one["code"]),
                text(&facts["field"]),
                text(&facts["value"]),
            )
        })
        .collect()
}

fn finding(row: u64, key: &str, code: &str, field: &str, value: &str) -> (u64, String, String, String, String) {
    (row, key.into(), code.into(), field.into(), value.into())
}

#[tokio::test]
async fn corrections_keep_the_earlier_figure() {
    let town = Town::settled().await;
    let uses =
        format!("parcel_code,enterprise_code,role,floor_area_m2,from_on\n{},E1,owner,100,2015-01-01\n", parcel_code(1));
    town.takes("occupancies", &town.file("uses.csv", uses));
    let before: DateTime<Utc> = town.value("select recorded_at from revision order by id desc limit 1").await;
    town.takes("returns", &town.file("corrected.csv", "enterprise_code,year,tax_wan_yuan\nE1,2024,12\n"));
    let rows = "select format('%s %s', tax_wan_yuan, upper_inf(recorded)) from annual_return order by id";
    assert_eq!(town.values::<String>(rows).await, ["10 f", "12 t"]);
    let path = format!("/api/v1/parcels/{}", parcel_code(1));
    let then = format!("{path}?known_at={}", before.to_rfc3339_opts(SecondsFormat::Micros, true));
    for (path, tax) in [(path, 12.0), (then, 10.0)] {
        let (status, dossier) = get(&town.database.pool, &path).await;
        assert_eq!(status, StatusCode::OK, "{dossier}");
        let [year] = &dossier["returns"].as_array().unwrap()[..] else { panic!("{dossier}") };
        assert_eq!((&year["year"], &year["tax_wan_yuan"]), (&json!(2024), &json!(tax)), "{path}");
    }
}

#[tokio::test]
async fn a_figure_that_jumps_more_than_tenfold_warns_and_never_blocks() {
    let town = Town::settled().await;
    let enterprises = "enterprise_code,name\nE2,二号厂\nE3,三号厂\n";
    town.takes("enterprises", &town.file("more.csv", enterprises));
    town.takes("returns", &town.file("old.csv", "enterprise_code,year,output_wan_yuan,staff\nE1,2023,500,20\n"));
    // E1 against the register; E2 within the file, down to nothing; E3 comes out of nothing, and E1's staff swing by less.
    let rows = "enterprise_code,year,output_wan_yuan,staff\n\
        E1,2024,5000000,199\nE2,2024,800,120\nE2,2025,0,12\nE3,2024,0,0\nE3,2025,9000,300\n";
    let file = town.file("new.csv", rows);
    let ended = town.import("returns", std::slice::from_ref(&file), &["--strict"]);
    assert_eq!((ended.status, ended.tally()), (Some(0), [5, 5, 0, 0]), "a doubt refuses nothing, strict or not");
    let receipt = ended.answer;
    assert_eq!(receipt["warnings"], 2);
    let jumps = found(&receipt);
    assert_eq!(
        jumps,
        [
            finding(1, "E1 2024", "figure-jumps", "output_wan_yuan", "5000000"),
            finding(3, "E2 2025", "figure-jumps", "output_wan_yuan", "0"),
        ]
    );
    let facts = &receipt["findings"][0]["facts"];
    assert_eq!(
        (&facts["year"], &facts["other_year"], &facts["other_value"]),
        (&json!(2024), &json!(2023), &json!(500.0))
    );
    let stored =
        "select output_wan_yuan from annual_return where enterprise = 'E1' and year = 2024 and upper_inf(recorded)";
    assert_eq!(town.value::<f64>(stored).await, 5e6);
    // A year that comes in late is compared with the one after it.
    let late = town.takes("returns", &town.file("late.csv", "enterprise_code,year,output_wan_yuan\nE2,2023,9\n"));
    assert_eq!(found(&late), [finding(1, "E2 2023", "figure-jumps", "output_wan_yuan", "9")]);
}

#[tokio::test]
async fn tax_above_output_and_output_without_staff_or_energy_warn_and_never_block() {
    let town = Town::settled().await;
    let header = "enterprise_code,year,output_wan_yuan,revenue_wan_yuan,tax_wan_yuan,value_added_wan_yuan,energy_tce,rd_wan_yuan,staff";
    let rows =
        "E1,2021,1000,1000,60,200,50,20,30\nE1,2022,1000,1000,1001,200,50,20,30\nE1,2023,1000,1000,60,1200,0,1500,0\n";
    let receipt = town.takes("returns", &town.file("doubtful.csv", format!("{header}\n{rows}")));
    assert_eq!((&receipt["accepted"], &receipt["warnings"]), (&json!(3), &json!(8)), "{receipt:#}");
    let own: Vec<_> = found(&receipt).into_iter().filter(|one| one.2 != "figure-jumps").collect();
    assert_eq!(
        own,
        [
            finding(2, "E1", "tax-exceeds-output", "tax_wan_yuan", "1001"),
            finding(3, "E1", "value-added-exceeds-output", "value_added_wan_yuan", "1200"),
            finding(3, "E1", "rd-exceeds-revenue", "rd_wan_yuan", "1500"),
            finding(3, "E1", "staff-zero-with-output", "staff", "0"),
            finding(3, "E1", "energy-zero-with-output", "energy_tce", "0"),
        ]
    );
}

#[tokio::test]
async fn doubts_beyond_those_a_receipt_keeps_are_counted() {
    let town = Town::settled().await;
    let codes: Vec<String> = (0..4_000).map(|number| format!("N{number:05}")).collect();
    let enterprises: String = codes.iter().map(|code| format!("{code},厂\n")).collect();
    town.takes("enterprises", &town.file("many.csv", format!("enterprise_code,name\n{enterprises}")));
    let returns: String =
        codes.iter().map(|code| format!("{code},2024,100,100,100\n{code},2025,5000,5000,5000\n")).collect();
    let header = "enterprise_code,year,output_wan_yuan,revenue_wan_yuan,fixed_assets_wan_yuan";
    let receipt = town.takes("returns", &town.file("many-returns.csv", format!("{header}\n{returns}")));
    assert_eq!((&receipt["accepted"], &receipt["warnings"]), (&json!(8_000), &json!(12_000)));
    assert_eq!((receipt["findings"].as_array().unwrap().len(), &receipt["findings_left_out"]), (10_000, &json!(2_000)));
}

#[tokio::test]
async fn electricity_water_and_cod_are_read_in_the_units_of_their_headers_and_reach_parcels_by_floor_area() {
    let town = Town::settled().await;
    let uses = format!(
        "parcel_code,enterprise_code,role,floor_area_m2,from_on\n{},E1,owner,300,2015-01-01\n{},E1,owner,100,2015-01-01\n",
        parcel_code(1),
        parcel_code(2)
    );
    town.takes("occupancies", &town.file("uses.csv", uses));
    let rows = "统一社会信用代码,年度,用电量（万千瓦时）,用水量(万立方米),化学需氧量（千克）\nE1,2024,40,0.8,1200\n";
    town.takes("returns", &town.file("meters.csv", rows));
    // 40 × 10,000 kWh, 0.8 × 10,000 m³ and 1,200 ÷ 1,000 t; three quarters of the floor area stand on the first parcel.
    let (status, dossier) = get(&town.database.pool, &format!("/api/v1/parcels/{}", parcel_code(1))).await;
    assert_eq!(status, StatusCode::OK, "{dossier}");
    let [year] = &dossier["returns"].as_array().unwrap()[..] else { panic!("{dossier}") };
    let told = ["electricity_kwh", "water_m3", "cod_t"].map(|name| year[name].as_f64().unwrap());
    assert_eq!(told, [300_000.0, 6_000.0, 0.9]);
    // A run freezes them, and its receipts name them; the other figures of that year are unknown and stay so.
    let run = town.run(&["review", "run", "--as-of", "2025-06-30", "--out", "out"]);
    assert_eq!(run.status, Some(0), "{}", run.said);
    let receipt: String = town.value("select receipt from review_result order by parcel limit 1").await;
    let receipt: Value = serde_json::from_str(&receipt).unwrap();
    let years = receipt["facts"]["years"].as_array().unwrap();
    let figures = |year: i32| years.iter().find(|one| one["year"] == year).unwrap()["figures"].as_array().unwrap();
    assert_eq!((figures(2023).len(), figures(2024).len()), (9, 13), "what is unknown is not written");
    assert_eq!(figures(2024)[10], json!({"known": 1, "sum": 300_000}));
    // What goes out comes in again and says the same.
    let out = town.folder().join("out.csv");
    let sent = town.run(&["export", "returns", "--format", "csv", "--out", out.to_str().unwrap()]);
    assert_eq!(sent.status, Some(0), "{}", sent.said);
    assert_eq!(town.tally("returns", &out), [1, 0, 1, 0]);
}

#[tokio::test]
async fn electricity_above_all_energy_and_cod_above_all_emissions_warn_and_never_block() {
    let town = Town::settled().await;
    let rows = "enterprise_code,year,output_wan_yuan,energy_tce,electricity_kwh,emissions_t,cod_t\n\
        E1,2021,1000,50,100000,3,1\nE1,2022,1000,50,500000,3,3.5\nE1,2023,1000,50,0,3,1\n";
    let receipt = town.takes("returns", &town.file("meters.csv", rows));
    assert_eq!(receipt["accepted"], 3, "{receipt:#}");
    let own: Vec<_> = found(&receipt).into_iter().filter(|one| one.2 != "figure-jumps").collect();
    assert_eq!(
        own,
        [
            finding(2, "E1", "cod-exceeds-emissions", "cod_t", "3.5"),
            finding(2, "E1", "electricity-exceeds-energy", "electricity_kwh", "500000"),
            finding(3, "E1", "electricity-zero-with-output", "electricity_kwh", "0"),
        ]
    );
}

#[tokio::test]
async fn water_in_kilowatt_hours_is_refused() {
    let town = Town::settled().await;
    let file = town.file("wrong.csv", "统一社会信用代码,年度,用水量(千瓦时)\nE1,2024,40\n");
    let ended = town.import("returns", &[file], &[]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.said.contains("unit-mismatch") && ended.said.contains("turns into m3"), "{}", ended.said);
}
