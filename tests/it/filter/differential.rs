//! Generated filters over a table with something unknown in every column: of every row PostGIS says true, false or unknown
//! exactly as the predicate in memory does.

use crate::support::fresh_database;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use geo_types::{Geometry, Point, Rect, coord};
use geozero::{CoordDimensions, ToWkb as _};
use landcycle::domain::filter::{
    Element, Filter, Kind, ListRelation, Property, SpatialRelation, TemporalRelation, Value,
};
use landcycle::store::filter::push;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sqlx::QueryBuilder;

const PROPERTIES: [Property<'static>; 9] = [
    Property { name: "code", holds: Kind::Text },
    Property { name: "area", holds: Kind::Number },
    Property { name: "year", holds: Kind::Number },
    Property { name: "start", holds: Kind::Date },
    Property { name: "end", holds: Kind::Date },
    Property { name: "seen", holds: Kind::Timestamp },
    Property { name: "locked", holds: Kind::Flag },
    Property { name: "geom", holds: Kind::Shape },
    Property { name: "tags", holds: Kind::List(Element::Text) },
];
const TEXTS: [&str; 10] = ["M1", "m1", "宗地", "Chișinău", "chisinau", "STRASSE", "straße", "ΣΑΣ", "50%_\\", ""];

#[derive(Default)]
struct Row {
    code: Option<&'static str>,
    area: Option<f64>,
    year: Option<i32>,
    start: Option<NaiveDate>,
    end: Option<NaiveDate>,
    seen: Option<DateTime<Utc>>,
    locked: Option<bool>,
    geom: Option<Geometry<f64>>,
    tags: Option<Vec<&'static str>>,
}

/// Makes rows, and filters as an officer could write them, by chance that is the same at every run.
struct Chance(ChaCha8Rng);

impl Chance {
    fn of(&mut self, words: &[&str]) -> String {
        (*words.choose(&mut self.0).unwrap()).to_owned()
    }

    fn below(&mut self, end: u32) -> u32 {
        self.0.random_range(0..end)
    }

    fn known<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(5) > 0).then(|| make(self))
    }

    fn day(&mut self) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1 + self.below(6)).unwrap()
    }

    fn moment(&mut self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(self.below(4).into())
    }

    fn row(&mut self) -> Row {
        Row {
            code: self.known(|chance| *TEXTS.choose(&mut chance.0).unwrap()),
            area: self.known(|chance| *[0.0, 1.0, -2.5, 3.0, 1e200, 7.25].choose(&mut chance.0).unwrap()),
            year: self.known(|chance| i32::try_from(chance.below(4)).unwrap()),
            start: self.known(Self::day),
            end: self.known(Self::day),
            seen: self.known(Self::moment),
            locked: self.known(|chance| chance.below(2) == 0),
            geom: self.known(|chance| {
                let (x, y) = (f64::from(chance.below(4)), f64::from(chance.below(4)));
                match chance.below(3) {
                    0 => Point::new(x, y).into(),
                    _ => Rect::new(coord! { x: x, y: y }, coord! { x: x + 2.0, y: y + 1.0 }).to_polygon().into(),
                }
            }),
            tags: self.known(|chance| (0..chance.below(3)).map(|_| *TEXTS.choose(&mut chance.0).unwrap()).collect()),
        }
    }

    fn text(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 2 } else { 4 }) {
            0 => "code".to_owned(),
            1 => format!("'{}'", self.of(&TEXTS)),
            2 => format!("CASEI({})", self.text(depth - 1)),
            _ => format!("ACCENTI({})", self.text(depth - 1)),
        }
    }

    fn number(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 3 } else { 5 }) {
            0 => "area".to_owned(),
            1 => "year".to_owned(),
            2 => self.of(&["0", "1", "-2", "0.5", "3", "1e149", "2.5e-150"]),
            3 => format!("-({})", self.number(depth - 1)),
            _ => {
                let sign = self.of(&["+", "-", "*", "/", "%", "div", "^"]);
                format!("({} {sign} {})", self.number(depth - 1), self.number(depth - 1))
            }
        }
    }

    fn days(&mut self) -> String {
        let bound = |chance: &mut Self| match chance.below(4) {
            0 => "start".to_owned(),
            1 => "\"end\"".to_owned(),
            2 => "'..'".to_owned(),
            _ => "'2026-01-03'".to_owned(),
        };
        match self.below(4) {
            0 => "start".to_owned(),
            1 => format!("DATE('{}')", self.day()),
            _ => format!("INTERVAL({},{})", bound(self), bound(self)),
        }
    }

    fn shape(&mut self) -> String {
        let (x, y) = (self.below(4), self.below(4));
        let (east, north) = (x + 1 + self.below(2), y + 1 + self.below(2));
        match self.below(5) {
            0 | 1 => "geom".to_owned(),
            2 => format!("POINT({x} {y})"),
            3 => format!("LINESTRING({x} {y},{east} {north})"),
            _ => format!("BBOX({x},{y},{east},{north})"),
        }
    }

    fn list(&mut self) -> String {
        match self.below(3) {
            0 => "tags".to_owned(),
            1 => format!("('{}',{})", self.of(&TEXTS), self.text(1)),
            _ => self.of(&["()", "('M1')", "('m1','M1','宗地')"]),
        }
    }

    fn condition(&mut self, depth: u32) -> String {
        let sign = self.of(&["=", "<>", "<", "<=", ">", ">="]);
        let not = self.of(&["", "NOT "]);
        match self.below(if depth == 0 { 12 } else { 17 }) {
            0 => format!("{} {sign} {}", self.text(2), self.text(2)),
            1 | 2 => format!("{} {sign} {}", self.number(3), self.number(3)),
            3 => format!("start {sign} DATE('{}')", self.day()),
            4 => format!("seen {sign} TIMESTAMP('1970-01-01T00:00:0{}Z')", self.below(4)),
            5 => format!("{} {not}BETWEEN {} AND {}", self.number(1), self.number(1), self.number(1)),
            6 => format!("{} {not}IN ({}, {})", self.text(1), self.text(1), self.text(0)),
            7 => format!(
                "{} {not}LIKE {}",
                self.text(1),
                self.of(&[
                    "'%s_r%'",
                    "CASEI('M_')",
                    "'50\\%\\_%'",
                    "'%'",
                    "ACCENTI(CASEI('CHIȘ%'))",
                    "CASEI('straß%')"
                ])
            ),
            8 => format!(
                "{} IS {not}NULL",
                self.of(&["code", "locked", "geom", "tags", "area / year", "INTERVAL(start,'..')"])
            ),
            9 => {
                let relation = SpatialRelation::ALL.choose(&mut self.0).unwrap().word();
                format!("{relation}({}, {})", self.shape(), self.shape())
            }
            10 => {
                let relation = TemporalRelation::ALL.choose(&mut self.0).unwrap().word();
                format!("{relation}({}, {})", self.days(), self.days())
            }
            11 => {
                let relation = ListRelation::ALL.choose(&mut self.0).unwrap().word();
                format!("{relation}({}, {})", self.list(), self.list())
            }
            12 => "locked".to_owned(),
            13 => format!("NOT ({})", self.condition(depth - 1)),
            14 => format!("({}) = ({})", self.condition(depth - 1), self.condition(depth - 1)),
            15 => format!("({}) OR ({})", self.condition(depth - 1), self.condition(depth - 1)),
            _ => format!("({}) AND ({})", self.condition(depth - 1), self.condition(depth - 1)),
        }
    }
}

#[tokio::test]
async fn postgis_says_of_every_row_what_the_predicate_in_memory_says() {
    let mut chance = Chance(ChaCha8Rng::seed_from_u64(21_065));
    let rows: Vec<Row> = (0..60).map(|_| chance.row()).collect();
    let database = fresh_database().await;
    let table = "create table filtered (id int, code text, area float8, year int, start date, \"end\" date,
        seen timestamptz, locked boolean, geom geometry(geometry, 4490), tags text[])";
    sqlx::raw_sql(table).execute(&database.pool).await.unwrap();
    let mut sql = QueryBuilder::new("insert into filtered ");
    sql.push_values(rows.iter().zip(0_i32..), |mut line, (row, id)| {
        line.push_bind(id).push_bind(row.code).push_bind(row.area).push_bind(row.year).push_bind(row.start);
        line.push_bind(row.end).push_bind(row.seen).push_bind(row.locked);
        line.push_bind(row.geom.as_ref().map(|shape| shape.to_ewkb(CoordDimensions::xy(), Some(4490)).unwrap()));
        line.push_unseparated("::geometry").push_bind(row.tags.clone());
    });
    sql.build().execute(&database.pool).await.unwrap();

    let mut met = [0_u32; 3];
    for _ in 0..600 {
        let text = chance.condition(3);
        let filter = match Filter::parse(&text, &PROPERTIES) {
            Ok(filter) => filter,
            Err(error) => panic!("{text}: {error}"),
        };
        let mut sql = QueryBuilder::new("select ");
        push(&mut sql, &filter, &PROPERTIES);
        sql.push("::boolean from filtered order by id");
        let query = sql.build_query_scalar().persistent(false);
        let stored: Vec<Option<bool>> =
            query.fetch_all(&database.pool).await.unwrap_or_else(|error| panic!("{text}: {error}"));
        for (row, (stored, id)) in rows.iter().zip(stored.into_iter().zip(0..)) {
            let tags: Option<Vec<Value<'_>>> =
                row.tags.as_ref().map(|tags| tags.iter().map(|tag| Value::Text(tag)).collect());
            let in_memory = holds(&filter, row, tags.as_deref());
            assert_eq!(in_memory, stored, "row {id}: {text}");
            met[in_memory.map_or(2, usize::from)] += 1;
        }
    }
    assert!(met.into_iter().all(|count| count > 2_000), "false, true and unknown were met {met:?} times");
}

fn holds<'a>(filter: &'a Filter, row: &'a Row, tags: Option<&'a [Value<'a>]>) -> Option<bool> {
    filter.holds(&|index| match PROPERTIES[index].name {
        "code" => row.code.map(Value::Text),
        "area" => row.area.map(Value::Number),
        "year" => row.year.map(|year| Value::Number(year.into())),
        "start" => row.start.map(Value::Date),
        "end" => row.end.map(Value::Date),
        "seen" => row.seen.map(Value::Timestamp),
        "locked" => row.locked.map(Value::Flag),
        "geom" => row.geom.as_ref().map(Value::Shape),
        _ => tags.map(Value::List),
    })
}
