//! The life of a parcel: the table of moves, held by the domain and by the database alike, and the commands on it.

mod money;

use crate::support::{Town, feature, lot, parcel_code};
use chrono::NaiveDate;
use landcycle::domain::lifecycle::{Act, Before, Deed, IdleKind, MOVES, Refused, State};
use serde_json::json;
use std::collections::BTreeSet;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// One state of each kind; those that are told apart by a flag come in both forms.
fn states() -> Vec<State> {
    let contract = || "H1".to_owned();
    let some = || Some(contract());
    let ground = || "ground".to_owned();
    let (due_on, since, until) = (day("2024-01-01"), day("2024-01-02"), day("2024-06-30"));
    let idle = |recognised| State::Idle { contract: contract(), kind: IdleKind::NotStarted, since, recognised };
    let disposing = |was| State::Disposing { contract: some(), ground: ground(), notice_until: until, was };
    vec![
        State::Reserved,
        State::PreAssessed,
        State::Announced,
        State::Contracted { contract: contract() },
        State::Delivered { contract: contract() },
        State::Building { contract: contract() },
        State::Delayed { contract: contract(), duty: "start".into(), due_on, extended_to: None },
        idle(false),
        idle(true),
        State::Completed { contract: contract() },
        State::InProduction { contract: contract() },
        State::Operating { contract: some() },
        State::Rectifying { contract: some(), ground: ground(), until },
        State::Listed { contract: some(), ground: ground() },
        State::Renewing { contract: some() },
        // On the one day on which its term may be renewed as well as have lapsed.
        State::Expiring { contract: contract(), term_ends_on: day("2024-07-01") },
        disposing(Before::Delayed { duty: "start".into(), due_on, extended_to: None }),
        disposing(Before::Idle { kind: IdleKind::Suspended, since }),
        disposing(Before::Listed { ground: ground() }),
        State::TakenBack { ground: ground() },
        State::Stored { ground: ground() },
        State::Reduced { ground: ground() },
        State::Succeeded { event: "1".into() },
        State::Retired { event: "1".into() },
        State::NonIndustrial,
    ]
}

/// Every deed, with facts that meet its conditions on 1 July 2024.
fn deeds() -> Vec<Deed> {
    let (past, later) = (day("2024-06-01"), day("2025-01-01"));
    let (contract, ground) = (|| "H2".to_owned(), || "ground".to_owned());
    vec![
        Deed::BeginAssessment,
        Deed::Announce,
        Deed::FailToSell,
        Deed::Sign { contract: contract() },
        Deed::Rescind,
        Deed::HandOver,
        Deed::Start,
        Deed::MissDate { duty: "start".into(), due_on: past },
        Deed::Extend { until: later },
        Deed::InvestigateIdleness { kind: IdleKind::NotStarted, since: past },
        Deed::RecogniseIdleness,
        Deed::RemedyIdleness { until: later },
        Deed::Accept,
        Deed::Produce,
        Deed::ReachTargets,
        Deed::Rectify { ground: ground(), until: later },
        Deed::PassReassessment,
        Deed::List { ground: ground() },
        Deed::Renew,
        Deed::AmendContract { contract: contract() },
        Deed::NearExpiry { term_ends_on: later },
        Deed::RenewTerm { contract: contract() },
        Deed::Lapse,
        Deed::DecideDisposal { ground: ground(), notice_until: later },
        Deed::UpholdObjection,
        Deed::TakeBack,
        Deed::Store,
        Deed::Reduce,
        Deed::Reserve,
        Deed::LeaveIndustry,
        Deed::Succeed { event: "7".into() },
        Deed::Retire { event: "7".into() },
    ]
}

fn act(deed: Deed) -> Act {
    Act { on: day("2024-07-01"), document: "沪〔2024〕1号".into(), deed }
}

#[test]
fn a_state_makes_exactly_the_moves_of_the_table_and_refuses_every_other_by_naming_those_it_knows() {
    let mut made = BTreeSet::new();
    for state in states() {
        for deed in deeds() {
            let (from, name) = (state.name(), deed.name());
            assert_ne!(name, "", "{deed:?} is in no row of the table");
            match state.clone().make(day("2024-01-01"), act(deed)) {
                Ok(to) => {
                    made.insert((from, name, to.name()));
                }
                Err(Refused::NoSuchMove { can, .. }) => assert!(!can.contains(&format!(" {name},")), "{from} {name}"),
                // Idle land is recognised once, and disposed of only then.
                Err(Refused::Condition { .. }) if from == "idle" => {}
                Err(other) => panic!("{from} {name}: {other}"),
            }
        }
    }
    let table: BTreeSet<_> = MOVES.iter().map(|one| (one.from, one.deed, one.to)).collect();
    assert_eq!(made, table);
    assert_eq!(table.len(), MOVES.len(), "no move is in the table twice");
    assert!(MOVES.iter().all(|one| !one.trigger_zh.is_empty() && !one.trigger_en.is_empty() && !one.source.is_empty()));
}

#[test]
fn a_deed_needs_a_document_a_day_not_before_the_state_and_the_conditions_of_the_law() {
    let building = || State::Building { contract: "H1".into() };
    let refusal = |state: State, on: &str, document: &str, deed: Deed| {
        let act = Act { on: day(on), document: document.into(), deed };
        state.make(day("2024-01-01"), act).unwrap_err().to_string()
    };
    assert!(refusal(building(), "2024-07-01", " ", Deed::Accept).contains("names no document"));
    assert!(refusal(building(), "2023-12-31", "d", Deed::Accept).contains("lies before 2024-01-01"));
    let missed = Deed::MissDate { duty: "completion".into(), due_on: day("2024-07-01") };
    assert!(refusal(building(), "2024-07-01", "d", missed).contains("has not passed"));
    let listed = || State::Listed { contract: None, ground: "D".into() };
    let decide = Deed::DecideDisposal { ground: " ".into(), notice_until: day("2024-08-01") };
    assert!(refusal(listed(), "2024-07-01", "d", decide).contains("a low grade alone gives none"));
    let decide = Deed::DecideDisposal { ground: "contract art. 9".into(), notice_until: day("2024-08-01") };
    let disposing = listed().make(day("2024-01-01"), act(decide)).unwrap();
    assert!(
        refusal(disposing.clone(), "2024-08-01", "d", Deed::TakeBack).contains("public notice runs until 2024-08-01")
    );
    let taken = disposing.make(day("2024-07-01"), Act { on: day("2024-08-02"), ..act(Deed::TakeBack) });
    assert_eq!(taken, Ok(State::TakenBack { ground: "contract art. 9".into() }));
    let expiring = State::Expiring { contract: "H1".into(), term_ends_on: day("2024-12-31") };
    assert!(refusal(expiring, "2024-12-30", "d", Deed::Lapse).contains("the term runs until 2024-12-31"));
}

#[test]
fn an_objection_that_is_upheld_puts_the_land_back_where_it_was_with_all_its_facts() {
    for was in states() {
        let decide = Deed::DecideDisposal { ground: "law".into(), notice_until: day("2024-08-01") };
        let Ok(disposing) = was.clone().make(day("2024-01-01"), act(decide)) else { continue };
        assert_eq!(disposing.make(day("2024-07-01"), act(Deed::UpholdObjection)), Ok(was));
    }
}

#[test]
fn a_state_reads_as_it_was_written() {
    for state in states() {
        let text = serde_json::to_string(&state).unwrap();
        assert!(text.contains(&format!("\"state\":\"{}\"", state.name())), "{text}");
        assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
        assert!(!state.title().0.is_empty() && !state.title().1.is_empty());
    }
}

#[tokio::test]
async fn the_database_keeps_the_same_table_as_the_program() {
    let town = Town::empty().await;
    let stored: BTreeSet<String> = town
        .values("select format('%s %s %s', from_state, deed, to_state) from lifecycle_move")
        .await
        .into_iter()
        .collect();
    let ours: BTreeSet<String> = MOVES.iter().map(|one| format!("{} {} {}", one.from, one.deed, one.to)).collect();
    assert_eq!(stored, ours);
}

#[tokio::test]
async fn a_move_that_the_table_does_not_have_is_refused_by_the_database_too() {
    let town = Town::settled().await;
    let pool = &town.database.pool;
    let insert = "insert into parcel_state (parcel_id, since, valid, recorded, state, facts, deed, document, revision)
        values (1, lower($1::daterange), $1::daterange, tstzrange(now(), null), $2, jsonb_build_object('state', $2), $3, 'd', 1)";
    let put = async |valid: &str, state: &str, deed: &str| {
        sqlx::query(insert).bind(valid).bind(state).bind(deed).execute(pool).await.map_err(|error| error.to_string())
    };
    assert!(put("[2020-01-01,2021-01-01)", "reserved", "announce").await.unwrap_err().contains("no state"));
    put("[2020-01-01,2021-01-01)", "reserved", "found").await.unwrap();
    let skipped = put("[2021-01-01,)", "building", "start").await.unwrap_err();
    assert!(skipped.contains("start does not lead from reserved to building"), "{skipped}");
    // A gap between two states is no life either.
    assert!(put("[2021-02-01,)", "pre_assessed", "begin_assessment").await.is_err());
    put("[2021-01-01,)", "pre_assessed", "begin_assessment").await.unwrap();
    // What leaves a gap behind when it is withdrawn is refused as well.
    let withdraw =
        "update parcel_state set recorded = tstzrange(lower(recorded), clock_timestamp()) where deed = 'found'";
    assert!(sqlx::query(withdraw).execute(pool).await.is_err());
}

#[tokio::test]
async fn a_life_is_led_by_commands_and_reads_as_one_history() {
    let town = Town::settled().await;
    let code = parcel_code(1);
    let lifecycle = |arguments: &[&str]| {
        let mut all = vec!["lifecycle"];
        all.extend(arguments);
        town.run(&all)
    };
    let none = lifecycle(&["move", &code, "start", "--on", "2016-01-01", "--document", "d"]);
    assert_eq!(none.status, Some(1));
    assert!(none.said.contains("has no state on record yet"), "{}", none.said);

    let found =
        ["found", &code, "delivered", "--on", "2015-03-01", "--document", "交地确认书", "--fact", "contract=H1"];
    assert_eq!(lifecycle(&found).status, Some(0));
    let twice = lifecycle(&found);
    assert!(twice.status == Some(1) && twice.said.contains("found only once"), "{}", twice.said);
    for (deed, on, facts) in [
        ("miss_date", "2015-10-01", &["duty=start", "due_on=2015-09-01"][..]),
        ("start", "2015-12-01", &[]),
        ("accept", "2018-05-01", &[]),
        ("produce", "2018-11-01", &[]),
        ("reach_targets", "2020-01-01", &[]),
    ] {
        let mut arguments = vec!["move", &code, deed, "--on", on, "--document", "档案"];
        arguments.extend(facts.iter().flat_map(|fact| ["--fact", fact]));
        let ended = lifecycle(&arguments);
        assert_eq!(ended.status, Some(0), "{deed}: {}", ended.said);
    }
    let wrong = lifecycle(&["move", &code, "hand_over", "--on", "2021-01-01", "--document", "d"]);
    assert_eq!(wrong.status, Some(1));
    assert!(wrong.said.contains("a parcel that is operating cannot hand_over; it can: "), "{}", wrong.said);

    let life = lifecycle(&["show", &code]).answer;
    let states: Vec<_> = life["life"].as_array().unwrap().iter().map(|stay| stay["state"]["state"].clone()).collect();
    assert_eq!(
        states,
        ["delivered", "delayed", "building", "completed", "in_production", "operating"].map(|s| json!(s))
    );
    let days: Vec<_> = life["life"].as_array().unwrap().iter().map(|stay| (&stay["from"], &stay["to"])).collect();
    assert!(days.windows(2).all(|pair| pair[0].1 == pair[1].0), "each state ends where the next begins: {days:?}");
    assert!(life["next"].as_array().unwrap().iter().any(|one| one["deed"] == "rectify"));

    // Entered in error: taken back, and what was believed is kept.
    let believed: String =
        town.value("select to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')").await;
    assert_eq!(lifecycle(&["withdraw", &code, "--reason", "误录"]).answer["to"]["state"], "in_production");
    let now = lifecycle(&["show", &code]).answer;
    assert_eq!(now["life"].as_array().unwrap().len(), 5);
    assert_eq!(now["life"][4]["to"], json!(null));
    let then = lifecycle(&["show", &code, "--known-at", &believed]).answer;
    assert_eq!(then["life"], life["life"]);
}

#[tokio::test]
async fn a_disposal_is_decided_with_a_public_notice_no_shorter_than_the_rule_of_its_day() {
    let town = Town::settled().await;
    let code = parcel_code(1);
    let found = ["lifecycle", "found", &code, "listed", "--on", "2024-01-01", "--document", "d", "--fact", "ground=D"];
    assert_eq!(town.run(&found).status, Some(0));
    let decide = |until: &str| {
        let until = format!("notice_until={until}");
        let deed = ["lifecycle", "move", &code, "decide_disposal", "--on", "2024-07-01", "--document", "决定书"];
        let facts = ["--fact", "ground=合同第九条", "--fact", &until];
        town.run(&[&deed[..], &facts[..]].concat())
    };
    let short = decide("2024-07-30");
    assert_eq!(short.status, Some(1));
    assert!(short.said.contains("at least 30 days, so until 2024-07-31 or later"), "{}", short.said);
    assert_eq!(decide("2024-07-31").status, Some(0));
}

#[tokio::test]
async fn a_contract_that_nobody_knows_and_land_that_is_not_law_are_refused() {
    let town = Town::settled().await;
    let found = |code: &str, on: &str, contract: &str| {
        let contract = format!("contract={contract}");
        town.run(&["lifecycle", "found", code, "delivered", "--on", on, "--document", "d", "--fact", &contract])
    };
    let unknown = found(&parcel_code(1), "2020-01-01", "NOPE");
    assert_eq!(unknown.status, Some(1));
    assert!(unknown.said.contains("there is no contract NOPE"), "{}", unknown.said);
    town.takes(
        "parcels",
        &town.geojson(
            "late",
            &[feature(&json!({"parcel_code": parcel_code(9), "land_use": "M1", "valid_from": "2021-01-01"}), &lot(9))],
        ),
    );
    let early = found(&parcel_code(9), "2020-12-31", "H1");
    assert_eq!(early.status, Some(1));
    assert!(early.said.contains("is not law on 2020-12-31"), "{}", early.said);
    assert_eq!(found(&parcel_code(9), "2021-01-01", "H1").status, Some(0));
}

#[tokio::test]
async fn what_is_yet_to_come_and_a_term_that_is_far_from_its_end_are_refused() {
    let town = Town::settled().await;
    let code = parcel_code(1);
    let found = |on: &str| {
        let facts = ["--document", "d", "--fact", "contract=H1"];
        town.run(&[&["lifecycle", "found", &code, "in_production", "--on", on][..], &facts[..]].concat())
    };
    let later = found("2099-01-01");
    assert_eq!(later.status, Some(1));
    assert!(later.said.contains("yet to come"), "{}", later.said);
    assert_eq!(found("2020-01-01").status, Some(0));
    let near = |ends: &str| {
        let ends = format!("term_ends_on={ends}");
        let deed =
            ["lifecycle", "move", &code, "near_expiry", "--on", "2024-07-01", "--document", "d", "--fact", &ends];
        town.run(&deed)
    };
    let far = near("2025-07-02");
    assert_eq!(far.status, Some(1));
    assert!(far.said.contains("near its end from 2024-07-02"), "{}", far.said);
    assert_eq!(near("2025-07-01").status, Some(0));
}

#[tokio::test]
async fn two_deeds_of_one_day_are_both_on_record_in_their_order() {
    let town = Town::settled().await;
    let code = parcel_code(3);
    for arguments in [
        ["found", "announced", "--on", "2024-05-01"],
        ["move", "fail_to_sell", "--on", "2024-05-02"],
        ["move", "begin_assessment", "--on", "2024-05-02"],
        ["move", "announce", "--on", "2024-05-02"],
    ] {
        let ended =
            town.run(&["lifecycle", arguments[0], &code, arguments[1], "--on", arguments[3], "--document", "d"]);
        assert_eq!(ended.status, Some(0), "{}", ended.said);
    }
    let life = town.run(&["lifecycle", "show", &code]).answer;
    let stays: Vec<String> = life["life"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stay| format!("{} {} {}", stay["state"]["state"], stay["from"], stay["to"]).replace('"', ""))
        .collect();
    assert_eq!(
        stays,
        [
            "announced 2024-05-01 2024-05-02",
            "reserved 2024-05-02 2024-05-02",
            "pre_assessed 2024-05-02 2024-05-02",
            "announced 2024-05-02 null",
        ]
    );
    assert_eq!(town.run(&["lifecycle", "withdraw", &code, "--reason", "误录"]).answer["to"]["state"], "pre_assessed");
}

#[tokio::test]
async fn of_two_people_who_move_a_parcel_at_once_one_does_and_the_other_is_told() {
    let town = Town::settled().await;
    let code = parcel_code(2);
    let found = ["lifecycle", "found", &code, "delivered", "--document", "d", "--fact", "contract=H1"];
    assert_eq!(town.run(&found).status, Some(0));
    let start = || {
        let arguments = ["--json", "lifecycle", "move", &code, "start", "--document", "d"];
        town.command().args(arguments).stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let mut both = [start(), start()];
    let mut ended: Vec<_> = both.iter_mut().map(|child| child.wait().unwrap().code()).collect();
    ended.sort_unstable();
    assert_eq!(ended, [Some(0), Some(1)]);
}

#[tokio::test]
async fn lives_are_taken_from_a_file_each_whole_or_not_at_all_and_twice_changes_nothing() {
    let town = Town::settled().await;
    let (one, two, three) = (parcel_code(1), parcel_code(2), parcel_code(3));
    let head = "parcel_code,deed,on,document,state,contract,ground,until\n";
    let good = format!(
        "{head}{one},found,2015-01-01,合同,contracted,H1,,\n{one},hand_over,2015-03-01,交地书,,,,\n\
         {one},start,2015-03-01,开工,,,,\n{two},found,2020-01-01,调查,operating,,,\n"
    );
    let file = |name: &str, text: &str| town.file(name, text).to_str().unwrap().to_owned();
    let take = |path: &str| town.run(&["lifecycle", "take", path]);
    let ended = take(&file("lives.csv", &good));
    assert_eq!((ended.status, ended.tally()), (Some(0), [4, 4, 0, 0]), "{}", ended.said);
    let stays: Vec<String> = town
        .values("select format('%s %s %s %s', right(p.code, 1), s.state, s.valid, s.deed) from parcel_state s join parcel p on p.id = s.parcel_id where upper_inf(s.recorded) order by s.id")
        .await;
    assert_eq!(
        stays,
        [
            "1 contracted [2015-01-01,2015-03-01) found",
            "1 delivered empty hand_over",
            "1 building [2015-03-01,) start",
            "2 operating [2020-01-01,) found",
        ]
    );
    // As if it had been told deed by deed: it moves on from there.
    let moved = town.run(&["lifecycle", "move", &one, "accept", "--document", "验收", "--on", "2016-01-01"]);
    assert_eq!(moved.status, Some(0), "{}", moved.said);
    let before = town.contents().await;
    assert_eq!(take(&file("lives.csv", &good)).tally(), [4, 0, 4, 0]);
    for (rows, code, row) in [
        (format!("{three},found,2024-01-01,文,operating,,,\n{three},start,2024-02-01,文,,,,\n"), "move-refused", 2),
        (format!("{three},start,2024-02-01,文,,,,\n"), "life-begins-otherwise", 1),
        (format!("{three},found,2024-02-01,,operating,,,\n"), "document-missing", 1),
        (format!("{three},found,2999-02-01,文,operating,,,\n"), "act-in-future", 1),
        (format!("{three},found,yesterday,文,operating,,,\n"), "bad-date", 1),
        (format!("{three},found,2024-02-01,文,flying,,,\n"), "bad-facts", 1),
        (format!("{three},found,2024-02-01,文,operating,H9,,\n"), "unknown-contract", 1),
        (format!("{three},found,2024-02-01,文,operating,,,\n{three},rectify,2024-03-01,文,,,x,\n"), "bad-facts", 2),
        (format!("{two},found,2021-01-01,文,operating,,,\n"), "has-life", 1),
        (format!("{},found,2021-01-01,文,operating,,,\n", parcel_code(9)), "unknown-parcel", 1),
        ("GB1,found,2021-01-01,文,operating,,,\n".to_owned(), "bad-parcel-code", 1),
    ] {
        let ended = take(&file("bad.csv", &format!("{head}{rows}")));
        let found = &ended.answer["findings"][0];
        assert_eq!((ended.status, &found["code"], &found["row"]), (Some(1), &json!(code), &json!(row)), "{ended:?}");
        assert_eq!(town.contents().await, before, "{code}");
    }
    // What does not hold of one parcel does not stop another.
    let mixed = format!("{head}{two},found,2021-01-01,文,operating,,,\n{three},found,2021-01-01,文,operating,,,\n");
    assert_eq!(take(&file("mixed.csv", &mixed)).tally(), [2, 1, 0, 1]);
    let headless = take(&file("headless.csv", "parcel_code,deed\n"));
    assert_eq!((headless.status, &headless.answer["error"]), (Some(1), &json!("refused")), "{headless:?}");
}
