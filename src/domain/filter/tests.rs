//! What is read, what is refused, and where.

use super::*;
use proptest::prelude::*;
use serde_json::json;

const PROPERTIES: [Property<'static>; 9] = [
    Property { name: "code", holds: Kind::Text },
    Property { name: "area_m2", holds: Kind::Number },
    Property { name: "year", holds: Kind::Number },
    Property { name: "term_end", holds: Kind::Date },
    Property { name: "locked", holds: Kind::Flag },
    Property { name: "geom", holds: Kind::Shape },
    Property { name: "seen", holds: Kind::Timestamp },
    Property { name: "tags", holds: Kind::List(Element::Text) },
    Property { name: "end", holds: Kind::Date },
];

fn parse(text: &str) -> Result<Filter, FilterError> {
    Filter::parse(text, &PROPERTIES)
}

fn root(text: &str) -> Expression {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).root
}

fn refused(text: &str) -> FilterError {
    parse(text).expect_err(text)
}

#[test]
fn operations_bind_as_the_standard_says() {
    for (text, same) in [
        ("year = 1 or not year = 2 and year=3", "year = 1 or ((not (year = 2)) and (year = 3))"),
        ("area_m2 = 1 + 2 * 3 ^ 2 - 4 div 2", "area_m2 = ((1 + (2 * (3 ^ 2))) - (4 div 2))"),
        ("area_m2 > 2 - 3 - 4", "area_m2 > ((2 - 3) - 4)"),
        ("area_m2 = -2 ^ 2", "area_m2 = (-2) ^ 2"),
        ("area_m2 = -year", "area_m2 = -1 * year"),
        ("not locked and locked", "(not locked) and locked"),
        ("year not between 1 and 1 + 1", "not (year between 1 and (1 + 1))"),
        ("code is not null", "not (code is null)"),
        ("\"code\" = 'a'", "CODE_IS_code = 'a'"),
    ] {
        let same = same.replace("CODE_IS_", "");
        assert_eq!(root(text), root(&same), "{text}");
    }
    assert_ne!(root("area_m2 = (1 + 2) * 3"), root("area_m2 = 1 + 2 * 3"));
}

#[test]
fn every_class_of_the_standard_is_read() {
    for text in [
        "area_m2 > year and 'x' = code and TRUE",
        "code in ('a', 'b''c') and code LIKE '3101%'",
        "CASEI(ACCENTI(code)) not like casei('b%')",
        "CASEI(code) IN (casei('A'), 'b')",
        "area_m2 * 2 between year and year + 10 % 3",
        "(year = 1) = locked and (year = 1) is null",
        "S_INTERSECTS(geom, POINT(1 2))",
        "s_within(geom, POLYGON((0 0,10 0,10 10,0 10,0 0),(2 2,4 2,4 4,2 4,2 2)))",
        "S_CROSSES(LINESTRING Z (0 0 5,1 1 5), geom)",
        "S_DISJOINT(geom, MULTIPOINT((0 0),(1 1))) or S_TOUCHES(geom, MULTIPOINT(0 0,1 1))",
        "S_OVERLAPS(geom, MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5))))",
        "S_EQUALS(geom, MULTILINESTRING((0 0,1 1),(2 2,-3 3.5e1)))",
        "S_INTERSECTS(geom, GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(0 0,1 1)))",
        "S_CONTAINS(geom, BBOX(-1,0,1,2)) and S_INTERSECTS(geom, BBOX(150,-90,0,-150,90,10))",
        "T_AFTER(term_end, DATE('2020-01-01')) and T_BEFORE(seen, TIMESTAMP('2020-01-01T00:00:00+08:00'))",
        "T_DURING(INTERVAL(term_end, \"end\"), INTERVAL('..', '2020-01-01'))",
        "T_INTERSECTS(seen, INTERVAL('2020-01-01T00:00:00Z', '..'))",
        "A_CONTAINS(tags, ('a', 'b')) and A_OVERLAPS(['a'], tags) and not A_EQUALS(tags, ())",
        "A_CONTAINEDBY((year, 2), (1, 2, 3))",
        "seen > TIMESTAMP('2020-01-01T00:00:00.25Z') and term_end < \"end\"",
    ] {
        root(text);
    }
    for relation in TemporalRelation::ALL {
        root(&format!("{}(term_end, INTERVAL('2020-01-01','2021-01-01'))", relation.word()));
    }
    for relation in SpatialRelation::ALL {
        root(&format!("{}(geom, POINT(1 2))", relation.word().to_uppercase()));
    }
}

#[test]
fn an_unknown_property_is_refused_with_its_place_and_the_names_there_are() {
    let error = refused("year = 2024 and grad = 'D'");
    assert_eq!((error.place, error.found.as_str()), (Place::Character(17), "no property \"grad\""));
    assert!(error.expected.contains("code, area_m2, year, term_end, locked"), "{}", error.expected);
    assert_eq!(refused("code = '宗地' and x = 1").place, Place::Character(17), "places are counted in characters");
}

#[test]
fn values_that_do_not_go_together_are_refused_with_what_would() {
    for (text, place, expected) in [
        ("year = 'x'", 8, "a number"),
        ("code = 1", 8, "a text"),
        ("term_end > '2027-01-01'", 12, "DATE("),
        ("seen > DATE('2027-01-01')", 8, "TIMESTAMP("),
        ("locked = 1", 10, "true or false"),
        ("code in ('a', 1)", 15, "a text"),
        ("year like 'x'", 1, "a text"),
        ("code like code", 11, "a pattern"),
        ("year between 1 and 'x'", 20, "a number"),
        ("code = year", 8, "a text"),
        ("code + 1 = 2", 1, "a number"),
        ("area_m2 = 1 + true", 15, "a number"),
        ("CASEI(year) = 'a'", 7, "a text"),
        ("geom = POINT(1 2)", 1, "S_INTERSECTS"),
        ("S_INTERSECTS(geom, code)", 20, "a shape"),
        ("S_WITHIN(geom, GEOMETRYCOLLECTION(POINT(1 2)))", 16, "one kind"),
        ("T_AFTER(term_end, seen)", 19, "a day"),
        ("T_AFTER(code, term_end)", 9, "a stretch of time"),
        ("T_AFTER(term_end, INTERVAL('2020-01-01', seen))", 42, "a day"),
        ("T_AFTER(term_end, INTERVAL('2020-01-02', '2020-01-01'))", 42, "later"),
        ("A_CONTAINS(tags, (1))", 18, "one kind"),
        ("A_CONTAINS(tags, ('a', 1))", 24, "a text"),
        ("A_CONTAINS(code, ('a'))", 12, "a list"),
        ("my_function(code)", 1, "CASEI"),
        ("year + 1 and locked", 10, "IN, BETWEEN"),
        ("locked and year", 12, "a condition"),
    ] {
        let error = refused(text);
        assert_eq!(error.place, Place::Character(place), "{text}: {error}");
        assert!(error.expected.contains(expected), "{text}: {error}");
    }
}

#[test]
fn broken_text_is_refused_at_its_place() {
    for (text, position) in [
        ("", 1),
        ("year =", 7),
        ("year = 1 and", 13),
        ("(year = 1", 10),
        ("year = 1)", 9),
        ("year 1", 6),
        ("code = 'a", 8),
        ("year == 1", 7),
        ("year = 1 year = 2", 10),
        ("code like 'a\\'", 11),
        ("term_end = DATE('2026-02-30')", 17),
        ("term_end = DATE('10000-01-01')", 17),
        ("seen = TIMESTAMP('2026-01-01')", 18),
        ("year in ()", 10),
        ("code = 'a\0'", 8),
        ("year = 1e999", 8),
        ("; drop table parcel", 1),
        ("code", 5),
        ("year = 2 ^ 3 ^ 4", 14),
        ("year = - - 1", 10),
        ("S_INTERSECTS(geom, POINT(1))", 27),
        ("S_INTERSECTS(geom, POINT EMPTY)", 20),
        ("S_INTERSECTS(geom, POLYGON((0 0,1 0,1 1)))", 27),
        ("S_INTERSECTS(geom, POLYGON((0 0,2 2,2 0,0 2,0 0)))", 27),
        ("S_INTERSECTS(geom, BBOX(1,2,3))", 24),
        ("S_INTERSECTS(geom, BBOX(1,2,3,1))", 24),
    ] {
        assert_eq!(refused(text).place, Place::Character(position), "{text}: {}", refused(text));
    }
}

#[test]
fn length_depth_and_size_are_bounded() {
    let deep = format!("{}year = 1{}", "(".repeat(5000), ")".repeat(4000));
    assert!(refused(&deep).expected.contains("32"), "{}", refused(&deep));
    assert!(refused(&format!("{}year = 1", "not ".repeat(2000))).expected.contains("32"));
    assert!(refused(&format!("{}1 = 1", "casei(".repeat(1600))).expected.contains("32"));
    assert!(refused(&format!("year = 1{}", "+1".repeat(4000))).expected.contains("32"));
    assert!(refused(&format!("year = {}1", "-".repeat(9000))).expected.contains("property"));
    assert!(refused(&"x".repeat(MAX_BYTES + 1)).expected.contains("10000"));
    assert!(refused(&format!("year in (1{})", ",1".repeat(3000))).expected.contains("2000"));
    let line = vec!["1 2"; 2300].join(",");
    assert!(refused(&format!("S_INTERSECTS(geom, LINESTRING({line}))")).expected.contains("2000"));
    assert!(parse(&format!("{}year = 1{}", "(".repeat(31), ")".repeat(31))).is_ok());
}

#[test]
fn the_json_of_the_standard_is_the_tree_of_its_text() {
    for (text, json) in [
        ("year = 2", json!({"op": "=", "args": [{"property": "year"}, 2]})),
        ("code not like 'a%'", json!({"op": "not", "args": [{"op": "like", "args": [{"property": "code"}, "a%"]}]})),
        ("year in (1, 2)", json!({"op": "in", "args": [{"property": "year"}, [1, 2]]})),
        ("year between 1 and 2", json!({"op": "between", "args": [{"property": "year"}, 1, 2]})),
        ("code is null", json!({"op": "isNull", "args": [{"property": "code"}]})),
        ("casei(code) = 'a'", json!({"op": "=", "args": [{"op": "casei", "args": [{"property": "code"}]}, "a"]})),
        ("year div 2 = 1", json!({"op": "=", "args": [{"op": "div", "args": [{"property": "year"}, 2]}, 1]})),
        (
            "locked and T_DURING(term_end, INTERVAL('2020-01-01', '..'))",
            json!({"op": "and", "args": [{"property": "locked"},
                {"op": "t_during", "args": [{"property": "term_end"}, {"interval": ["2020-01-01", ".."]}]}]}),
        ),
        (
            "S_INTERSECTS(geom, POINT(1 2)) or S_WITHIN(geom, BBOX(1,2,3,4))",
            json!({"op": "or", "args": [
                {"op": "s_intersects", "args": [{"property": "geom"}, {"type": "Point", "coordinates": [1, 2]}]},
                {"op": "s_within", "args": [{"property": "geom"}, {"bbox": [1, 2, 3, 4]}]}]}),
        ),
        ("A_CONTAINS(tags, ('a'))", json!({"op": "a_contains", "args": [{"property": "tags"}, ["a"]]})),
        (
            "seen = TIMESTAMP('2020-01-01T00:00:00Z')",
            json!({"op": "=", "args": [{"property": "seen"}, {"timestamp": "2020-01-01T00:00:00Z"}]}),
        ),
    ] {
        assert_eq!(Filter::from_json(&json, &PROPERTIES), Ok(parse(text).unwrap()), "{text}");
    }
}

#[test]
fn broken_json_is_refused_at_its_pointer() {
    let year = || json!({"property": "year"});
    for (json, pointer, expected) in [
        (json!(null), "", "isNull"),
        (json!(1), "", "a condition"),
        (json!({"op": "and", "args": [true, {"op": "=", "args": [year(), "x"]}]}), "/args/1/args/1", "a number"),
        (json!({"op": "=", "args": [{"property": "grad"}, 1]}), "/args/0/property", "one of code"),
        (json!({"op": "=", "args": [year()]}), "/args", "2 for"),
        (json!({"op": "and", "args": [true]}), "/args", "two or more"),
        (json!({"op": "drop", "args": [1, 2]}), "/op", "s_…"),
        (json!({"op": "=", "args": [year(), 1], "more": 1}), "", "nothing else"),
        (json!({"op": "in", "args": [year(), []]}), "/args/1", "one or more"),
        (json!({"op": "t_after", "args": [{"date": "2026-02-30"}, {"property": "term_end"}]}), "/args/0/date", "a day"),
        (
            json!({"op": "t_after", "args": [{"property": "term_end"}, {"interval": ["x", ".."]}]}),
            "/args/1/interval/0",
            "a day",
        ),
        (
            json!({"op": "s_within", "args": [{"property": "geom"}, {"type": "Point", "coordinates": [1]}]}),
            "/args/1/coordinates",
            "numbers",
        ),
        (json!({"op": "s_within", "args": [{"property": "geom"}, {"bbox": [1, 2, "x", 4]}]}), "/args/1/bbox", "west"),
        (json!({"op": "not", "args": [{"property": "year", "x": 1}]}), "/args/0", "an object"),
    ] {
        let error = Filter::from_json(&json, &PROPERTIES).expect_err(&json.to_string());
        assert_eq!(error.place, Place::Pointer(pointer.to_owned()), "{json}: {error}");
        assert!(error.expected.contains(expected), "{json}: {error}");
    }
    let mut deep = json!(true);
    for _ in 0..100 {
        deep = json!({"op": "not", "args": [deep]});
    }
    assert!(Filter::from_json(&deep, &PROPERTIES).unwrap_err().expected.contains("32"));
}

/// Conditions of every class, as text.
fn condition() -> impl Strategy<Value = String> {
    let text = prop_oneof![Just("code".to_owned()), "[^\\x00\\\\']{0,6}".prop_map(|text| format!("'{text}'"))]
        .prop_recursive(2, 4, 1, |inner| inner.prop_map(|inner| format!("CASEI(ACCENTI({inner}))")));
    let number = prop_oneof![
        Just("area_m2".to_owned()),
        prop::num::f64::NORMAL.prop_map(|number| format!("{number:e}")),
        (-1000_i32..1000).prop_map(|number| number.to_string()),
    ]
    .prop_recursive(3, 8, 2, |inner| {
        (inner.clone(), prop::sample::select(vec!["+", "-", "*", "/", "%", "div", "^"]), inner)
            .prop_map(|(left, sign, right)| format!("({left} {sign} {right})"))
    });
    let day = (2000..2030, 1..13, 1..29).prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}"));
    let ends = (day.clone(), day).prop_map(|(one, other)| if one < other { (one, other) } else { (other, one) });
    let time = prop_oneof![
        Just("INTERVAL(term_end,\"end\")".to_owned()),
        ends.clone().prop_map(|(one, _)| format!("DATE('{one}')")),
        ends.clone().prop_map(|(start, end)| format!("INTERVAL('{start}','{end}')")),
        ends.prop_map(|(start, _)| format!("INTERVAL('{start}','..')")),
    ];
    let shape = (-170.0..170.0_f64, -80.0..80.0_f64, 0.001..9.0_f64).prop_flat_map(|(x, y, size)| {
        let (east, north) = (x + size, y + size);
        let ring = format!("({x} {y},{east} {y},{east} {north},{x} {y})");
        prop::sample::select(vec![
            "geom".to_owned(),
            format!("POINT({x} {y})"),
            format!("LINESTRING({x} {y},{east} {north})"),
            format!("POLYGON({ring})"),
            format!("MULTIPOINT(({x} {y}),({east} {y}))"),
            format!("MULTILINESTRING(({x} {y},{east} {y}))"),
            format!("MULTIPOLYGON(({ring}))"),
            format!("GEOMETRYCOLLECTION(POINT({x} {y}),GEOMETRYCOLLECTION(POLYGON({ring})))"),
            format!("BBOX({x},{y},{east},{north})"),
            format!("BBOX(170,{y},-170,{north})"),
        ])
    });
    let relation = prop::sample::select(TemporalRelation::ALL).prop_map(TemporalRelation::word);
    let sign = prop::sample::select(Comparison::ALL).prop_map(Comparison::word);
    let list = prop::collection::vec(text.clone(), 0..3).prop_map(|all| format!("({})", all.join(",")));
    let lies = prop::sample::select(ListRelation::ALL).prop_map(ListRelation::word);
    prop_oneof![
        (number.clone(), sign, number.clone()).prop_map(|(left, sign, right)| format!("{left} {sign} {right}")),
        (text.clone(), text.clone(), text.clone()).prop_map(|(one, a, b)| format!("{one} NOT IN ({a},{b})")),
        (number.clone(), number.clone(), number).prop_map(|(one, low, high)| format!("{one} BETWEEN {low} AND {high}")),
        text.prop_map(|one| format!("{one} LIKE CASEI('a%')")),
        Just("seen >= TIMESTAMP('2026-01-01T00:00:00.125Z')".to_owned()),
        Just("locked".to_owned()),
        (shape.clone(), shape).prop_map(|(left, right)| format!("S_INTERSECTS({left},{right})")),
        (relation, time.clone(), time).prop_map(|(relation, left, right)| format!("{relation}({left},{right})")),
        (lies, list).prop_map(|(lies, list)| format!("{lies}({list},tags)")),
    ]
    .prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| format!("NOT ({inner})")),
            inner.clone().prop_map(|inner| format!("({inner}) IS NOT NULL")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) AND ({right})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a}) OR ({b}) OR ({c})")),
        ]
    })
}

proptest! {
    #[test]
    fn text_and_json_are_written_and_read_back_as_one_tree(text in condition()) {
        let filter = parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let json = filter.to_json(&PROPERTIES);
        let json = serde_json::from_str(&json.to_string()).unwrap();
        let of_json = Filter::from_json(&json, &PROPERTIES).unwrap_or_else(|error| panic!("{json}: {error}"));
        prop_assert_eq!(&of_json, &filter, "{}", json);
        let written = of_json.to_text(&PROPERTIES);
        let of_text = parse(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
        prop_assert_eq!(&of_text, &filter, "{}", written);
    }

    #[test]
    fn no_text_makes_the_reader_fall_over(text in ".{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_words_of_the_language_make_the_reader_fall_over(
        words in prop::collection::vec(prop::sample::select(vec![
            "year", "code", "geom", "(", ")", ",", "+", "-", "^", "div", "not", "and", "or", "between", "in", "like", "is",
            "null", "=", "<>", "1", "'a'", "DATE(", "INTERVAL(", "'..'", "CASEI(", "S_WITHIN(", "T_AFTER(", "A_EQUALS(",
            "POINT(", "POLYGON((", "BBOX(", "GEOMETRYCOLLECTION(", "true", "[", "]", "Z",
        ]), 0..30),
    ) {
        let _ = parse(&words.join(" "));
    }

    #[test]
    fn any_text_is_quoted_into_a_filter_and_comes_back(words in "[^\\x00]{0,40}") {
        let found = root(&format!("code = '{}'", words.replace('\'', "''")));
        let expected = Expression::Literal(Literal::Text(words));
        let property = Expression::Property(0);
        prop_assert_eq!(found, Expression::Compare(Box::new(property), Comparison::Equal, Box::new(expected)));
    }
}
