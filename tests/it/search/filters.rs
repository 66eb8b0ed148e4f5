//! Everything that may be asked of a parcel, on the map and in the database: the same values, and the same parcels for
//! whatever filter is made up over them.

use crate::support::{Ended, Town};
use landcycle::atlas::Snapshot;
use landcycle::clock::Clock;
use landcycle::domain::filter::{Filter, Kind, SpatialRelation, TemporalRelation, Value};
use landcycle::domain::queryable::Queryable;
use landcycle::flow::refresh;
use landcycle::store::filter::push;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sqlx::{AssertSqlSafe, QueryBuilder};
use std::collections::BTreeSet;

/// A made-up city with all that a city has, which a review has judged.
async fn town() -> Town {
    let town = Town::empty().await;
    let mut command = town.command();
    command.env("LANDCYCLE_HOME", town.folder().join("home"));
    command.args(["--json", "demo", "run", "--parcels", "200", "--no-serve"]);
    let ended = Ended::of(&command.output().unwrap());
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    // Holders and states of life are not of every parcel.
    let states = "insert into parcel_state (parcel_id, since, valid, recorded, state, facts, deed, document, revision)
        select id, '2020-01-01', daterange('2020-01-01', null), tstzrange(now(), null), s.state,
            jsonb_build_object('state', s.state), 'found', '普查', (select id from revision_head)
        from parcel cross join lateral (select case id % 3 when 0 then 'operating' else 'idle' end as state) s
        where id % 4 > 0 and not exists (select from parcel_state t where t.parcel_id = parcel.id)";
    sqlx::query(states).execute(&town.database.pool).await.unwrap();
    town
}

/// Of the table function, with what the map is read with.
fn from_today(snapshot: &Snapshot) -> String {
    let run = snapshot.city().run.as_ref().unwrap().id;
    let day = Clock::of_the_machine().today();
    let tall = landcycle::flow::rules::rulebook().unwrap().tall_storey_m(day);
    let tall = tall.map_or("null".to_owned(), |metres| metres.to_string());
    format!("parcel_today('{day}', {run}, {tall}, null)")
}

fn as_text(value: Option<Value<'_>>) -> Option<String> {
    value.map(|value| match value {
        Value::Text(text) => text.to_owned(),
        Value::Number(number) => format!("{:016x}", number.to_bits()),
        Value::Date(day) => day.to_string(),
        Value::Flag(flag) => flag.to_string(),
        other => panic!("{other:?}"),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_map_and_the_database_say_the_same_of_every_parcel_and_find_the_same_by_any_filter() {
    let town = town().await;
    let pool = &town.database.pool;
    let snapshot = refresh::snapshot(pool, Clock::of_the_machine()).await.unwrap();
    assert!(snapshot.len() > 150, "{}", snapshot.len());
    let table = from_today(&snapshot);

    for asked in Queryable::ALL.iter().filter(|asked| asked.holds() != Kind::Shape) {
        let name = asked.name();
        let column = match asked.holds() {
            Kind::Number => format!("encode(float8send({name}), 'hex')"),
            _ => format!("{name}::text"),
        };
        let sql = format!("select parcel_code, {column} from {table} order by parcel_code collate \"C\"");
        let stored: Vec<(String, Option<String>)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(pool).await.unwrap();
        let all = snapshot.all();
        assert_eq!(stored.len(), all.len());
        let mut values = BTreeSet::new();
        for ((code, stored), number) in stored.into_iter().zip(all.indices()) {
            let parcel = snapshot.parcel(*number);
            assert_eq!((parcel.code(), as_text(parcel.value(*asked))), (code.as_str(), stored.clone()), "{name}");
            values.insert(stored);
        }
        assert!(values.len() > 1, "{name} is {values:?} of every parcel, which shows nothing");
    }

    let mut chance = Chance { rng: ChaCha8Rng::seed_from_u64(30), snapshot: &snapshot };
    let (mut none, mut some, mut all) = (0, 0, 0);
    for _ in 0..400 {
        let text = chance.condition(3);
        let filter = Filter::parse(&text, Queryable::PROPERTIES).unwrap_or_else(|error| panic!("{text}: {error}"));
        let mut sql = QueryBuilder::new(format!("select parcel_code from {table} where "));
        push(&mut sql, &filter, Queryable::PROPERTIES);
        sql.push(" order by parcel_code collate \"C\"");
        let query = sql.build_query_scalar().persistent(false);
        let stored: Vec<String> = query.fetch_all(pool).await.unwrap_or_else(|error| panic!("{text}: {error}"));
        let found = snapshot.find(None, Some(&filter), &|| false).unwrap();
        let found: Vec<&str> = found.indices().iter().map(|number| snapshot.parcel(*number).code()).collect();
        assert_eq!(found, stored, "{text}");
        match found.len() {
            0 => none += 1,
            few if few < snapshot.len() => some += 1,
            _ => all += 1,
        }
    }
    assert!(none > 20 && some > 100 && all > 20, "{none} found nothing, {some} something, {all} everything");
}

/// Filters over what there is to ask, with values that occur, by chance that is the same at every run.
struct Chance<'a> {
    rng: ChaCha8Rng,
    snapshot: &'a Snapshot,
}

impl Chance<'_> {
    fn of<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words.choose(&mut self.rng).unwrap()
    }

    fn name(&mut self, kind: Kind) -> &'static str {
        let names: Vec<_> = Queryable::ALL.iter().filter(|asked| asked.holds() == kind).map(|one| one.name()).collect();
        self.of(&names)
    }

    fn any(&mut self) -> &'static str {
        Queryable::ALL.choose(&mut self.rng).unwrap().name()
    }

    /// A value of that name that some parcel has.
    fn value(&mut self, name: &str) -> String {
        let asked = Queryable::parse(name).unwrap();
        for _ in 0..20 {
            let number = self.rng.random_range(0..self.snapshot.len() as u32);
            match self.snapshot.parcel(number).value(asked) {
                Some(Value::Text(text)) => return format!("'{text}'"),
                Some(Value::Number(number)) => return format!("{number}"),
                Some(Value::Date(day)) => return format!("DATE('{day}')"),
                _ => {}
            }
        }
        match asked.holds() {
            Kind::Number => "1".to_owned(),
            Kind::Date => "DATE('2030-01-01')".to_owned(),
            _ => "'x'".to_owned(),
        }
    }

    fn number(&mut self, depth: u32) -> String {
        let name = self.name(Kind::Number);
        match self.rng.random_range(0..if depth == 0 { 2 } else { 3 }) {
            0 => name.to_owned(),
            1 => self.value(name),
            _ => {
                let sign = self.of(&["+", "-", "*", "/", "%", "div"]);
                format!("({} {sign} {})", self.number(depth - 1), self.number(depth - 1))
            }
        }
    }

    fn shape(&mut self) -> String {
        let bounds = self.snapshot.bounds().unwrap();
        let mut place =
            || (self.rng.random_range(bounds.west..bounds.east), self.rng.random_range(bounds.south..bounds.north));
        let ((x, y), (to_x, to_y), (by_x, by_y)) = (place(), place(), place());
        match self.rng.random_range(0..5) {
            0 => "geometry".to_owned(),
            1 => format!("POINT({x} {y})"),
            2 => format!("LINESTRING({x} {y},{to_x} {to_y})"),
            3 => format!("POLYGON(({x} {y},{to_x} {to_y},{by_x} {by_y},{x} {y}))"),
            _ => format!("BBOX({},{},{},{})", x.min(to_x), y.min(to_y), x.max(to_x), y.max(to_y)),
        }
    }

    fn condition(&mut self, depth: u32) -> String {
        let sign = self.of(&["=", "<>", "<", "<=", ">", ">="]);
        let not = self.of(&["", "NOT "]);
        match self.rng.random_range(0..if depth == 0 { 10 } else { 14 }) {
            0 | 1 => {
                let kind = *[Kind::Text, Kind::Number, Kind::Date].choose(&mut self.rng).unwrap();
                let name = self.name(kind);
                format!("{name} {sign} {}", self.value(name))
            }
            2 => format!("{} {sign} {}", self.number(2), self.number(2)),
            3 => {
                let name = self.name(Kind::Text);
                format!("{name} {not}IN ({}, {})", self.value(name), self.value(name))
            }
            4 => {
                let name = self.name(Kind::Number);
                format!("{name} {not}BETWEEN {} AND {}", self.value(name), self.number(1))
            }
            5 => {
                let name = self.name(Kind::Text);
                let pattern = self.of(&["'%1_'", "CASEI('M%')", "'%厂%'", "'%'", "ACCENTI('_')", "'310%'"]);
                format!("CASEI({name}) {not}LIKE {pattern}")
            }
            6 => format!("{} IS {not}NULL", self.any()),
            7 => {
                let relation = TemporalRelation::ALL.choose(&mut self.rng).unwrap().word();
                let (from, to) = (self.value("term_end"), self.value("term_end"));
                let bare = |day: String| day.trim_start_matches("DATE(").trim_end_matches(')').to_owned();
                format!("{relation}(term_end, INTERVAL({}, {}))", bare(from), bare(to))
            }
            8 => {
                let relation = SpatialRelation::ALL.choose(&mut self.rng).unwrap().word();
                let (one, other) = ("geometry".to_owned(), self.shape());
                let (one, other) = if self.rng.random_bool(0.5) { (one, other) } else { (other, one) };
                format!("{relation}({one}, {other})")
            }
            9 => "locked".to_owned(),
            10 => format!("NOT ({})", self.condition(depth - 1)),
            11 => format!("({}) OR ({})", self.condition(depth - 1), self.condition(depth - 1)),
            _ => format!("({}) AND ({})", self.condition(depth - 1), self.condition(depth - 1)),
        }
    }
}
