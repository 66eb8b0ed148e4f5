//! The contracts of which figures were published, kept with those figures and no others: two records of the Shanghai land
//! market of 2024, and Tesla's. Where a figure was not published the row has none; the day of signature is made up, and the
//! term of the two records is the one that new grants have had since 2014.

use crate::support::{Town, parcel, parcel_code};
use serde_json::{Value, json};

/// Parcel, use, area in m², signed on; what its contract says beside.
async fn town() -> Town {
    let town = Town::settled().await;
    let features: Vec<Value> = [(4, "C65", 18_854.46), (5, "M1", 4_313.10), (6, "M1", 864_885.0)]
        .map(|(number, land_use, area)| {
            let mut one = parcel(number);
            one["properties"]["land_use"] = json!(land_use);
            one["properties"]["registered_area_m2"] = json!(area);
            one
        })
        .into();
    town.takes("parcels", &town.geojson("published", &features));
    let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,responsible_unit,paid_on,handed_over_on,\
                bond_percent,bond_form,bond_due_on";
    let rows = [
        format!("MH,{},出让,2024-01-15,20,1,镇政府、区经委,2024-02-29,2024-04-12,15,保函,2024-01-22", parcel_code(4)),
        format!("BS,{},出让,2024-01-15,20,1,镇政府,2024-02-29,2024-05-07,20,,2024-01-22", parcel_code(5)),
        format!("TS,{},出让,2018-10-17,50,1,,,,,,", parcel_code(6)),
    ];
    town.takes("contracts", &town.file("published.csv", format!("{head}\n{}\n", rows.join("\n"))));
    let head = "obligation_no,contract_no,kind,due_on,due_after,due_count,due_unit,target,unit";
    let rows = [
        "M1,MH,payment,,signing,30,working_days,,",
        "M2,MH,handover,,payment,30,working_days,,",
        "M3,MH,start,,handover,6,months,,",
        "M4,MH,completion,,handover,42,months,,",
        "B1,BS,payment,,signing,30,working_days,,",
        "B2,BS,handover,,payment,45,working_days,,",
        "B3,BS,start,,handover,6,months,,",
        "B4,BS,completion,,handover,30,months,,",
        "T1,TS,investment,2023-12-31,,,,1408000,万元",
        "T2,TS,tax,2023-12-31,,,,223000,万元/年",
    ];
    town.takes("obligations", &town.file("duties.csv", format!("{head}\n{}\n", rows.join("\n"))));
    town
}

#[tokio::test]
async fn the_records_of_minhang_and_baoshan_and_the_figures_of_tesla_are_kept_as_published() {
    let town = town().await;
    let minhang = ["2024-02-29", "2024-04-12", "2024-10-12", "2027-10-12"];
    let baoshan = ["2024-02-29", "2024-05-07", "2024-11-07", "2026-11-07"];
    for (number, land_use, area, unit, term_ends_on, due) in [
        (4, "C65", 18_854.46, json!("镇政府、区经委"), "2044-01-15", &minhang[..]),
        (5, "M1", 4_313.10, json!("镇政府"), "2044-01-15", &baoshan[..]),
        (6, "M1", 864_885.0, json!(null), "2068-10-17", &["2023-12-31", "2023-12-31"][..]),
    ] {
        let dossier = town.run(&["dossier", &parcel_code(number), "--valid-at", "2026-06-30"]).answer;
        let (parcel, contract) = (&dossier["parcel"], &dossier["contracts"][0]);
        assert_eq!((&parcel["land_use"], &parcel["registered_area_m2"]), (&json!(land_use), &json!(area)));
        assert_eq!((&contract["responsible_unit"], &contract["term_ends_on"]), (&unit, &json!(term_ends_on)));
        let days: Vec<&Value> = contract["obligations"].as_array().unwrap().iter().map(|one| &one["due_on"]).collect();
        assert_eq!(json!(days), json!(due), "{number}");
        for (place, met_on) in [(0, "paid"), (1, "handed over")].into_iter().filter(|_| number < 6) {
            let one = &contract["obligations"][place];
            assert_eq!(
                (&one["clock"]["state"], &one["met_on"], &one["late_days"]),
                (&json!("met"), &one["due_on"], &json!(null)),
                "{met_on} by the contract's own day"
            );
        }
    }
    // The price is not published, so the bond is a share of it and no sum.
    let bonds = "select format('%s %s%% %s %s', contract, percent::float8, coalesce(form, '-'), coalesce(amount_wan_yuan::text, '-'))
        from bond where upper_inf(recorded) order by contract";
    assert_eq!(town.values::<String>(bonds).await, ["BS 20% - -", "MH 15% guarantee -"]);
}

#[tokio::test]
async fn the_tesla_targets_come_out_per_mu_of_the_land_that_the_register_has() {
    let town = town().await;
    let a_mu = "select format('%s %s', o.kind, round(o.target / (v.registered_area_m2::numeric * 15 / 10000)))
        from obligation o join contract c on c.number = o.contract join parcel p on p.code = c.parcel
        join parcel_version v on v.parcel_id = p.id
        where c.number = 'TS' and upper_inf(o.recorded) and upper_inf(c.recorded) and upper_inf(v.recorded) order by 1";
    assert_eq!(town.values::<String>(a_mu).await, ["investment 1085", "tax 172"], "万元/亩");
}
