//! Rules that make no sense are refused with the place and what would be right; and the bytes of a receipt stay.

use landcycle::domain::review::{
    decision::{Channel, DecisionTable, Idle, List, Situation, Start, Term},
    run::{ReviewError, Rules, judge},
    scheme::{Scheme, SchemeError},
};
use rstest::rstest;

use super::{DECISIONS, Figures as _, VALUES, as_of, day, fixed, indicator, paying, scheme};
use landcycle::domain::review::facts::Measure;

/// A sound scheme of two indicators.
fn sound() -> String {
    let tax = indicator("tax_int", 60.0, r#"{ kind = "fixed", value = 12.0 }"#, "reweigh");
    let output = indicator("out_int", 40.0, r#"{ kind = "peer-percentile", at = 50.0 }"#, "reweigh");
    scheme(&(tax + &output))
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", told(cause)))
}

#[rstest]
#[case::weights_short("weight = 60.0", "weight = 50.0", &["weights", "sum to 90", "expected 100"])]
#[case::no_weight("weight = 60.0", "weight = 0.0", &["indicator 1 (tax_int)", "above 0"])]
#[case::not_a_weight("weight = 60.0", "weight = nan", &["indicator 1 (tax_int)", "weight"])]
#[case::unknown_indicator("tax_int", "tax_per_smile", &["tax_per_smile", "tax_int"])]
#[case::cuts_out_of_order("b = 60.0", "b = 97.0", &["cutoffs", "a < b < c"])]
#[case::last_cut_is_all("c = 95.0", "c = 100.0", &["cutoffs", "c < 100"])]
#[case::short_window("years = 3, least_years = 2", "years = 2, least_years = 2", &["window.years", "2 years", "3 to 5"])]
#[case::long_window("years = 3", "years = 6", &["window.years", "6 years", "3 to 5"])]
#[case::more_than_the_window("least_years = 2", "least_years = 4", &["window.least_years", "1 to 3"])]
#[case::zero_benchmark("value = 12.0", "value = 0.0", &["indicator 1 (tax_int)", "benchmark 0", "above 0"])]
#[case::top_percentile("at = 50.0", "at = 100.0", &["indicator 2 (out_int)", "percentile 100", "below 100"])]
#[case::small_cap("cap = 1.5", "cap = 0.9", &["indicator 1 (tax_int)", "cap 0.9", "at least 1"])]
#[case::twice("out_int", "tax_int", &["indicator 2 (tax_int)", "stands twice"])]
#[case::unknown_key("coverage = 0.6", "coverage = 0.6\ncovrage = 0.7", &["unknown field", "covrage"])]
#[case::missing_key("source = \"assumption\"\ntitle", "title", &["missing field", "source"])]
#[case::coverage_in_percent("coverage = 0.6", "coverage = 60.0", &["gate.coverage", "share of 0 to 1"])]
#[case::lonely_peers("least = 3", "least = 1", &["peers", "2 or more"])]
#[case::no_scope(r#"["M"]"#, "[]", &["scope.land_use", "no land use"])]
#[case::reviewed_too_often("window = {", "review_years = 2\nwindow = {", &["review_years", "2 years between reviews", "3 to 5"])]
#[case::limits_nothing("window = {", "adjustment_limit = { most = 10 }\nwindow = {", &["adjustment_limit", "beside adjustments"])]
#[case::limited_the_other_way("window = {", "adjustment_limit = { most = -1 }\nadjustment = [{ name = \"x\", when = \"locked = true\", points = 1, title = { zh = \"锁\", en = \"l\" }, source = \"assumption\" }]\nwindow = {", &["adjustment_limit", "most above 0"])]
#[case::named_like_the_limit("window = {", "adjustment = [{ name = \"limit\", when = \"locked = true\", points = 1, title = { zh = \"锁\", en = \"l\" }, source = \"assumption\" }]\nwindow = {", &["adjustment \"limit\"", "expected another"])]
#[case::ends_before_it_begins("effective_from = 2024-01-01", "effective_from = 2024-01-01\neffective_to = 2023-01-01", &["effective_to", "before"])]
#[case::no_day("effective_from = 2024-01-01", "effective_from = \"soon\"", &["soon"])]
#[case::unknown_missing("missing = \"reweigh\"", "missing = \"zero\"", &["zero", "reweigh"])]
fn a_scheme_that_makes_no_sense_is_refused(#[case] from: &str, #[case] to: &str, #[case] words: &[&str]) {
    Scheme::parse(&sound()).unwrap();
    let text = sound().replacen(from, to, 1);
    assert_ne!(text, sound(), "the case changes something");
    let error = Scheme::parse(&text).unwrap_err();
    let told = told(&error);
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
}

#[test]
fn a_scheme_judges_no_day_on_which_it_is_not_in_force() {
    let text =
        sound().replacen("effective_from = 2024-01-01", "effective_from = 2024-01-01\neffective_to = 2026-06-29", 1);
    let rules = Rules::parse(&text, DECISIONS, VALUES).unwrap();
    for (on, lawful) in
        [(day(2023, 12, 31), false), (day(2024, 1, 1), true), (day(2026, 6, 29), true), (as_of(), false)]
    {
        let judged = judge(&rules, on, vec![paying(1, 12.0)], 1);
        match judged {
            Err(ReviewError::Scheme(error @ SchemeError::NotInForce { .. })) => {
                assert!(!lawful && error.to_string().contains(&format!("until 2026-06-29, not on {on}")), "{error}");
            }
            other => assert!(lawful, "{on}: {other:?}"),
        }
    }
}

/// One row of a table as text: what it asks for, with any further lines.
fn row(id: &str, when: &str, more: &str) -> String {
    let mut text = format!(
        "[[row]]\nid = \"{id}\"\nwhen = {{ {when} }}\noutcome = \"o\"\nmarks = [\"P\"]\nsource = \"P\"\n\
         title = {{ zh = \"题\", en = \"title\" }}\n"
    );
    for (key, otherwise) in [
        ("track", "\"t\""),
        ("channels", "[]"),
        ("basis", "\"none\""),
        ("ground", "{ zh = \"\", en = \"\" }"),
        ("evidence", "{ zh = \"\", en = \"\" }"),
    ] {
        if !more.contains(&format!("{key} =")) {
            text.push_str(&format!("{key} = {otherwise}\n"));
        }
    }
    text + more + "\n"
}

fn decisions(rows: &[String]) -> String {
    format!("name = \"d\"\nversion = \"1\"\nsource = \"P\"\n{}", rows.concat())
}

const D: &str = r#"grade = ["D"]"#;
const REST: &str = r#"grade = ["A", "B", "C", "T"]"#;
const SHOWN: &str = "evidence = { zh = \"据\", en = \"e\" }\n";
const GROUND: &str = "ground = { zh = \"法\", en = \"law\" }\n";

fn compelling(channel: &str, basis: &str) -> String {
    format!("{GROUND}{SHOWN}channels = [\"{channel}\"]\nbasis = \"{basis}\"")
}

#[rstest]
#[case::gap(&[row("good", REST, "")], &["rows", "none answers", "grade D, tier base", "not idle"])]
#[case::overlap(&[row("all", "", ""), row("poor", D, "")], &["row 1 (all) and row 2 (poor)", "both answer", "grade D", "unless"])]
#[case::dead(
    &[row("all", "", ""), row("never", D, "track = \"late\"\nunless = [\"t\"]")],
    &["row 2 (never)", "can never answer"]
)]
#[case::yields_to_nobody(&[row("x", "", "unless = [\"idle\"]")], &["row 1 (x)", "idle", "no row is on"])]
#[case::yields_to_itself(&[row("x", "", "unless = [\"t\"]")], &["row 1 (x)", "its own track"])]
#[case::twice(&[row("x", D, ""), row("x", REST, "")], &["row 2 (x)", "stands twice"])]
#[case::no_ground(&[row("out", D, "list = \"exit\""), row("rest", REST, "")], &["row 1 (out)", "legal ground"])]
#[case::no_evidence(&[row("out", D, &format!("list = \"exit\"\n{GROUND}")), row("rest", REST, "")], &["row 1 (out)", "evidence"])]
#[case::compulsion_by_agreement(
    &[row("out", "", &compelling("contract-rescission", "agreement"))],
    &["row 1 (out)", "contract-rescission", "Agreement", "expected basis Contract"]
)]
#[case::rescission_for_a_grade(
    &[row("out", D, &compelling("contract-rescission", "contract")), row("rest", REST, "")],
    &["row 1 (out)", "no term of the contract is missed", "grade D"]
)]
#[case::take_back_for_a_grade(
    &[row("out", D, &compelling("idle-land-take-back", "law")), row("rest", REST, "")],
    &["row 1 (out)", "not idle for two years", "grade D"]
)]
#[case::fee_for_a_grade(&[row("out", D, &compelling("idle-land-fee", "law")), row("rest", REST, "")], &["not idle by the holder's fault"])]
#[case::penalty_for_a_grade(&[row("out", D, &compelling("contract-penalty", "contract")), row("rest", REST, "")], &["works are not late"])]
#[case::no_renewal_for_a_grade(&[row("out", D, &compelling("non-renewal", "law")), row("rest", REST, "")], &["not near its end"])]
#[case::deadline_without_a_number(
    &[row("x", "", "deadline = { value = \"v\", text = { zh = \"尽快\", en = \"soon\" } }")],
    &["row 1 (x)", "{n}"]
)]
#[case::misspelt(&[row("x", r#"grades = ["D"]"#, "")], &["grades"])]
#[case::unknown_word(&[row("x", r#"tier = ["suburb"]"#, "")], &["suburb", "base"])]
#[case::unknown_channel(&[row("x", "", "channels = [\"expropriation\"]")], &["expropriation", "platform-repurchase"])]
fn a_decision_table_that_makes_no_sense_is_refused(#[case] rows: &[String], #[case] words: &[&str]) {
    let error = DecisionTable::parse(&decisions(rows)).unwrap_err();
    let told = told(&error);
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
}

#[rstest]
#[case::twice("inside = [\"104\"]", "inside = [\"104\", \"198\"]", &["construction_area", "198 stands inside and outside"])]
#[case::no_such_part("inside = [\"104\"]", "inside = [\"205\"]", &["205", "104"])]
#[case::no_source("source = \"P\"\nassumption", "source = \"\"\nassumption", &["construction_area", "no source"])]
#[case::silent_about_itself("assumption = true\n", "", &["missing field", "assumption"])]
fn a_construction_area_that_makes_no_sense_is_refused(#[case] from: &str, #[case] to: &str, #[case] words: &[&str]) {
    let areas = "[construction_area]\ninside = [\"104\"]\noutside = [\"198\"]\nsource = \"P\"\nassumption = true\n";
    let sound = format!("name = \"d\"\nversion = \"1\"\nsource = \"P\"\n{areas}{}", row("all", "", ""));
    DecisionTable::parse(&sound).unwrap();
    let text = sound.replacen(from, to, 1);
    assert_ne!(text, sound, "the case changes something");
    let told = told(&DecisionTable::parse(&text).unwrap_err());
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
}

#[test]
fn a_deadline_that_the_rulebook_does_not_have_is_refused() {
    let late = row("x", "", "deadline = { value = \"one-day\", text = { zh = \"{n}日\", en = \"{n} days\" } }");
    let error = Rules::parse(&sound(), &decisions(&[late]), VALUES).unwrap_err();
    assert!(told(&error).contains("row 1 (x): deadline \"one-day\" is no rule value"), "{}", told(&error));
}

#[test]
fn the_shipped_table_answers_alike_in_any_order_and_a_grade_alone_compels_nobody() {
    let table = DecisionTable::parse(DECISIONS).unwrap();
    let mut reversed = table.clone();
    reversed.rows.reverse();
    let mut exits = 0;
    for situation in Situation::all() {
        let row = &table.rows[table.decide(&situation).unwrap()];
        assert_eq!(row.id, reversed.rows[reversed.decide(&situation).unwrap()].id, "{}", situation.in_words());
        exits += usize::from(row.list == Some(List::Exit));
        // Nothing but the grade speaks against it: built in time, in its term, no missed promise.
        let blameless = situation.idle == Idle::None
            && situation.start == Start::InTime
            && situation.term == Term::Running
            && !situation.terms_missed;
        let compelled = row.channels.iter().any(|channel| channel.needs().is_some());
        assert!(!(blameless && compelled), "{}: {}", row.id, situation.in_words());
    }
    assert!(exits > 0);
}

#[test]
fn every_way_of_the_closed_list_is_used_by_a_row() {
    let table = DecisionTable::parse(DECISIONS).unwrap();
    let used = |channel: &Channel| table.rows.iter().any(|row| row.channels.contains(channel));
    let idle: Vec<&str> = Channel::ALL.iter().filter(|channel| !used(channel)).map(|channel| channel.name()).collect();
    assert_eq!(idle, Vec::<&str>::new());
}

/// Rules that no file of ours can change.
fn small_rules() -> Rules {
    let keys = [
        ("plot-ratio-reference-industrial", 2),
        ("plot-ratio-reference-research", 3),
        ("tier-deciding-share", 1),
        ("expiry-reminder-months", 18),
        ("idle-fee-months", 12),
        ("idle-take-back-months", 24),
        ("idle-developed-percent", 33),
        ("idle-invested-percent", 25),
        ("contract-rescission-months", 12),
        ("expiry-application-months", 12),
        ("start-bond-part-months", 6),
        ("start-bond-part-percent", 50),
        ("idle-fee-percent", 20),
        ("take-back-notice-days", 30),
        ("bond-grace-days", 60),
        ("lineage-area-tolerance", 1),
    ];
    let values: String = keys
        .iter()
        .map(|(key, value)| {
            format!(
                "[[value]]\nkey = \"{key}\"\ntitle = {{ zh = \"值\", en = \"value\" }}\nvalue = {value}.0\nunit = \"months\"\n\
                 effective_from = 2010-01-01\nsource = \"assumption\"\nassumption = true\n"
            )
        })
        .collect();
    Rules::parse(&sound(), &decisions(&[row("all", "", "")]), &values).unwrap()
}

#[test]
fn the_bytes_of_a_receipt_stay_as_they_are() {
    let facts = paying(1, 15.0).with(Measure::Output, [Some(0.1 + 0.2), None, Some(1e21)]);
    let receipts = judge(&small_rules(), as_of(), vec![facts], 1).unwrap();
    let text = receipts[0].canonical().unwrap();
    assert_eq!(landcycle::domain::review::receipt::hash(text.as_bytes()).len(), 64);
    insta::assert_snapshot!("receipt", text.replace(",\"", ",\n\""));
}

#[test]
fn a_receipt_read_back_has_the_same_bytes() {
    let receipts = judge(&fixed(), as_of(), vec![paying(1, 1.0 / 3.0), paying(2, 7e-9)], 1).unwrap();
    for receipt in receipts {
        let text = receipt.canonical().unwrap();
        let again: landcycle::domain::review::receipt::Receipt = serde_json::from_str(&text).unwrap();
        // What stands beside it is no part of it.
        let bare = landcycle::domain::review::receipt::Receipt { peers_ahead: None, ..receipt };
        assert_eq!((again.canonical().unwrap(), again), (text, bare));
    }
}
