//! Contracts, obligations and bonds in two times: corrections keep what was believed, later days begin new versions, and
//! the database itself refuses versions that overlap.

use serde_json::json;

use crate::support::{Town, parcel_code};

/// A contracts file of one row with these columns behind the obligatory ones.
fn contract(town: &Town, columns: &str, values: &str) -> std::path::PathBuf {
    let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms";
    town.file("c.csv", format!("{head},{columns}\nH1,{},grant,2015-01-01,20,1,{values}\n", parcel_code(1)))
}

const VERSIONS: &str = "select format('%s %s %s', price_wan_yuan, valid, upper_inf(recorded)) from contract
    where number = 'H1' order by lower(recorded), valid";

#[tokio::test]
async fn a_contract_is_law_from_its_signature_and_a_correction_keeps_what_was_believed() {
    let town = Town::settled().await;
    assert_eq!(town.values::<String>(VERSIONS).await, [" [2015-01-01,) t"]);
    town.takes("contracts", &contract(&town, "price_wan_yuan", "100"));
    assert_eq!(town.values::<String>(VERSIONS).await, [" [2015-01-01,) f", "100.000000 [2015-01-01,) t"]);
    assert_eq!(town.tally("contracts", &contract(&town, "price_wan_yuan", "100")), [1, 0, 1, 0]);
    let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,price_wan_yuan";
    let signed = town.file("s.csv", format!("{head}\nH1,{},grant,2014-12-01,20,1,100\n", parcel_code(1)));
    assert_eq!(town.tally("contracts", &signed), [1, 1, 0, 0]);
    let now = town.values::<String>(VERSIONS).await;
    assert_eq!(&now[2..], ["100.000000 [2014-12-01,) t"], "a corrected signature backdates legal time: {now:?}");
}

#[tokio::test]
async fn a_later_day_begins_a_new_version_of_a_contract_and_closes_the_one_before() {
    let town = Town::settled().await;
    town.takes("contracts", &contract(&town, "price_wan_yuan,valid_from", "100,2020-01-01"));
    let two = [" [2015-01-01,) f", " [2015-01-01,2020-01-01) t", "100.000000 [2020-01-01,) t"];
    assert_eq!(town.values::<String>(VERSIONS).await, two);
    let before = town.contents().await;
    assert_eq!(town.tally("contracts", &contract(&town, "price_wan_yuan,valid_from", "100,2020-01-01")), [1, 0, 1, 0]);
    assert_eq!(town.tally("contracts", &contract(&town, "price_wan_yuan,valid_from", ",2015-01-01")), [1, 0, 1, 0]);
    let early = town.import("contracts", &[contract(&town, "price_wan_yuan,valid_from", "90,2018-01-01")], &[]);
    assert_eq!((early.status, &early.answer["findings"][0]["code"]), (Some(1), &json!("period-overlaps")));
    assert_eq!(town.contents().await, before);
    // Ended, corrected, and still ended.
    town.takes("contracts", &contract(&town, "price_wan_yuan,valid_to", "100,2026-01-01"));
    town.takes("contracts", &contract(&town, "price_wan_yuan", "101"));
    let now = town.values::<String>(VERSIONS).await;
    assert_eq!(now.last().unwrap(), "101.000000 [2020-01-01,2026-01-01) t");
    let bad = town.import("contracts", &[contract(&town, "valid_to", "2019-01-01")], &[]);
    assert_eq!((bad.status, &bad.answer["findings"][0]["code"]), (Some(1), &json!("period-ends-before-it-begins")));
}

#[tokio::test]
async fn the_database_itself_refuses_contracts_obligations_bonds_and_acts_that_overlap() {
    let town = Town::settled().await;
    for sql in [
        "insert into contract (number, parcel, valid, recorded, kind, signed_on, term_starts_on, performance_terms, revision)
         select number, parcel, '[2030-01-01,)', recorded, kind, signed_on, term_starts_on, performance_terms, revision from contract",
        "insert into obligation (number, contract, valid, recorded, kind, at_most, revision)
         values ('Y', 'H1', '[2015-01-01,2016-01-01)', '[2020-01-01,)', 'start', false, 1),
             ('Y', 'H1', '[2015-12-31,)', '[2020-01-01,)', 'start', false, 1)",
        "insert into bond (contract, part, valid, recorded, revision)
         values ('H1', 'start', '[2015-01-01,)', '[2020-01-01,)', 1), ('H1', 'start', '[2016-01-01,)', '[2021-01-01,)', 1)",
        "insert into obligation_act (obligation, act, on_date, ground, document, recorded, revision)
         values ('Y', 'waived', '2016-01-01', 'a', 'b', '[2020-01-01,)', 1), ('Y', 'waived', '2016-01-01', 'c', 'b', '[2020-01-01,)', 1)",
    ] {
        let error = sqlx::query(sql).execute(&town.database.pool).await.unwrap_err();
        let constraint = error.as_database_error().and_then(|error| error.constraint()).unwrap_or_default();
        assert!(constraint.ends_with("_overlap"), "{error}");
    }
}

const BONDS: &str =
    "select format('%s %s %s %s %s', part, amount_wan_yuan, percent, valid, upper_inf(recorded)) from bond
    order by lower(recorded), part";

#[tokio::test]
async fn a_bond_whose_split_is_not_known_stays_a_whole_until_the_three_parts_are() {
    let town = Town::settled().await;
    let whole = contract(&town, "price_wan_yuan,bond_percent", "1000.00,15");
    town.takes("contracts", &whole);
    assert_eq!(town.values::<String>(BONDS).await, ["whole 150.000000 15.000000 [2015-01-01,) t"]);
    assert_eq!(town.tally("contracts", &whole), [1, 0, 1, 0]);
    let parts = "price_wan_yuan,bond_start_wan_yuan,bond_completion_wan_yuan,bond_production_wan_yuan";
    assert_eq!(town.tally("contracts", &contract(&town, parts, "1000.00,30,60,60")), [1, 1, 0, 0]);
    let now = town.values::<String>(BONDS).await;
    assert_eq!(now[0], "whole 150.000000 15.000000 [2015-01-01,) f");
    assert_eq!(now.len(), 4, "{now:?}");
    let before = town.contents().await;
    town.takes("contracts", &whole);
    assert_eq!(town.contents().await, before, "a whole says nothing new where the split is known");
}

#[tokio::test]
async fn a_split_that_is_known_from_a_later_day_leaves_the_whole_of_the_days_before() {
    let town = Town::settled().await;
    town.takes("contracts", &contract(&town, "bond_wan_yuan", "100"));
    let parts = "valid_from,bond_start_wan_yuan,bond_completion_wan_yuan,bond_production_wan_yuan";
    let file = contract(&town, parts, "2020-01-01,50,30,20");
    town.takes("contracts", &file);
    let believed =
        "select format('%s %s %s', part, amount_wan_yuan, valid) from bond where upper_inf(recorded) order by part";
    let now = [
        "completion 30.000000 [2020-01-01,)",
        "production 20.000000 [2020-01-01,)",
        "start 50.000000 [2020-01-01,)",
        "whole 100.000000 [2015-01-01,2020-01-01)",
    ];
    assert_eq!(town.values::<String>(believed).await, now);
    let before = town.contents().await;
    assert_eq!(town.tally("contracts", &file), [1, 0, 1, 0]);
    assert_eq!(town.contents().await, before, "nor does it end twice");
}

#[tokio::test]
async fn a_bond_that_would_begin_before_its_newest_version_is_refused_and_said() {
    let town = Town::settled().await;
    town.takes("contracts", &contract(&town, "valid_from,bond_wan_yuan", "2015-01-01,100"));
    town.takes("contracts", &contract(&town, "valid_from,bond_wan_yuan", "2020-01-01,150"));
    let before = town.contents().await;
    let ended = town.import("contracts", &[contract(&town, "valid_from,bond_wan_yuan", "2015-01-01,120")], &[]);
    let findings = ended.answer["findings"].as_array().unwrap();
    assert_eq!((ended.status, findings.len()), (Some(1), 1), "{}", ended.answer);
    assert_eq!((&findings[0]["code"], ended.tally()), (&json!("period-overlaps"), [1, 0, 0, 1]));
    let after = town.contents().await;
    for table in ["contract", "bond"] {
        assert_eq!(after[table], before[table], "{table}");
    }
    assert_eq!(town.value::<i64>("select count(*) from stage_bond").await, 0, "nothing is left on the way");
}

#[tokio::test]
async fn obligations_and_bonds_end_with_their_contract() {
    let town = Town::settled().await;
    town.takes("contracts", &contract(&town, "bond_wan_yuan", "100"));
    town.takes("obligations", &town.file("o.csv", "obligation_no,contract_no,kind,due_on\nS,H1,start,2030-01-01\n"));
    town.takes("contracts", &contract(&town, "valid_to", "2026-01-01"));
    let valid = "select valid::text from obligation where upper_inf(recorded)
        union all select valid::text from bond where upper_inf(recorded)";
    assert_eq!(town.values::<String>(valid).await, ["[2015-01-01,2026-01-01)"; 2]);
    let kept = "select count(*) from (select recorded from obligation union all select recorded from bond) b
        where not upper_inf(recorded)";
    assert_eq!(town.value::<i64>(kept).await, 2, "what was believed is kept");
}

#[tokio::test]
async fn a_bond_is_refused_with_a_part_missing_or_parts_that_do_not_sum() {
    let town = Town::settled().await;
    let parts = "bond_wan_yuan,bond_start_wan_yuan,bond_completion_wan_yuan,bond_production_wan_yuan";
    for (values, code) in [("100,30,60,", "missing-value"), ("100,30,30,30", "parts-do-not-sum")] {
        let ended = town.import("contracts", &[contract(&town, parts, values)], &[]);
        assert_eq!((ended.status, &ended.answer["findings"][0]["code"]), (Some(1), &json!(code)));
    }
}

#[tokio::test]
async fn obligations_of_every_kind_are_taken_each_with_due_rule_target_evidence_and_consequence() {
    let town = Town::settled().await;
    let head = "obligation_no,contract_no,kind,due_on,due_after,due_count,due_unit,due_yearly,due_from_year,target,unit,comparator,body,evidence,consequence";
    let rows = [
        "1,H1,payment,,signing,30,working_days,,,,,,,,",
        "2,H1,bond,,signing,5,working_days,,,,,,镇政府,保函,催缴后60日解除合同",
        "3,H1,handover,,payment,30,working_days,,,,,,规划资源局,交地确认书,",
        "4,H1,start,,handover,6,months,,,,,,,,",
        "5,H1,completion,,handover,42,months,,,,,,,,",
        "6,H1,production,2020-01-01,,,,,,,,,,,",
        "7,H1,full_production,,投产,24,月,,,,,,,,",
        "8,H1,investment,2020-01-01,,,,,,1085,万元/亩,>=,,审计报告,",
        "9,H1,output,,,,,04-30,2021,5000,万元/年,>=,,,",
        "10,H1,tax,,,,,4月30日,2021,172,万元/亩/年,>=,,,退还土地",
        "11,H1,energy,,,,,04-30,2021,100,tce/年,<=,,,",
        "12,H1,emissions,,,,,04-30,2021,3,t/年,<=,,,",
        "13,H1,jobs,,,,,04-30,2021,200,persons,>=,,,",
        "14,H1,plot_ratio_low,2020-01-01,,,,,,1.2,,>=,,,",
        "15,H1,plot_ratio_high,2020-01-01,,,,,,2.0,ratio,<=,,,",
        "16,H1,transfer_limit,2020-01-01,,,,,,50,percent,<=,,,",
    ];
    let file = town.file("o.csv", format!("{head}\n{}\n", rows.join("\n")));
    assert_eq!(town.tally("obligations", &file), [16, 16, 0, 0]);
    assert_eq!(town.tally("obligations", &file), [16, 0, 16, 0]);
    let units: Vec<String> = town
        .values("select unit from obligation where unit is not null group by unit order by unit collate \"C\"")
        .await;
    assert_eq!(units, ["%", "万元/亩", "万元/亩·年", "万元/年", "人", "吨/年", "吨标煤/年"]);
    let valid: Vec<String> = town.values("select distinct valid::text from obligation").await;
    assert_eq!(valid, ["[2015-01-01,)"], "an obligation is law from its contract's first day");
}

#[tokio::test]
async fn a_due_rule_or_unit_that_does_not_fit_is_refused_with_field_and_value() {
    let town = Town::settled().await;
    let head =
        "obligation_no,contract_no,kind,due_on,due_after,due_count,due_unit,due_yearly,due_from_year,target,unit";
    for (row, code, field) in [
        ("1,H1,start,,,,,,,,", "missing-value", "due_on"),
        ("1,H1,start,2020-01-01,signing,1,months,,,,", "two-due-rules", "due_on"),
        ("1,H1,start,,signing,,months,,,,", "missing-value", "due_count"),
        ("1,H1,start,,signing,3,,,,,", "missing-value", "due_unit"),
        ("1,H1,start,,sowing,3,months,,,,", "unknown-word", "due_after"),
        ("1,H1,tax,,,,,02-29,2020,1,万元/年", "not-a-date", "due_yearly"),
        ("1,H1,tax,,,,,04-30,,1,万元/年", "missing-value", "due_from_year"),
        ("1,H1,tax,2020-01-01,,,,,,1,人", "unit-mismatch", "unit"),
        ("1,H1,plot_ratio_low,2020-01-01,,,,,,1,万元", "unit-mismatch", "unit"),
        ("1,H1,start,2020-01-01,,,,,,,万元", "unit-mismatch", "unit"),
    ] {
        let ended = town.import("obligations", &[town.file("o.csv", format!("{head}\n{row}\n"))], &[]);
        let finding = &ended.answer["findings"][0];
        let found = (ended.status, &finding["code"], &finding["facts"]["field"]);
        assert_eq!(found, (Some(1), &json!(code), &json!(field)), "{row}: {ended:?}");
    }
}

#[tokio::test]
async fn a_clock_is_stopped_only_by_a_recorded_ground_with_its_document() {
    let town = Town::settled().await;
    let head = "obligation_no,contract_no,kind,due_on,act,act_on,act_until,act_ground,act_document";
    for (row, field) in [
        ("1,H1,start,2016-01-01,extended,2015-12-01,2016-06-01,,文1", "act_ground"),
        ("1,H1,start,2016-01-01,extended,2015-12-01,2016-06-01,台风,", "act_document"),
        ("1,H1,start,2016-01-01,extended,2015-12-01,,台风,文1", "act_until"),
        ("1,H1,start,2016-01-01,waived,,,台风,文1", "act_on"),
        ("1,H1,start,2016-01-01,extended,2015-12-01,2015-12-01,台风,文1", "act_until"),
        ("1,H1,start,2016-01-01,waived,2999-01-01,,台风,文1", "act_on"),
        ("1,H1,start,2016-01-01,,2015-12-01,,台风,文1", "act"),
    ] {
        let ended = town.import("obligations", &[town.file("o.csv", format!("{head}\n{row}\n"))], &[]);
        assert_eq!(ended.answer["findings"][0]["facts"]["field"], json!(field), "{row}: {ended:?}");
        assert_eq!(ended.status, Some(1));
    }
    let given = |ground: &str| {
        town.file("o.csv", format!("{head}\n1,H1,start,2016-01-01,延期,2015-12-01,2016-06-01,{ground},文1\n"))
    };
    assert_eq!(town.tally("obligations", &given("台风")), [1, 1, 0, 0]);
    assert_eq!(town.tally("obligations", &given("台风")), [1, 0, 1, 0]);
    assert_eq!(town.tally("obligations", &given("洪水")), [1, 1, 0, 0]);
    let acts = "select format('%s %s %s', ground, until, upper_inf(recorded)) from obligation_act order by id";
    assert_eq!(town.values::<String>(acts).await, ["台风 2016-06-01 f", "洪水 2016-06-01 t"]);
}

#[tokio::test]
async fn a_supplementary_contract_names_the_contract_it_supplements() {
    let town = Town::settled().await;
    let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,supplements";
    let file =
        |main: &str| town.file("s.csv", format!("{head}\nH2,{},弹性年期出让,2020-01-01,20,1,{main}\n", parcel_code(1)));
    for (main, code) in [("H9", "unknown-contract"), ("H2", "supplements-itself")] {
        let ended = town.import("contracts", &[file(main)], &[]);
        assert_eq!((ended.status, &ended.answer["findings"][0]["code"]), (Some(1), &json!(code)));
    }
    town.takes("contracts", &file("H1"));
    let stored: String = town.value("select kind || ' ' || supplements from contract where number = 'H2'").await;
    assert_eq!(stored, "flexible_grant H1");
}

#[tokio::test]
async fn a_supplementary_contract_never_hides_the_contract_it_supplements() {
    let town = Town::settled().await;
    let head =
        "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,plot_ratio_high,supplements,valid_to";
    let rows = [
        format!("H1,{},grant,2015-01-01,20,1,1.5,,", parcel_code(1)),
        format!("H2,{},grant,2020-01-01,,0,,H1,", parcel_code(1)),
        // One that is no longer law.
        format!("H3,{},grant,2021-01-01,50,0,8,,2022-01-01", parcel_code(1)),
    ];
    town.takes("contracts", &town.file("s.csv", format!("{head}\n{}\n", rows.join("\n"))));
    let head = "obligation_no,contract_no,kind,due_on";
    town.takes(
        "obligations",
        &town.file("o.csv", format!("{head}\nS,H1,start,2016-01-01\nC,H2,completion,2022-01-01\n")),
    );
    let ledger = town.run(&["ledger", "plot-ratio", "--by", "parcel"]).answer;
    assert_eq!(ledger["rows"][0]["contracted_high"]["plot_ratio"], json!(1.5), "{ledger}");
    let file = town.folder().join("p.csv");
    let ended = town.run(&["export", "parcels", "--format", "csv", "--out", file.to_str().unwrap()]);
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains("H1,2035-01-01"), "{text}");
    let run = town.run(&["review", "run", "--as-of", "2026-06-30", "--out", "out"]);
    assert_eq!(run.status, Some(0), "{}", run.said);
    let receipt: String = town.value("select receipt from review_result where parcel like '%00001'").await;
    let facts = serde_json::from_str::<serde_json::Value>(&receipt).unwrap()["facts"]["contract"].clone();
    let kinds: Vec<_> = facts["duties"].as_array().unwrap().iter().map(|duty| duty["kind"].clone()).collect();
    assert_eq!((&facts["number"], kinds), (&json!("H1"), vec![json!("start"), json!("completion")]), "{receipt}");
}

#[tokio::test]
async fn the_contract_of_a_divided_parcel_is_no_supplement_of_the_one_it_comes_from_but_a_supplement_stays_one() {
    let town = Town::settled().await;
    let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,supplements";
    let rows = [
        format!("H1-S,{},grant,2020-01-01,5,0,H1", parcel_code(1)),
        format!("H1-A,{},grant,2015-01-01,20,1,H1", parcel_code(2)),
        format!("H1-S-A,{},grant,2020-01-01,5,0,H1-S", parcel_code(2)),
    ];
    town.takes("contracts", &town.file("s.csv", format!("{head}\n{}\n", rows.join("\n"))));
    let found = "select number || ' ' || is_supplement(number, parcel, supplements) from contract
        where supplements is not null order by number";
    assert_eq!(town.values::<String>(found).await, ["H1-A false", "H1-S true", "H1-S-A true"]);
}

#[tokio::test]
async fn grants_flexible_terms_leases_and_allocations_are_taken_each_with_the_end_of_its_own_term() {
    let town = Town::settled().await;
    let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms,price_wan_yuan";
    let rows: String = [("A", "出让", "50"), ("B", "弹性年期出让", "20"), ("C", "租赁", "5"), ("D", "划拨", "")]
        .iter()
        .map(|(number, kind, years)| format!("{number},{},{kind},2024-03-01,{years},1,100\n", parcel_code(2)))
        .collect();
    town.takes("contracts", &town.file("k.csv", format!("{head}\n{rows}")));
    let kinds: Vec<String> = town
        .values("select concat_ws(' ', kind, term_starts_on, term_ends_on) from contract where number < 'E' order by number")
        .await;
    assert_eq!(
        kinds,
        [
            "grant 2024-03-01 2074-03-01",
            "flexible_grant 2024-03-01 2044-03-01",
            "lease 2024-03-01 2029-03-01",
            "allocation 2024-03-01",
        ]
    );
}
