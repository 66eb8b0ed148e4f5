//! Numbers at the edge of what can be kept: whatever a cell holds, its row is taken or refused by name, and no number
//! brings an import down.

use landcycle::domain::intake::{Kind, Shapes};
use serde_json::{Map, Value, json};

use crate::support::{Ended, Town, feature, lot, parcel, parcel_code};

const EXTREMES: [f64; 22] = [
    0.0,
    -0.0,
    1e-300,
    -1e-300,
    5e-324,
    1e300,
    -1e300,
    f64::MAX,
    3e-5,
    5e-5,
    9.9e-5,
    1e-4,
    5e-7,
    1e-6,
    999_999_999_999.999_9,
    999_999_999_999.999_99,
    -999_999_999_999.999_9,
    1e12,
    2_147_483_647.0,
    2_147_483_648.0,
    20_260_630.0,
    1.5,
];

/// A row that the settled town takes, keyed by a number.
fn good(kind: Kind, number: u32) -> Value {
    let key = format!("N{number}");
    match kind {
        Kind::Districts => json!({"code": format!("{number:06}"), "name": "区"}),
        Kind::Parks => json!({"code": key, "name": "园", "district": "310115"}),
        Kind::PlanUnits => json!({"unit_code": key, "name": "单元", "uses": "M1:1-2", "valid_from": "2018-01-01"}),
        Kind::LegacyAreas => json!({"area_code": key, "name": "区块", "class": "104", "valid_from": "2018-01-01"}),
        Kind::Zones => json!({"zone_code": key, "name": "基地", "tier": "base", "valid_from": "2018-01-01"}),
        Kind::Parcels => json!({"parcel_code": parcel_code(number), "land_use": "M1"}),
        Kind::Buildings => {
            json!({"building_code": key, "parcel_code": parcel_code(1), "storeys": 2, "floor_area_m2": 100})
        }
        Kind::Enterprises => json!({"enterprise_code": key, "name": "厂"}),
        Kind::Occupancies => json!({"parcel_code": parcel_code(1), "enterprise_code": "E1", "role": "tenant",
            "floor_area_m2": 10, "from_on": format!("{}-{:02}-{:02}", 1901 + number / 336, 1 + number / 28 % 12, 1 + number % 28)}),
        Kind::Contracts => json!({"contract_no": key, "parcel_code": parcel_code(1), "kind": "allocation",
            "signed_on": "2015-01-01", "performance_terms": 1}),
        Kind::Obligations => {
            json!({"obligation_no": key, "contract_no": "H1", "kind": "tax", "due_on": "2020-01-01", "target": 5})
        }
        // One enterprise a row, so that the year stays free.
        Kind::Returns => json!({"enterprise_code": format!("R{number}"), "year": 2023}),
        // No parcel twice in a year.
        Kind::Supply => {
            let year = 1950 + number % 70;
            json!({"entry_no": key, "parcel_code": parcel_code(1 + number / 70 % 3), "year": year, "source": "renewal",
                "area_m2": 10, "secured_on": format!("{year}-06-30"), "document": "文"})
        }
        // Into a park of the parks' own file.
        Kind::Reserve => json!({"entry_no": key, "lot_no": key, "side": "in", "area_m2": 10, "on_date": "2024-06-30",
            "document": "文", "park": "N120", "exit": "storage", "readiness": "cleared"}),
        Kind::Layer => unreachable!("a layer is no register"),
    }
}

/// A file in which every field of the kind holds every extreme once, each in a row that is good but for it.
fn extreme(town: &Town, kind: Kind) -> (std::path::PathBuf, u64) {
    let mut rows: Vec<Map<String, Value>> = Vec::new();
    for field in kind.fields() {
        for number in EXTREMES {
            let place = u32::try_from(rows.len()).unwrap() + 100;
            let Value::Object(mut row) = good(kind, place) else { unreachable!("a row is an object") };
            row.insert(field.name.to_owned(), json!(number));
            rows.push(row);
        }
    }
    let count = rows.len() as u64;
    let path = if kind.shapes() == Shapes::None {
        let names: Vec<&str> = kind.fields().iter().map(|field| field.name).collect();
        let cell = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let lines =
            rows.iter().map(|row| names.iter().map(|name| row.get(*name).map_or(String::new(), cell)).collect());
        let text: Vec<String> = lines.map(|cells: Vec<String>| cells.join(",")).collect();
        town.file("extreme.csv", format!("{}\n{}\n", names.join(","), text.join("\n")))
    } else {
        let features: Vec<Value> =
            (100..).zip(rows).map(|(number, row)| feature(&Value::Object(row), &lot(number))).collect();
        town.geojson("extreme", &features)
    };
    (path, count)
}

#[tokio::test]
async fn no_number_in_any_column_of_any_kind_brings_an_import_down() {
    let town = Town::settled().await;
    let enterprises: String = (100..500).map(|number| format!("R{number},厂\n")).collect();
    town.takes("enterprises", &town.file("e.csv", format!("enterprise_code,name\n{enterprises}")));
    let mut wrong: Vec<String> = Vec::new();
    for kind in Kind::ALL {
        let (path, count) = extreme(&town, kind);
        let ended = town.import(kind.name(), &[path], &[]);
        if ended.status != Some(0) {
            wrong.push(format!("{}: {:?} {}", kind.name(), ended.status, ended.said));
            continue;
        }
        let [read, accepted, _, refused] = ended.tally();
        assert_eq!(read, count, "{}", kind.name());
        assert!(accepted > 0 && refused > 0, "{}: {accepted} accepted, {refused} refused", kind.name());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n----\n"));
}

fn with_area(town: &Town, area: f64) -> Ended {
    let mut one = parcel(9);
    one["properties"]["registered_area_m2"] = json!(area);
    town.import("parcels", &[town.geojson("area", &[one, parcel(4)])], &[])
}

#[tokio::test]
async fn an_area_too_small_to_be_kept_is_refused_by_name_and_the_least_one_is_kept() {
    let town = Town::settled().await;
    let ended = with_area(&town, 0.000_03);
    assert_eq!((ended.status, ended.tally()), (Some(0), [2, 1, 0, 1]), "{ended:?}");
    let finding = &ended.answer["findings"][0];
    assert_eq!((&finding["code"], &finding["row"]), (&json!("out-of-range"), &json!(1)));
    assert_eq!(
        (&finding["facts"]["field"], &finding["facts"]["value"]),
        (&json!("registered_area_m2"), &json!("0.00003"))
    );
    assert_eq!(with_area(&town, 0.0001).tally(), [2, 1, 1, 0]);
    let kept = "select v.registered_area_m2::text from parcel_version v join parcel p on p.id = v.parcel_id
        where p.code = '310115001001GB00009'";
    assert_eq!(town.values::<String>(kept).await, ["0.0001"]);
}
