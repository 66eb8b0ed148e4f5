//! The same city in other units is the same city: money in 元 or 万元, land in mu or m², energy in kilograms or tonnes.

use super::{receipts, review};
use crate::support::{Town, feature, lot, parcel_code};
use serde_json::{Value, json};

/// How a file gives a figure: the header, and how many of its units make one of the register's.
struct Column {
    header: &'static str,
    units: u64,
}

impl Column {
    /// A figure of so many hundredths, as the file writes it.
    fn write(&self, hundredths: u64) -> String {
        let figure = hundredths * self.units;
        format!("{}.{:02}", figure / 100, figure % 100)
    }
}

/// Forty parcels, each with a user of its own, whose files have these columns: tax, output, value added and energy.
async fn town(area: &str, mu: bool, columns: [Column; 4]) -> Town {
    let town = Town::empty().await;
    let parcels: Vec<Value> = (0..40u32)
        .map(|number| {
            // From 15 mu in steps of three, which are 2,000 m².
            let size = 15 + 3 * u64::from(number % 12);
            let size = if mu { json!(size) } else { json!(size * 10_000 / 15) };
            feature(&json!({"parcel_code": parcel_code(number), "land_use": "M1", area: size}), &lot(number))
        })
        .collect();
    town.takes("parcels", &town.geojson("parcels", &parcels));
    let of_each = |row: &dyn Fn(u32) -> String| (0..40).map(row).collect::<Vec<String>>().join("\n");
    let load = |kind: &str, header: &str, rows: String| {
        town.takes(kind, &town.file(&format!("{kind}.csv"), format!("{header}\n{rows}\n")));
    };
    load("enterprises", "enterprise_code,name,industry", of_each(&|number| format!("E{number},厂{number},3911")));
    let uses = of_each(&|number| format!("{},E{number},tenant,1000,2015-01-01", parcel_code(number)));
    load("occupancies", "parcel_code,enterprise_code,role,floor_area_m2,from_on", uses);
    let figures = of_each(&|number| {
        let year = |year: u32| {
            let figure = |place: usize| {
                let salt = u64::from(number) * 7919 + u64::from(year) * 104_729 + place as u64 * 15_485;
                columns[place].write(100 + salt % 99_731)
            };
            format!("E{number},{year},{},{},{},{},{}", figure(0), figure(1), figure(2), figure(3), 10 + number)
        };
        (2023..=2025).map(year).collect::<Vec<String>>().join("\n")
    });
    let headers = columns.iter().map(|column| column.header).collect::<Vec<&str>>().join(",");
    load("returns", &format!("enterprise_code,year,{headers},staff"), figures);
    town
}

#[tokio::test]
async fn figures_in_other_units_give_the_same_receipts() {
    let column = |header, units| Column { header, units };
    let own = [
        column("tax_wan_yuan", 1),
        column("output_wan_yuan", 1),
        column("value_added_wan_yuan", 1),
        column("energy_tce", 1),
    ];
    let others = [
        column("实缴税收（元）", 10_000),
        column("工业总产值（千元）", 10),
        column("工业增加值（元）", 10_000),
        column("综合能耗（千克标准煤）", 1000),
    ];
    let (one, other) = (town("registered_area_m2", false, own).await, town("证载面积（亩）", true, others).await);
    let (first, second) = (review(&one, "out", "2"), review(&other, "out", "2"));
    assert_eq!(first["by_grade"], second["by_grade"]);
    assert!(first["by_grade"]["A"]["parcels"].as_u64().unwrap() > 0, "{first}");
    assert_eq!(receipts(&one).await, receipts(&other).await);
}
