//! Schemes that are in use elsewhere, each with an example worked out by hand; and the keys of a scheme that they need.

use super::{DECISIONS, Figures as _, VALUES, day, judged, parcel, paying, peers, scheme};
use landcycle::domain::review::facts::{Facts, MainUser, Measure, Occupied, VetoFact};
use landcycle::domain::review::{grade::Grade, indicator::Indicator, receipt::NotJudged, run::Rules, scheme::Scheme};
use rstest::rstest;

fn of(text: &str) -> Rules {
    Rules::parse(text, DECISIONS, VALUES).unwrap()
}

fn user(facts: Facts, code: &str, above_scale: Option<bool>) -> Facts {
    Facts { user: Some(MainUser { code: code.into(), above_scale, founded_on: Some(day(2000, 1, 1)) }), ..facts }
}

/// A parcel of 30 mu with these figures in each year, its user above scale.
fn above(number: u32, figures: &[(Measure, f64)]) -> Facts {
    let facts = user(parcel(number), &format!("E{number}"), Some(true));
    figures.iter().fold(facts, |facts, (measure, figure)| facts.with(*measure, [Some(*figure); 3]))
}

fn points(receipt: &landcycle::domain::review::receipt::Receipt) -> Vec<Option<f64>> {
    receipt.indicators.iter().map(|line| line.points).collect()
}

/// On 30 mu: 30 × tax = 722.91 or 780.3; value added twice its benchmark, energy so that it is half of it, staff and
/// research so that they meet it. The first reports no emissions; the second 1.5 times the benchmark and nothing else.
#[rstest]
#[case::of_2022(include_str!("../../../data/schemes/huangyan-2022.toml"), [24.097, 136.16, 2.694, 4929.81, 18.14, 3.02])]
#[case::of_2021(include_str!("../../../data/schemes/huangyan-2021.toml"), [26.01, 132.27, 2.54, 4861.08, 17.45, 3.05])]
fn huangyan_above_scale(#[case] text: &str, #[case] base: [f64; 6]) {
    let [tax, added, energy, emissions, labour, research] = base;
    let value_added = 2.0 * added * 30.0;
    let whole = |number| {
        above(
            number,
            &[
                (Measure::Tax, tax * 30.0),
                (Measure::ValueAdded, value_added),
                (Measure::Energy, value_added / (energy / 2.0)),
                (Measure::Staff, value_added / labour),
                (Measure::Research, research),
                (Measure::Revenue, 100.0),
            ],
        )
    };
    let silent = whole(1);
    let clean = whole(2).with(Measure::Emissions, [Some(value_added / (1.5 * emissions)); 3]);
    let below = user(whole(3), "E3", Some(false));
    let receipts = judged(&of(text), vec![silent, clean, below]);
    // 30 × 1 + 20 × 2 + 20 × 0.5 + 10 × 1.5 + 10 × 1 + 10 × 1 = 115, and the group's mean of 15 for who is silent.
    let expected = [30.0, 40.0, 10.0, 15.0, 10.0, 10.0];
    for receipt in &receipts[..2] {
        let near = points(receipt).iter().zip(expected).all(|(is, right)| (is.unwrap() - right).abs() < 1e-4);
        assert!(near && (receipt.score.unwrap() - 115.0).abs() < 1e-3, "{:?}", points(receipt));
    }
    assert_eq!((receipts[0].indicators[3].imputed, receipts[1].indicators[3].imputed), (true, false));
    assert_eq!((receipts[0].part.as_str(), receipts[2].part.as_str()), ("above-scale", "below-scale"));
}

/// A parcel of 30 mu whose user is below scale, with tax in 万元 and electricity in kWh a year.
fn below(number: u32, tax: f64, electricity: f64) -> Facts {
    user(parcel(number), &format!("S{number}"), Some(false))
        .with(Measure::Tax, [Some(tax); 3])
        .with(Measure::Electricity, [Some(electricity); 3])
}

#[test]
fn huangyan_2022_below_scale() {
    let rules = of(include_str!("../../../data/schemes/huangyan-2022.toml"));
    // 347.796 万元 on 30 mu are 11.5932 a mu: 50 of 50. They are 3,477,960 yuan; over 7,393,622.449 kWh that is 0.4704 yuan,
    // twice the base figure: 100 of 50, as there is no cap. The second pays half of it for as much electricity: 25 and 50.
    let receipts = judged(&rules, vec![below(1, 347.796, 7_393_622.449), below(2, 173.898, 7_393_622.449)]);
    let scores: Vec<f64> = receipts.iter().map(|one| one.score.unwrap()).collect();
    assert!((scores[0] - 150.0).abs() < 1e-3 && (scores[1] - 75.0).abs() < 1e-3, "{scores:?}");
    // Whose electricity nobody knows is judged by tax alone, which is half of the weights: too little of the 60 % asked for.
    let dark = user(paying(3, 11.5932), "S3", Some(false));
    assert_eq!(judged(&rules, vec![dark])[0].not_judged, [NotJudged::Coverage { known: 0.5, asked: 0.6 }]);
}

#[test]
fn huangyan_2021_below_scale_is_an_assumption_measured_against_the_mean() {
    let text = include_str!("../../../data/schemes/huangyan-2021.toml");
    let (_, part) = text.split_once("name = \"below-scale\"").unwrap();
    assert_eq!(part.matches("source = \"assumption").count(), 2, "its figures were not read");
    // 10 and 20 万元/亩: the mean is 15, two thirds of 50 and four thirds of 50. Both pay 1.5 yuan for a kWh: 50 each.
    let receipts = judged(&of(text), vec![below(1, 300.0, 2_000_000.0), below(2, 600.0, 4_000_000.0)]);
    assert_eq!([receipts[0].score, receipts[1].score], [Some(83.3333), Some(116.6667)]);
}

#[test]
fn linhai_judges_land_from_3_mu_and_below_by_two_formulas() {
    let rules = of(include_str!("../../../data/schemes/linhai.toml"));
    let large = [
        (Measure::Tax, 450.0),
        (Measure::Revenue, 4_500.0),
        (Measure::ValueAdded, 900.0),
        (Measure::Energy, 300.0),
        (Measure::Cod, 0.9),
        (Measure::Water, 9_000.0),
        (Measure::Staff, 60.0),
    ];
    let large = large.iter().fold(parcel(1), |facts, (measure, figure)| facts.with(*measure, [Some(*figure); 3]));
    // On 2 mu: 30 万元 of tax, 1,200 of sales, and 300,000 kWh.
    let small = parcel(2)
        .with(Measure::Tax, [Some(30.0); 3])
        .with(Measure::Revenue, [Some(1_200.0); 3])
        .with(Measure::Electricity, [Some(300_000.0); 3]);
    let small = Facts { land_m2: 2.0 * 10_000.0 / 15.0, ..small };
    let receipts = judged(&rules, vec![large, small]);
    // 30 mu: tax 15 of 15 is 40; sales 150 of 300 is 5; 900 / 300 = 3 of 3 is 20; 900 / 0.9 = 1,000 of 500 is 30;
    // 900 / 9,000 = 0.1 of 0.1 is 5; 900 / 60 = 15 of 15 is 10: together 110.
    assert_eq!((receipts[0].part.as_str(), receipts[0].score), ("from-3-mu", Some(110.0)));
    assert_eq!(points(&receipts[0]), [40.0, 5.0, 20.0, 30.0, 5.0, 10.0].map(Some));
    // 2 mu: tax 15 of 15 is 50; sales 600 of 300 is 40; 300,000 yuan / 300,000 kWh = 1 of 2 is 15: together 105.
    assert_eq!((receipts[1].part.as_str(), receipts[1].score), ("below-3-mu", Some(105.0)));
}

#[test]
fn huaian_measures_against_twice_the_mean_of_the_year_before() {
    let rules = of(include_str!("../../../data/schemes/huaian-2024.toml"));
    let of = |number, tax: [f64; 2], sales: f64| {
        above(number, &[(Measure::Revenue, sales * 30.0), (Measure::ValueAdded, 300.0), (Measure::Energy, 100.0)])
            .with(Measure::Tax, [None, Some(tax[0] * 30.0), Some(tax[1] * 30.0)])
    };
    let receipts = judged(&rules, vec![of(1, [4.0, 18.0], 100.0), of(2, [8.0, 6.0], 300.0)]);
    // Tax: the mean of 2024 is 6, twice that is 12; 18 is 1.5 × 45 = 67.5. Sales: the mean is 200, twice 400;
    // 100 is 0.25 × 35 = 8.75. Value added per energy is 3 of 6: 10. Together 86.25.
    assert_eq!(receipts[0].indicators[0].benchmark, Some(12.0));
    assert_eq!((points(&receipts[0]), receipts[0].score), (vec![Some(67.5), Some(8.75), Some(10.0)], Some(86.25)));
    // 6 of 12 is 22.5; 300 of 400 is 26.25; and 10: 58.75.
    assert_eq!(receipts[1].score, Some(58.75));
}

#[test]
fn the_prefecture_judges_by_two_formulas() {
    let rules = of(include_str!("../../../data/schemes/prefecture-45.toml"));
    let figures = |tax: f64| [(Measure::Tax, tax), (Measure::ValueAdded, 300.0), (Measure::Staff, 10.0)];
    let large = |number, tax| above(number, &figures(tax));
    let small = |number, tax: f64| user(paying(number, tax), &format!("S{number}"), Some(false));
    let tiny = Facts { land_m2: 3_000.0, ..small(5, 9.0) };
    let mut young = small(6, 9.0);
    young.user = Some(MainUser { founded_on: Some(day(2022, 7, 1)), ..young.user.unwrap() });
    let let_out = Occupied { floor_m2: 5_000.0, leased_m2: 3_000.0 };
    let leased = Facts { occupied: Some(let_out), land_m2: 3_000.0, ..small(7, 0.9) };
    let partly = Facts { occupied: Some(Occupied { leased_m2: 2_999.0, ..let_out }), ..tiny.clone() };
    let partly = Facts { code: parcel(8).code, ..partly };
    let receipts = judged(
        &rules,
        vec![large(1, 450.0), large(2, 150.0), small(3, 6.0), small(4, 2.0), tiny, young, leased, partly],
    );
    // Known are 45 + 20 + 15 of 100. Tax 15 of the mean 10 is 67.5, the others meet their means: 100 × 102.5 / 80.
    assert_eq!((receipts[0].part.as_str(), receipts[0].score), ("above-scale", Some(128.125)));
    // Tax only: 6 and 2 on 30 mu, and 27 万元 on the 4.5 mu of leased plant, which are 6 as well; the mean is 14 / 3.
    assert_eq!((receipts[2].part.as_str(), receipts[2].score, receipts[2].of), ("below-scale", Some(128.5714), 3));
    assert_eq!((receipts[6].part.as_str(), receipts[6].score), ("below-scale", Some(128.5714)));
    assert_eq!(receipts[4].not_judged, [NotJudged::OutOfScope]);
    assert_eq!(receipts[7].not_judged, [NotJudged::OutOfScope], "a square metre short of 3,000");
    assert!(matches!(&receipts[5].not_judged[..], [NotJudged::Ungraded { name, .. }] if name == "founded-lately"));
}

#[test]
fn parcels_of_one_holder_are_judged_on_their_sums_where_the_scheme_says_so() {
    let text = scheme(&super::indicator("tax_int", 100.0, r#"{ kind = "fixed", value = 10.0 }"#, "reweigh")).replacen(
        "source = \"assumption\"\n",
        "source = \"assumption\"\nunit = \"holder\"\n",
        1,
    );
    let facts = vec![
        user(paying(1, 4.0), "A", None),
        user(Facts { land_m2: 10_000.0, ..paying(2, 0.0) }.with(Measure::Tax, [Some(330.0); 3]), "A", None),
        user(paying(3, 5.0), "B", None),
    ];
    let receipts = judged(&of(&text), facts);
    // A pays 4 × 30 + 330 = 450 on 30 + 15 mu: 10 a mu, the benchmark. B pays half of it.
    let found: Vec<_> = receipts.iter().map(|one| (one.score, one.rank, one.of)).collect();
    assert_eq!(found, [(Some(100.0), Some(1), 2), (Some(100.0), Some(1), 2), (Some(50.0), Some(2), 2)]);
    assert_eq!(receipts[0].holder.as_ref().unwrap().parcels.len(), 2);
}

#[test]
fn a_band_gives_full_points_inside_and_falls_in_a_line_outside() {
    let text = super::indicator("far_actual", 100.0, "{}", "reweigh").replacen("higher", "band", 1).replacen(
        "benchmark = {}",
        "band = { none_below = 0.5, low = 1.5, high = 2.0, none_above = 4.0 }",
        1,
    );
    let rules = of(&scheme(&text));
    let score = |floor: f64| super::one(&rules, Facts { floor_m2: Some(floor), ..parcel(1) }).score;
    // On 20,000 m²: 1.0 is half-way from 0.5 to 1.5, 3.0 half-way from 2.0 to 4.0.
    assert_eq!([20_000.0, 30_000.0, 40_000.0, 60_000.0].map(score), [50.0, 100.0, 100.0, 50.0].map(Some));
    assert_eq!([10_000.0, 100_000.0].map(score), [0.0, 0.0].map(Some));
}

#[test]
fn an_outlier_counts_as_the_percentile_and_the_receipt_shows_both() {
    let base = super::indicator("tax_int", 100.0, r#"{ kind = "peer-mean" }"#, "reweigh");
    let rules = of(&scheme(&(base + "winsorise = { low = 0.0, high = 50.0 }\n")));
    let receipts = judged(&rules, vec![paying(1, 10.0), paying(2, 20.0), paying(3, 1e15)]);
    let line = &receipts[2].indicators[0];
    // The median is 20; counted are 10, 20 and 20, whose mean is 16.666667.
    assert_eq!((line.value, line.counted, line.benchmark), (Some(1e15), Some(20.0), Some(16.666_667)));
    assert_eq!((receipts[2].score, receipts[1].score), (Some(120.0), Some(120.0)));
}

#[test]
fn points_are_added_cut_by_score_and_faults_cap_as_the_scheme_says() {
    let text = scheme(&super::indicator("tax_int", 100.0, r#"{ kind = "fixed", value = 10.0 }"#, "reweigh"))
        .replacen("a = 20.0, b = 60.0, c = 95.0", "by = \"score\", a = 100.0, b = 80.0, c = 50.0", 1)
        .replacen("caps_at = \"D\"", "kinds = [\"safety\"], years = 2, caps_at = \"C\"", 1)
        + "[[adjustment]]\nname = \"base\"\nwhen = \"tier = 'base'\"\npoints = 5.0\nsource = \"assumption\"\n\
           title = { zh = \"基地\", en = \"base\" }\n";
    let rules = of(&text);
    let fault = |kind: &str, year| VetoFact { enterprise: "E".into(), year, kind: kind.into() };
    let with = |number, tax, vetoes| Facts { vetoes, ..paying(number, tax) };
    let facts = vec![
        with(1, 9.5, vec![]),
        with(2, 7.5, vec![]),
        with(3, 4.4, vec![]),
        with(4, 9.5, vec![fault("safety", 2025)]),
        with(5, 9.5, vec![fault("safety", 2024)]),
        with(6, 9.5, vec![fault("environment", 2026)]),
    ];
    let receipts = judged(&rules, facts);
    let grades: String = receipts.iter().map(|one| one.grade.name()).collect();
    // 95, 75 and 44 with 5 points each; a safety fault of this year or the last leaves C at best.
    assert_eq!(grades, "ABDCAA");
    assert_eq!((receipts[0].score, receipts[0].adjustments.len()), (Some(100.0), 1));
    // What is told of a fault is what the scheme makes of it.
    for (place, told) in [(3, "limits the grade as the scheme says; it is C"), (5, "the scheme limits no grade for it")]
    {
        let words = landcycle::domain::review::explain::explain(&receipts[place], &Default::default());
        assert!(format!("{words:?}").contains(told), "{told}: {words:?}");
    }
}

#[test]
fn peers_widen_level_by_level_and_equal_scores_may_share_a_rank() {
    let text = scheme(&super::indicator("tax_int", 100.0, r#"{ kind = "peer-mean" }"#, "reweigh"))
        .replacen(r#"[["industry-2"]]"#, r#"[["industry-4", "size"], ["industry-2"]], size_mu = [20.0, 50.0]"#, 1)
        .replacen("c = 95.0,", "c = 95.0, ties = \"share\", within = \"district\",", 1);
    let of_class = |number, class: &str| Facts { industry: Some(class.into()), ..paying(number, 10.0) };
    let mut facts: Vec<Facts> = (1..=3).map(|number| of_class(number, "3911")).collect();
    facts.push(of_class(4, "3922"));
    facts.push(Facts { district: "310101".into(), ..of_class(5, "1711") });
    let receipts = judged(&of(&text), facts);
    let found: Vec<_> = receipts.iter().map(|one| (one.peer_group.as_str(), one.peers, one.rank, one.of)).collect();
    let narrow = ("3911,size=1", 3, Some(1), 4);
    assert_eq!(found, [narrow, narrow, narrow, ("39", 4, Some(1), 4), ("all", 5, Some(1), 1)]);
}

#[test]
fn too_few_peers_are_refused_where_the_scheme_says_so() {
    let rules = of(&scheme(&super::indicator("tax_int", 100.0, r#"{ kind = "peer-mean" }"#, "reweigh")).replacen(
        "least = 3",
        "least = 3, too_few = \"refuse\"",
        1,
    ));
    let receipt = super::one(&rules, paying(1, 10.0));
    assert_eq!((receipt.grade, receipt.not_judged), (Grade::T, vec![NotJudged::FewPeers { peers: 1, asked: 3 }]));
    assert_eq!(super::one(&peers(r#"{ kind = "peer-mean" }"#), paying(1, 10.0)).score, Some(100.0));
}

#[test]
fn every_fault_of_a_scheme_is_told_at_once() {
    let text = scheme(&super::indicator("tax_int", -5.0, r#"{ kind = "fixed", value = 0.0 }"#, "reweigh")).replacen(
        "years = 3",
        "years = 9",
        1,
    );
    let told: Vec<String> = Scheme::faults_of(&text).iter().map(ToString::to_string).collect();
    for words in ["window.years", "indicator 1 (tax_int): weight -5", "benchmark 0", "sum to -5; expected 100"] {
        assert!(told.iter().any(|fault| fault.contains(words)), "{words}: {told:?}");
    }
    let misnamed = scheme("").replacen("[\"M\"]", "[\"M\"], filter = \"size > 3\"", 1);
    let told = format!("{:?}", Scheme::faults_of(&misnamed));
    assert!(told.contains("no property") && told.contains("land_mu"), "{told}");
    assert_eq!(Indicator::ALL.len(), 29);
}

#[test]
fn a_refund_of_a_peer_makes_nobody_worse_for_paying_more() {
    // No cap, as in some of the schemes that are shipped.
    let uncapped = |benchmark: &str| {
        of(&scheme(&super::indicator("tax_int", 100.0, benchmark, "reweigh").replacen("cap = 1.5\n", "", 1)))
    };
    let score = |rules: &Rules, pays: f64| judged(rules, vec![paying(1, pays), paying(2, -10.0)])[0].score;
    let scores = |rules: &Rules| [11.0, 20.0, 100.0].map(|pays| score(rules, pays));
    // What is below nothing counts as nothing in a benchmark, as it does in points: the mean is half of what the first
    // pays, and nine tenths of the way from nothing to it nine tenths of it.
    let mean = uncapped(r#"{ kind = "peer-mean" }"#);
    assert_eq!(scores(&mean), [Some(200.0); 3]);
    assert_eq!(scores(&uncapped(r#"{ kind = "peer-percentile", at = 90.0 }"#)), [Some(111.1111); 3]);
    // A run that was kept before is judged again as it was judged then: 11 of (11 - 10) ÷ 2.
    let before = mean.source.replacen("# formulas 3\n", "# formulas 2\n", 1);
    let kept = Rules::stored(&before, &landcycle::domain::review::receipt::hash(before.as_bytes())).unwrap();
    assert_eq!(scores(&kept), [Some(2200.0), Some(400.0), Some(222.2222)]);
}
