//! What other rules would find on the facts of a kept run: a scheme with some of its values changed, and where that moves the
//! parcels. Nothing of it is kept; a scheme that makes no sense is refused as its file would be.

use super::decision::List;
use super::diff::{Move, Standing, column};
use super::run::Outcome;
use super::scheme::SchemeError;
use serde::Serialize;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// What of an indicator may be changed, as `weight.tax_int`.
const OF_INDICATORS: [&str; 10] =
    ["weight", "benchmark", "cap", "floor", "missing", "direction", "band", "winsorise", "steps", "classes"];
/// What of a scheme or a part may be changed, as `cutoffs.a`.
const OF_SCHEMES: [&str; 3] = ["cutoffs", "gate", "peers"];

/// A value that is to be another: where it stands, as `weight.tax_int`, `benchmark.tax_int.at`, `cutoffs.a` or
/// `part.large.cutoffs.a`, and what it is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Set {
    /// Where.
    pub place: String,
    /// What.
    pub value: Value,
}

/// The text of a scheme with other values. A bare number as a benchmark is a fixed figure. Where weights are changed, the
/// other weights of the part are scaled in proportion, so that all still sum to its total.
pub fn changed(text: &str, sets: &[Set]) -> Result<String, SchemeError> {
    if sets.is_empty() {
        return Ok(text.to_owned());
    }
    let mut scheme: Table = toml::from_str(text)?;
    for set in sets {
        let path: Vec<&str> = set.place.split('.').collect();
        let touched = match path[..] {
            ["part", part, ref rest @ ..] => {
                let parts = tables(&mut scheme, "part").into_iter().filter(|one| word(one, "name") == Some(part));
                parts.map(|one| put(one, rest, &set.value)).sum()
            }
            _ => {
                let whole = put(&mut scheme, &path, &set.value);
                whole + tables(&mut scheme, "part").into_iter().map(|one| put(one, &path, &set.value)).sum::<usize>()
            }
        };
        if touched == 0 {
            return Err(SchemeError::Value { place: set.place.clone(), problem: unknown(&mut scheme) });
        }
    }
    let weighed: Vec<(Option<&str>, &str)> = sets.iter().filter_map(|set| weight_of(&set.place)).collect();
    if !weighed.is_empty() {
        balance(&mut scheme, None, &weighed);
        for part in tables(&mut scheme, "part") {
            let name = word(part, "name").map(str::to_owned);
            balance(part, name.as_deref(), &weighed);
        }
    }
    toml::to_string(&scheme)
        .map_err(|error| SchemeError::Value { place: "set".into(), problem: format!("makes no scheme: {error}") })
}

/// The part, if one is named, and the indicator whose weight a place is.
fn weight_of(place: &str) -> Option<(Option<&str>, &str)> {
    match place.split('.').collect::<Vec<&str>>()[..] {
        ["weight", key] => Some((None, key)),
        ["part", part, "weight", key] => Some((Some(part), key)),
        _ => None,
    }
}

fn word<'a>(table: &'a Table, name: &str) -> Option<&'a str> {
    table.get(name).and_then(Value::as_str)
}

fn tables<'a>(table: &'a mut Table, name: &str) -> Vec<&'a mut Table> {
    let list = table.get_mut(name).and_then(Value::as_array_mut);
    list.map(|list| list.iter_mut().filter_map(Value::as_table_mut).collect()).unwrap_or_default()
}

/// Puts a value where a path of a scheme or part leads; answers in how many places.
fn put(table: &mut Table, path: &[&str], value: &Value) -> usize {
    match path {
        // Of a set one counts, and all have its weight.
        ["weight", key] if number(value).is_some() => {
            let set =
                tables(table, "indicator").iter().find(|one| word(one, "key") == Some(key)).and_then(|one| of(one));
            let members = tables(table, "indicator")
                .into_iter()
                .filter(|one| word(one, "key") == Some(key) || (set.is_some() && of(one) == set));
            members.map(|one| weigh(one, number(value).unwrap_or_default())).count()
        }
        [field, key, rest @ ..] if OF_INDICATORS.contains(field) => tables(table, "indicator")
            .into_iter()
            .filter(|one| word(one, "key") == Some(key))
            .map(|one| match (rest, *field, number(value)) {
                ([], "benchmark", Some(number)) => {
                    let fixed = [("kind", Value::from("fixed")), ("value", Value::from(number))];
                    one.insert(
                        "benchmark".into(),
                        fixed.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Table>().into(),
                    );
                    1
                }
                ([], ..) => {
                    one.insert((*field).to_owned(), value.clone());
                    1
                }
                ([inner], ..) => within(one, field, inner, value),
                _ => 0,
            })
            .sum(),
        [field, inner] if OF_SCHEMES.contains(field) => within(table, field, inner, value),
        _ => 0,
    }
}

fn within(table: &mut Table, field: &str, inner: &str, value: &Value) -> usize {
    table.get_mut(field).and_then(Value::as_table_mut).map_or(0, |table| {
        table.insert(inner.to_owned(), value.clone());
        1
    })
}

fn number(value: &Value) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "figures of schemes are small")]
    value.as_float().or_else(|| value.as_integer().map(|number| number as f64))
}

/// The set of an indicator of which one counts.
fn of(indicator: &Table) -> Option<String> {
    word(indicator, "one_of").map(str::to_owned)
}

/// Gives an indicator another weight; a table of points is scaled with it, for the most it gives is the weight.
fn weigh(indicator: &mut Table, weight: f64) {
    let before = indicator.get("weight").and_then(number).filter(|before| *before > 0.0);
    indicator.insert("weight".into(), Value::from(weight));
    let Some(scale) = before.map(|before| weight / before) else { return };
    for (table, list, rest) in [("steps", "at", &["below", "above"][..]), ("classes", "of", &["otherwise"])] {
        let Some(table) = indicator.get_mut(table).and_then(Value::as_table_mut) else { continue };
        let scaled = |table: &mut Table, name: &str| {
            if let Some(points) = table.get(name).and_then(number) {
                table.insert(name.to_owned(), Value::from(points * scale));
            }
        };
        tables(table, list).into_iter().for_each(|one| scaled(one, "points"));
        rest.iter().for_each(|name| scaled(table, name));
    }
}

/// Scales the weights that were not changed, where there is something left for them.
fn balance(part: &mut Table, name: Option<&str>, weighed: &[(Option<&str>, &str)]) {
    let total = part.get("total").and_then(number).unwrap_or(100.0);
    let mut indicators = tables(part, "indicator");
    let named = |one: &Table| {
        weighed.iter().any(|(part, key)| (part.is_none() || *part == name) && word(one, "key") == Some(key))
    };
    let sets: Vec<Option<String>> = indicators.iter().map(|one| of(one)).collect();
    let named_sets: Vec<String> = indicators.iter().filter(|one| named(one)).filter_map(|one| of(one)).collect();
    let is_set = |one: &Table| named(one) || of(one).is_some_and(|set| named_sets.contains(&set));
    // The weight of a set counts once.
    let weight = |one: &Table| {
        let sharing = of(one).map_or(1, |set| sets.iter().filter(|other| other.as_ref() == Some(&set)).count());
        #[expect(clippy::cast_precision_loss, reason = "a part has a handful of indicators")]
        let sharing = sharing as f64;
        one.get("weight").and_then(number).unwrap_or_default() / sharing
    };
    let (set, others): (Vec<&&mut Table>, Vec<&&mut Table>) = indicators.iter().partition(|one| is_set(one));
    let (taken, free): (f64, f64) =
        (set.iter().map(|one| weight(one)).sum(), others.iter().map(|one| weight(one)).sum());
    let scale = (total - taken) / free;
    if set.is_empty() || others.is_empty() || !(scale.is_finite() && scale > 0.0) {
        return;
    }
    for one in indicators.iter_mut().filter(|one| !is_set(one)) {
        let scaled = one.get("weight").and_then(number).unwrap_or_default() * scale;
        weigh(one, scaled);
    }
}

/// What may be named instead.
fn unknown(scheme: &mut Table) -> String {
    let mut keys: Vec<String> = Vec::new();
    let mut add = |table: &mut Table| {
        keys.extend(tables(table, "indicator").iter().filter_map(|one| word(one, "key")).map(str::to_owned))
    };
    add(scheme);
    tables(scheme, "part").into_iter().for_each(add);
    keys.sort();
    keys.dedup();
    format!(
        "names nothing of the scheme; expected {} followed by an indicator ({}), or {} followed by a name, or part.NAME before either",
        OF_INDICATORS.join(", "),
        keys.join(", "),
        OF_SCHEMES.join(", "),
    )
}

/// A list before and after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// How many are on it in the run.
    pub before: usize,
    /// How many are on it under the other rules.
    pub after: usize,
    /// The parcels that come onto it.
    pub entered: Vec<String>,
    /// Those that leave it.
    pub left: Vec<String>,
}

/// What other rules move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// How many parcels were looked at.
    pub parcels: usize,
    /// How many of them have each grade in the run: A, B, C, D, T.
    pub before: [u32; 5],
    /// How many have it under the other rules.
    pub after: [u32; 5],
    /// How many went from a grade (row) to a grade (column).
    pub matrix: [[u32; 5]; 5],
    /// The lists by name.
    pub lists: BTreeMap<&'static str, Listed>,
    /// Those whose grade or list is another, in the order of codes.
    pub moves: Vec<Move>,
}

/// What lies between a run and what other rules find; both in one order, each with its code.
pub fn moved<'a>(found: impl Iterator<Item = (&'a str, Standing, &'a Outcome)>) -> Moved {
    let lists = [List::Exit, List::Renewal].map(|list| (list.name(), Listed::default()));
    let mut it = Moved {
        parcels: 0,
        before: [0; 5],
        after: [0; 5],
        matrix: [[0; 5]; 5],
        lists: lists.into_iter().collect(),
        moves: Vec::new(),
    };
    for (code, before, outcome) in found {
        let after = Standing { grade: outcome.grade, list: outcome.list };
        let (row, place) = (column(before.grade), column(after.grade));
        it.parcels += 1;
        it.before[row] += 1;
        it.after[place] += 1;
        it.matrix[row][place] += 1;
        for list in [List::Exit, List::Renewal] {
            let (was, is) = (before.list == Some(list), after.list == Some(list));
            let listed = it.lists.entry(list.name()).or_default();
            listed.before += usize::from(was);
            listed.after += usize::from(is);
            match (was, is) {
                (false, true) => listed.entered.push(code.to_owned()),
                (true, false) => listed.left.push(code.to_owned()),
                _ => {}
            }
        }
        if before != after {
            let parcel = code.to_owned();
            it.moves.push(Move { parcel, before: Some(before), after: Some(after), causes: Vec::new() });
        }
    }
    it
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::review::scheme::Scheme;
    use crate::domain::review::scheme::part::Benchmark;
    use rstest::rstest;

    const DEFAULT: &str = include_str!("../../../data/schemes/default.toml");
    const PARTS: &str = include_str!("../../../data/schemes/prefecture-45.toml");

    fn set(place: &str, value: impl Into<Value>) -> Set {
        Set { place: place.into(), value: value.into() }
    }

    fn with(text: &str, sets: &[Set]) -> Result<Scheme, SchemeError> {
        Scheme::parse(&changed(text, sets)?)
    }

    #[test]
    fn a_scheme_written_anew_with_nothing_changed_is_the_same_scheme() {
        for text in [DEFAULT, PARTS] {
            let same = toml::to_string(&toml::from_str::<Table>(text).unwrap()).unwrap();
            assert_eq!(Scheme::parse(&same).unwrap(), Scheme::parse(text).unwrap());
            assert_eq!(changed(text, &[]).unwrap(), text);
        }
    }

    #[test]
    fn the_other_weights_make_room_for_a_changed_one() {
        let scheme = with(DEFAULT, &[set("weight.tax_int", 40)]).unwrap();
        let weights: Vec<f64> = scheme.parts[0].indicators.iter().map(|one| one.weight).collect();
        // 60 are left for 70: 20, 10, 15, 15 and 10 times six sevenths.
        let right = [40.0, 120.0 / 7.0, 60.0 / 7.0, 90.0 / 7.0, 90.0 / 7.0, 60.0 / 7.0];
        assert!(weights.iter().zip(right).all(|(is, right)| (is - right).abs() < 1e-12), "{weights:?}");
    }

    #[test]
    fn benchmarks_and_cuts_are_changed_where_they_stand() {
        let sets = [set("benchmark.tax_int", 15), set("benchmark.out_int.at", 60.0), set("cutoffs.a", 25.0)];
        let scheme = with(DEFAULT, &sets).unwrap();
        let part = &scheme.parts[0];
        assert_eq!(part.indicators[0].benchmark, Some(Benchmark::Fixed { value: 15.0 }));
        assert_eq!(
            (part.indicators[1].benchmark.clone(), part.cutoffs.a),
            (Some(Benchmark::PeerPercentile { at: 60.0 }), Some(25.0))
        );
        let scheme = with(PARTS, &[set("part.above-scale.weight.tax_int", 50)]).unwrap();
        let tax = |part: usize| {
            scheme.parts[part].indicators.iter().find(|one| one.key.key() == "tax_int").map(|one| one.weight)
        };
        assert_eq!((tax(0), tax(1)), (Some(50.0), Some(100.0)));
    }

    #[test]
    fn a_table_of_points_and_a_set_keep_with_their_weight() {
        let text = DEFAULT
            .replacen("benchmark = { kind = \"peer-percentile\", at = 50.0 }\ncap = 1.5", "one_of = \"x\"\ndirection = \"steps\"\nsteps = { below = 0, at = [{ from = 10, points = 15 }, { from = 20, points = 30 }] }", 1)
            .replacen("direction = \"higher\"\none_of", "one_of", 1)
            .replacen("weight = 20", "weight = 30\none_of = \"x\"", 1)
            .replacen("weight = 10\n", "weight = 20\n", 1);
        let text = format!("one_of = [{{ name = \"x\", take = \"best\", source = \"assumption\" }}]\n{text}");
        Scheme::parse(&text).unwrap();
        let most = |scheme: &Scheme| scheme.parts[0].indicators[0].steps.as_ref().map(|steps| steps.most());
        let weights =
            |scheme: &Scheme| -> Vec<f64> { scheme.parts[0].indicators.iter().map(|one| one.weight).collect() };
        // The set is 40 by one of its members; the others of 70 share 60.
        let named = with(&text, &[set("weight.tax_int", 40)]).unwrap();
        assert_eq!((weights(&named)[..2].to_vec(), most(&named)), (vec![40.0, 40.0], Some(40.0)));
        // Another is raised by 15 to 35: the set keeps 65 of 80 parts of what it had.
        let beside = with(&text, &[set("weight.inv_int", 35)]).unwrap();
        assert_eq!(weights(&beside)[..3], [30.0 * 65.0 / 80.0, 30.0 * 65.0 / 80.0, 35.0]);
        assert_eq!(most(&beside), Some(30.0 * 65.0 / 80.0));
    }

    #[rstest]
    #[case::no_such_indicator(set("weight.luck", 10), "weight.luck", "tax_int")]
    #[case::no_such_key(set("luck.tax_int", 10), "luck.tax_int", "weight")]
    #[case::no_such_part(set("part.none.weight.tax_int", 10), "part.none", "part.NAME")]
    #[case::the_name_is_no_rule(set("name", "other"), "name", "cutoffs")]
    #[case::too_heavy(set("weight.tax_int", 140), "weights", "expected 100")]
    #[case::weightless(set("weight.tax_int", -5), "indicator 1 (tax_int)", "above 0")]
    #[case::out_of_order(set("cutoffs.a", 70.0), "cutoffs", "0 < a < b < c < 100")]
    #[case::nothing_to_measure_against(set("benchmark.tax_int", 0), "indicator 1 (tax_int)", "above 0")]
    fn what_makes_no_scheme_is_refused_with_its_place(#[case] set: Set, #[case] place: &str, #[case] expected: &str) {
        let said = with(DEFAULT, &[set]).unwrap_err().to_string();
        assert!(said.contains(place) && said.contains(expected), "{said}");
    }

    #[test]
    fn a_word_that_no_scheme_knows_is_refused() {
        let error = with(DEFAULT, &[set("missing.tax_int", "forgive")]).unwrap_err();
        let why = std::error::Error::source(&error).unwrap().to_string();
        assert!(why.contains("forgive") && why.contains("reweigh"), "{why}");
    }
}
