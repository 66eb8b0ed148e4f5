//! The shipped figures, and what each series meets.

use super::*;

const SHIPPED: &str = include_str!("../../../data/rulebook/land_targets.toml");

fn cell(land_use: &str, tier: Option<Tier>, locked: bool, km2: f64) -> Cell {
    Cell {
        tier,
        locked,
        land_use: land_use.into(),
        land_use_scheme: "GB50137-SH".into(),
        district: "310115".into(),
        district_name: None,
        parcels: 1,
        land: SquareMetres(km2 * 1e6),
    }
}

fn shipped() -> Figures {
    Figures::parse(SHIPPED).expect("well formed")
}

#[test]
fn each_series_counts_its_own_land_and_meets_its_own_figures_alone() {
    let cells = [
        cell("M1", Some(Tier::Base), true, 140.0),
        cell("M2", Some(Tier::Community), false, 360.0),
        cell("C65", Some(Tier::Community), false, 230.0),
        cell("R2", Some(Tier::Fragmented), false, 999.0),
    ];
    let held = hold_all(&cells, &shipped(), 2026);
    let found: Vec<(&str, Option<i32>, f64, f64, f64)> = held
        .iter()
        .map(|one| (one.series, one.year, one.stock.value() / 1e6, one.over.value() / 1e6, one.under.value() / 1e6))
        .collect();
    assert_eq!(
        found,
        [
            ("master-plan", Some(2020), 500.0, 0.0, 50.0),
            ("master-plan", Some(2035), 500.0, 20.0, 0.0),
            ("locked-base", Some(2025), 140.0, 0.0, 10.0),
            ("inventory", Some(2024), 730.0, 2.0, 0.0),
        ]
    );
    assert_eq!(held[1].years_left, Some(9));
}

#[test]
fn without_a_plan_nothing_is_said_of_locked_land_and_the_tier_is_unknown() {
    let cells = [cell("M1", None, false, 1.0)];
    let held = hold_all(&cells, &shipped(), 2010);
    assert!(held.iter().all(|one| one.series != LockedBase::NAME));
    assert_eq!(groups(&cells, &shipped().master_plan.scope, By::Tier)[0].code, "unknown");
}

#[test]
fn land_of_a_scheme_that_no_list_covers_is_in_no_sum_and_not_nothing() {
    let mut foreign = cell("M1", None, false, 1.0);
    foreign.land_use_scheme = "elsewhere".into();
    let stock = Stock::<MasterPlan>::of(&[foreign], &shipped().master_plan.scope);
    assert_eq!((stock.counted.parcels, stock.unknown.parcels), (0, 1));
}

#[test]
fn groups_sum_to_the_stock_by_any_division() {
    let cells = [
        cell("M1", Some(Tier::Base), true, 1.0),
        cell("W1", Some(Tier::Community), false, 2.0),
        cell("C65", Some(Tier::Base), false, 4.0),
    ];
    let scope = shipped().master_plan.scope;
    let stock = Stock::<MasterPlan>::of(&cells, &scope).counted;
    for by in By::ALL {
        let groups = groups(&cells, &scope, by);
        assert_eq!(groups.iter().map(|group| group.sum.land).sum::<SquareMetres>(), stock.land, "{by:?}");
        assert_eq!(groups.iter().map(|group| group.sum.parcels).sum::<u64>(), 2);
    }
}

#[test]
fn figures_without_source_bound_or_series_are_refused() {
    let last = SHIPPED.rfind("[[figure]]").expect("a figure");
    for (from, to, said) in [
        ("source = \"Worked", "source = \"\" # \"Worked", "without source"),
        ("low_km2 = 870.0\nhigh_km2 = 910.0", "", "without a bound"),
        ("low_km2 = 870.0", "low_km2 = 970.0", "out of order"),
        ("series = \"before-reduction\"", "series = \"guess\"", "no series of the file"),
    ] {
        let text = format!("{}{}", &SHIPPED[..last], SHIPPED[last..].replacen(from, to, 1));
        let error = Figures::parse(&text).expect_err(said).to_string();
        assert!(error.contains(said), "{said}: {error}");
    }
    let without = SHIPPED.replacen("name = \"inventory\"", "name = \"survey\"", 1);
    assert!(Figures::parse(&without).is_err());
}
