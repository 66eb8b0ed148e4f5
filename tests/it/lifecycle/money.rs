//! The rule by which a parcel came into each state, and the money that this moved: reckoned where a formula and its facts
//! are there, stated otherwise, unknown where neither is.

use crate::support::{Ended, Town, parcel_code};
use serde_json::{Value, json};

/// Contract R1 leases parcel 1; R2 and R3 grant parcels 2 and 3 for 1,000 万元 from 1 March 2020 for twenty years, R2 with a
/// bond in three parts.
async fn town() -> Town {
    let town = Town::settled().await;
    let head = "contract_no,parcel_code,kind,signed_on,term_starts_on,term_years,performance_terms,price_wan_yuan,\
                deposit_wan_yuan,bond_start_wan_yuan,bond_completion_wan_yuan,bond_production_wan_yuan";
    let rows = [
        format!("R1,{},lease,2020-01-10,2020-03-01,20,1,,,,,", parcel_code(1)),
        format!("R2,{},grant,2020-01-10,2020-03-01,20,1,1000,200,50,60,40", parcel_code(2)),
        format!("R3,{},grant,2020-01-10,2020-03-01,20,1,1000,200,,,", parcel_code(3)),
    ];
    town.takes("contracts", &town.file("c.csv", format!("{head}\n{}\n", rows.join("\n"))));
    town
}

/// Does a deed to a numbered parcel, with its facts and what else is said.
fn deed(town: &Town, number: u32, verb: &str, deed: &str, on: &str, facts: &[&str], more: &[&str]) -> Ended {
    let code = parcel_code(number);
    let mut arguments = vec!["lifecycle", verb, &code, deed, "--on", on, "--document", "决定书"];
    arguments.extend(facts.iter().flat_map(|fact| ["--fact", fact]));
    arguments.extend(more);
    town.run(&arguments)
}

fn done(ended: &Ended) -> &Value {
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    &ended.answer
}

/// A start that was due on 1 January 2021 and did not come.
fn late(town: &Town, number: u32, contract: &str) {
    let contract = format!("contract={contract}");
    let facts = [&contract[..], "duty=start", "due_on=2021-01-01"];
    done(&deed(town, number, "found", "delayed", "2021-01-02", &facts, &[]));
}

fn effect(kind: &str, fen: Option<i64>, is: &str) -> Value {
    json!({ "kind": kind, "fen": fen, "is": is })
}

const NOT_ON_RECORD: &str = "select q ->> 'key' from parcel_state s join revision v on v.id = s.revision
    cross join jsonb_array_elements(s.rule -> 'values') q
    where not exists (
        select from rule_value r
        where r.key = q ->> 'key' and r.value = (q ->> 'value')::float8 and r.source = q ->> 'source'
          and lower(r.valid) = (q ->> 'effective_from')::date and r.recorded @> v.recorded_at)";

#[tokio::test]
async fn a_rescission_gives_back_the_price_of_the_remaining_days_and_quotes_rules_that_are_on_record() {
    let town = town().await;
    late(&town, 2, "R2");
    // As if another version of the program had reckoned with another value until now.
    let older = "update rule_value set recorded = tstzrange(lower(recorded), clock_timestamp())
        where key = 'contract-rescission-months'";
    sqlx::query(older).execute(&town.database.pool).await.unwrap();

    let decide = |on: &str| {
        let facts = ["ground=合同解除条款", "notice_until=2022-02-28"];
        deed(&town, 2, "move", "decide_disposal", on, &facts, &[])
    };
    // A year to the day is not more than a year: of the bond all is lost, and nothing is rescinded.
    let year = decide("2022-01-01");
    assert_eq!(done(&year)["money"], json!([effect("start_bond_kept", Some(50_000_000), "reckoned")]));
    done(&town.run(&["lifecycle", "withdraw", &parcel_code(2), "--reason", "误录"]));

    let ended = decide("2022-01-02");
    // 7,305 days from 1 March 2020 to 1 March 2040, of which 6,633 remain: 1,000 x 6,633 / 7,305 less the deposit of 200.
    let expected = json!([
        effect("start_bond_kept", Some(50_000_000), "reckoned"),
        effect("refund", Some(708_008_214), "reckoned"),
        effect("completion_bond_returned", Some(60_000_000), "reckoned"),
        effect("production_bond_returned", Some(40_000_000), "reckoned"),
    ]);
    assert_eq!(done(&ended)["money"], expected);
    let rule = &ended.answer["rule"];
    assert_eq!(rule["id"], "delayed decide_disposal disposing");
    assert!(rule["source"].as_str().unwrap().contains("Parcel records"), "{rule}");
    assert_eq!(rule["version"].as_str().unwrap().len(), 12);
    let values: Vec<_> = rule["values"].as_array().unwrap().iter().map(|one| (&one["key"], &one["value"])).collect();
    let keys = [
        ("contract-rescission-months", 12.0),
        ("start-bond-part-months", 6.0),
        ("start-bond-part-percent", 50.0),
        ("take-back-notice-days", 30.0),
    ];
    let keys: Vec<_> = keys.into_iter().map(|(key, value)| (json!(key), json!(value))).collect();
    assert_eq!(values, keys.iter().map(|(key, value)| (key, value)).collect::<Vec<_>>());
    assert_eq!(town.values::<String>(NOT_ON_RECORD).await, Vec::<String>::new());

    // The file of the parcel tells both, on every road.
    let told = town.run(&["dossier", &parcel_code(2)]).answer;
    let timeline = told["timeline"].as_array().unwrap();
    let entry = timeline.iter().find(|one| one["rule"]["id"] == rule["id"]).unwrap();
    assert_eq!(&entry["rule"], rule);
    assert_eq!(entry["money"][1]["fen"], 708_008_214);
    assert_eq!(entry["money"][1]["zh"], "退还剩余年期价款 708.008214 万元");
    assert!(timeline.iter().all(|one| (one["kind"] == "state") == one["rule"].is_object()), "{timeline:?}");
    for arguments in [["dossier", &parcel_code(2)[..]].as_slice(), &["lifecycle", "show", &parcel_code(2)]] {
        let text = town.command().args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&text.stdout);
        assert!(text.contains("refund of the price of the remaining term: 708.008214 万元"), "{text}");
        assert!(text.contains("Parcel records of the Shanghai land market"), "{text}");
    }
    // What was believed of the wrong entry, and of its money, is kept.
    let life = town.run(&["lifecycle", "show", &parcel_code(2)]).answer;
    assert_eq!(life["life"][1]["money"], expected);
    assert_eq!(life["life"][0]["rule"]["id"], "found");
    let kept: Vec<i64> = town
        .values("select distinct jsonb_array_length(money)::int8 from parcel_state where deed = 'decide_disposal' order by 1")
        .await;
    assert_eq!(kept, [1, 4]);
}

#[tokio::test]
async fn idle_land_costs_at_most_a_share_of_its_price_and_what_is_stated_stays_within_it() {
    let town = town().await;
    let investigate = ["kind=not_started", "since=2021-01-01"];
    for (number, contract) in [(1, "R1"), (3, "R3")] {
        late(&town, number, contract);
        done(&deed(&town, number, "move", "investigate_idleness", "2021-06-01", &investigate, &[]));
    }
    let recognise = |number, on: &str, more: &[&str]| deed(&town, number, "move", "recognise_idleness", on, &[], more);
    let again = |number| done(&town.run(&["lifecycle", "withdraw", &parcel_code(number), "--reason", "误录"])).clone();
    // Not a year yet: nothing is due by the rule.
    assert_eq!(done(&recognise(3, "2021-12-31", &[]))["money"], json!([]));
    again(3);
    let most = recognise(3, "2022-01-01", &[]);
    assert_eq!(done(&most)["money"], json!([effect("idle_fee", Some(200_000_000), "at_most")]));
    assert_eq!(most.answer["rule"]["values"][1]["key"], "idle-fee-percent");
    again(3);

    let before = town.contents().await;
    let beyond = recognise(3, "2022-01-01", &["--money", "idle_fee=200.000001"]);
    assert_eq!(beyond.status, Some(1), "{beyond:?}");
    assert!(beyond.said.contains("allows fee for idle land: at most 200 万元"), "{}", beyond.said);
    for (wrong, why) in [
        ("idle_fee", "expected KIND=AMOUNT"),
        ("gift=1", "kinds: price, refund"),
        ("idle_fee=-1", "at least 0"),
        ("idle_fee=1.0000001", "six decimals at most"),
    ] {
        let ended = recognise(3, "2022-01-01", &["--money", wrong]);
        assert_eq!(ended.status, Some(2), "{wrong}: {ended:?}");
        assert!(format!("{}{}", ended.said, ended.answer).contains(why), "{wrong}: {ended:?}");
    }
    assert_eq!(town.contents().await, before);
    let stated = recognise(3, "2022-01-01", &["--money", "idle_fee=150.25", "--money", "penalty=1"]);
    let expected =
        json!([effect("idle_fee", Some(150_250_000), "stated"), effect("penalty", Some(1_000_000), "stated")]);
    assert_eq!(done(&stated)["money"], expected);

    // Of leased land the rule knows no more than one year's rent, and no rent is on record: due, and how much is unknown.
    assert_eq!(done(&recognise(1, "2022-01-01", &[]))["money"], json!([effect("idle_fee", None, "at_most")]));

    // Two years: taken back for nothing. A day before, the rule gives no such thing.
    let decide = |on: &str| {
        let facts = ["ground=闲置土地处置办法", "notice_until=2023-06-30"];
        deed(&town, 3, "move", "decide_disposal", on, &facts, &[])
    };
    assert_eq!(done(&decide("2022-12-31"))["money"], json!([]));
    again(3);
    assert_eq!(done(&decide("2023-01-01"))["money"], json!([effect("compensation", Some(0), "reckoned")]));
    assert_eq!(town.values::<String>(NOT_ON_RECORD).await, Vec::<String>::new());
}

#[tokio::test]
async fn lives_of_a_file_carry_their_rules_and_money_and_other_money_is_another_life() {
    let town = town().await;
    let (two, three) = (parcel_code(2), parcel_code(3));
    let head = "parcel_code,deed,on,document,state,contract,duty,due_on,money\n";
    let life = |code: &str, contract: &str, money: &str| {
        format!(
            "{code},found,2021-01-02,档案,delayed,{contract},start,2021-01-01,\n{code},start,2021-05-01,开工,,,,,{money}\n"
        )
    };
    let take = |text: &str| town.run(&["lifecycle", "take", town.file("l.csv", text).to_str().unwrap()]);
    let good = format!("{head}{}{}", life(&two, "R2", ""), life(&three, "R3", "penalty=2.5; compensation=1"));
    assert_eq!(take(&good).tally(), [4, 4, 0, 0]);
    let money: Vec<String> = town.values("select money::text from parcel_state where deed = 'start' order by id").await;
    let money: Vec<Value> = money.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    // Four months late: half of the start bond.
    assert_eq!(money[0], json!([effect("start_bond_kept", Some(25_000_000), "reckoned")]));
    assert_eq!(
        money[1],
        json!([effect("penalty", Some(2_500_000), "stated"), effect("compensation", Some(1_000_000), "stated")])
    );
    assert_eq!(town.values::<String>(NOT_ON_RECORD).await, Vec::<String>::new());
    assert_eq!(take(&good).tally(), [4, 0, 4, 0]);
    let other = format!("{head}{}", life(&three, "R3", "penalty=3"));
    assert_eq!(take(&other).answer["findings"][0]["code"], "has-life");
    for (row, wrong) in [(2, "penalty"), (2, "penalty=1;penalty=2")] {
        let text = format!("{head}{}", life(&parcel_code(1), "R1", wrong));
        let found = take(&text).answer["findings"][0].clone();
        assert_eq!((&found["code"], &found["row"]), (&json!("bad-money"), &json!(row)), "{found}");
    }
}

#[tokio::test]
async fn a_state_from_before_rules_were_kept_says_that_they_are_unknown() {
    let town = town().await;
    let old = "insert into parcel_state (parcel_id, since, valid, recorded, state, facts, deed, document, revision)
        values (1, '2020-01-01', '[2020-01-01,)', tstzrange(now(), null), 'operating',
            '{\"state\": \"operating\", \"contract\": null}', 'found', 'd', 1)";
    sqlx::query(old).execute(&town.database.pool).await.unwrap();
    let code = parcel_code(1);
    let life = town.run(&["lifecycle", "show", &code]).answer;
    assert_eq!((&life["life"][0]["rule"], &life["life"][0]["money"]), (&Value::Null, &Value::Null));
    let text = town.command().args(["lifecycle", "show", &code]).output().unwrap();
    assert!(String::from_utf8_lossy(&text.stdout).contains("unknown  unknown"));
    // It stays unknown when the life goes on, and a rule without its money is none.
    done(&deed(&town, 1, "move", "renew", "2024-01-01", &[], &[]));
    let life = town.run(&["lifecycle", "show", &code]).answer;
    assert_eq!(life["life"][0]["rule"], Value::Null);
    assert_eq!(life["life"][1]["rule"]["id"], "operating renew renewing");
    assert_eq!(life["life"][1]["money"], json!([]));
    let half = sqlx::query("update parcel_state set money = null where rule is not null");
    let error = half.execute(&town.database.pool).await.unwrap_err().to_string();
    assert!(error.contains("parcel_state_rule_and_money"), "{error}");
}
