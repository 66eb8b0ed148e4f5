//! The map follows the register: by announcement, past a broken connection, and past a restart of the database. Knows
//! how long a reader may wait; refuses to know what is on the map.

use crate::support::{Home, Town, feature, landcycle, lot, parcel, parcel_code, square};
use landcycle::atlas::{Atlas, Change};
use landcycle::clock::Clock;
use landcycle::flow::refresh;
use landcycle::http::{self, App};
use landcycle::store::changes::{Since, since};
use landcycle::store::write::{Audit, Write};
use landcycle::{cluster, store};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Well below the fifteen seconds after which the register is asked anyway.
const SOON: Duration = Duration::from_secs(2);

/// An atlas that follows until it is dropped.
struct Follower {
    atlas: Arc<Atlas>,
    task: JoinHandle<()>,
}

impl Follower {
    async fn start(pool: &PgPool) -> Self {
        let atlas = Arc::new(Atlas::empty());
        let task = tokio::spawn(refresh::follow(pool.clone(), Clock::of_the_machine(), atlas.clone()));
        let follower = Self { atlas, task };
        follower.shows(Duration::from_secs(10), |atlas| atlas.is_loaded()).await;
        follower
    }

    /// Waits until the map is as it should be, and answers how long that took.
    async fn shows(&self, at_most: Duration, wanted: impl Fn(&Atlas) -> bool) -> Duration {
        let begun = Instant::now();
        while !wanted(&self.atlas) {
            let shown = self.atlas.current();
            let told = format!("revision {} with {} parcels after {at_most:?}", shown.revision(), shown.len());
            assert!(begun.elapsed() < at_most, "the map shows {told}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        begun.elapsed()
    }

    async fn shows_parcels(&self, at_most: Duration, count: usize) -> Duration {
        self.shows(at_most, |atlas| atlas.current().len() == count).await
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends the server process that announces revisions, and answers how many there were.
const END_LISTENERS: &str = "select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and query ilike 'listen %' and pid <> pg_backend_pid()) ended";

async fn listeners(pool: &PgPool) -> i64 {
    let sql = "select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen %'
         and pid <> pg_backend_pid()";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_imported_is_on_the_map_within_two_seconds() {
    let town = Town::empty().await;
    let follower = Follower::start(&town.database.pool).await;
    assert_eq!(follower.atlas.current().len(), 0);
    for count in [2_usize, 5, 9] {
        let parcels: Vec<_> = (0..count as u32).map(parcel).collect();
        town.takes("parcels", &town.geojson("parcels", &parcels));
        let took = follower.shows_parcels(SOON, count).await;
        eprintln!("an import of {count} parcels was on the map {took:?} after the command ended");
    }
    let head: i64 = town.value("select id from revision_head").await;
    assert_eq!(follower.atlas.current().revision(), head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_nobody_heard_of_is_seen_when_a_lost_listener_is_back() {
    let town = Town::settled().await;
    let follower = Follower::start(&town.database.pool).await;
    assert_eq!(follower.atlas.current().len(), 3);
    let before = follower.atlas.current().revision();
    // A change that nobody is told of stands for one that was announced while the listener was gone.
    let silent = "with next as (update revision_head set id = id + 1 returning id)
         insert into revision (id, recorded_at, actor, act) select id, clock_timestamp(), 'test', 'nothing' from next
         returning id";
    let revision: i64 = town.value(silent).await;
    assert_eq!(revision, before + 1);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(follower.atlas.current().revision(), before, "nobody was told");
    assert_eq!(town.value::<i64>(END_LISTENERS).await, 1);
    follower.shows(Duration::from_secs(5), |atlas| atlas.current().revision() == revision).await;

    // And it hears again.
    let begun = Instant::now();
    while listeners(&town.database.pool).await == 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "nobody listens");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let parcels: Vec<_> = (1..=6).map(parcel).collect();
    town.takes("parcels", &town.geojson("parcels", &parcels));
    follower.shows_parcels(SOON, 6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_map_answers_while_the_database_is_away_and_follows_when_it_is_back() {
    let home = Home::empty();
    let first = cluster::ensure(home.path()).unwrap();
    let schema = "city_310000";
    let pool = store::connect(&first.url, schema).await.unwrap();
    store::migrate(&pool, schema).await.unwrap();
    let import = |count: u32| {
        let path = home.above().join("parcels.geojson");
        let parcels: Vec<_> = (0..count).map(parcel).collect();
        std::fs::write(&path, crate::support::collection(&parcels)).unwrap();
        let mut command = landcycle();
        let ended = command.arg("import").arg("parcels").arg(&path).env("DATABASE_URL", &first.url).output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    };
    import(3);
    let follower = Follower::start(&pool).await;
    assert_eq!(follower.atlas.current().len(), 3);

    assert!(cluster::stop(home.path()).unwrap());
    assert!(store::ping(&pool).await.is_err(), "the database is away");
    assert_eq!(follower.atlas.current().len(), 3, "the last map answers");

    let second = cluster::ensure(home.path()).unwrap();
    assert!(second.started_here && second.url == first.url);
    import(5);
    follower.shows_parcels(Duration::from_secs(14), 5).await;
    let begun = Instant::now();
    while listeners(&pool).await == 0 {
        assert!(begun.elapsed() < Duration::from_secs(14), "nobody listens");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    import(8);
    follower.shows_parcels(SOON, 8).await;
    drop(follower);
    pool.close().await;
}

/// What the register says changed since the map's revision, by code.
async fn changed(town: &Town, follower: &Follower) -> Vec<Change> {
    let shown = follower.atlas.current();
    let run = shown.city().run.as_ref().map(|run| run.id);
    let today = Clock::of_the_machine().today();
    match since(&town.database.pool, shown.revision(), today, None, run).await.unwrap() {
        Since::Some(changes) => changes.parcels,
        other => panic!("{other:?}"),
    }
}

/// The map that followed must be the map that is read anew.
async fn assert_followed(town: &Town, follower: &Follower, after: &str) {
    let head: i64 = town.value("select id from revision_head").await;
    follower.shows(SOON, |atlas| atlas.current().revision() == head).await;
    let anew = refresh::snapshot(&town.database.pool, Clock::of_the_machine()).await.unwrap();
    let shown = follower.atlas.current();
    assert_eq!((shown.revision(), shown.len()), (anew.revision(), anew.len()), "after {after}");
    let codes = |of: &landcycle::atlas::Snapshot| {
        of.all().indices().iter().map(|index| of.parcel(*index).code().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(&shown), codes(&anew), "after {after}");
    assert_eq!((shown.fingerprint(), shown.bounds()), (anew.fingerprint(), anew.bounds()), "after {after}");
}

/// A statement in a write transaction of its own, as any writer of the register makes one: `$1` is the moment and `$2`
/// the revision.
async fn write(town: &Town, statement: String) {
    let mut write = Write::begin(&town.database.pool, "test", "test").await.unwrap();
    let (at, revision) = (write.recorded_at, write.revision);
    sqlx::query(AssertSqlSafe(statement)).bind(at).bind(revision).execute(write.connection()).await.unwrap();
    write.commit(Audit { subject: "test".to_owned(), facts: json!({}) }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_written_the_map_that_followed_is_the_map_read_anew() {
    let town = Town::settled().await;
    let follower = Follower::start(&town.database.pool).await;
    let building = |parcel: u32, area: f64| {
        let row = format!("building_code,parcel_code,storeys,floor_area_m2\nX1,{},2,{area}\n", parcel_code(parcel));
        town.takes("buildings", &town.file("buildings.csv", row));
    };
    let contract = |parcel: u32| {
        let head = "contract_no,parcel_code,kind,signed_on,term_years,performance_terms";
        let row = format!("{head}\nH1,{},grant,2015-01-01,20,1\n", parcel_code(parcel));
        town.takes("contracts", &town.file("contracts.csv", row));
    };
    let zone = |to: f64, tier: &str| {
        let properties = json!({"code": "B-1", "name": "基地", "tier": tier, "valid_from": "2020-01-01"});
        town.takes("zones", &town.geojson("zones", &[feature(&properties, &square(121.4, 31.0, to, 31.4))]));
    };
    let land = |number: u32, land_use: &str, shape: u32| {
        let properties = json!({"parcel_code": parcel_code(number), "land_use": land_use});
        town.takes("parcels", &town.geojson("parcels", &[feature(&properties, &lot(shape))]));
    };
    land(2, "M2", 2);
    assert_followed(&town, &follower, "a corrected use").await;
    land(2, "M2", 250);
    assert_followed(&town, &follower, "a corrected shape").await;
    land(0, "M1", 0);
    assert_followed(&town, &follower, "a parcel before all others").await;
    building(1, 500.0);
    assert_followed(&town, &follower, "a building").await;
    building(3, 700.0);
    assert_followed(&town, &follower, "a building that stands elsewhere").await;
    contract(3);
    assert_followed(&town, &follower, "a contract of another parcel").await;
    let named = "contract_no,parcel_code,kind,holder,signed_on,term_years,performance_terms";
    let row = format!("{named}\nH1,{},grant,E1,2015-01-01,20,1\n", parcel_code(3));
    town.takes("contracts", &town.file("contracts.csv", row));
    assert_followed(&town, &follower, "a holder").await;
    town.takes("enterprises", &town.file("enterprises.csv", "enterprise_code,name,industry\nE1,改名厂,3620\n"));
    assert_followed(&town, &follower, "a holder of another name and industry").await;
    let held = follower.atlas.current();
    let held = held.at(&parcel_code(3)).unwrap();
    assert_eq!((held.holder(), held.industry()), (Some("改名厂"), Some("3620")));
    let idle = format!(
        "insert into parcel_state (parcel_id, since, valid, recorded, state, facts, deed, document, revision)
         select id, '2020-01-01', daterange('2020-01-01', null), tstzrange($1, null), 'idle', '{{\"state\": \"idle\"}}',
             'found', '普查', $2 from parcel where code = '{}'",
        parcel_code(3)
    );
    write(&town, idle).await;
    assert_followed(&town, &follower, "a state of life").await;
    assert_eq!(follower.atlas.current().at(&parcel_code(3)).unwrap().state(), Some("idle"));
    zone(121.5015, "base");
    assert_followed(&town, &follower, "a zone").await;
    zone(121.6, "community");
    assert_followed(&town, &follower, "a zone of another tier").await;
    let district = feature(&json!({"code": "310115", "name": "浦东"}), &square(121.3, 31.0, 121.8, 31.4));
    town.takes("districts", &town.geojson("districts", &[district]));
    assert_followed(&town, &follower, "a district").await;
    // Closed without successor: nothing new bears the revision.
    let close = |table: &str, which: &str| {
        format!(
            "update {table} set recorded = tstzrange(lower(recorded), $1) where upper_inf(recorded) and {which} and $2 > 0"
        )
    };
    write(&town, close("parcel_state", "true")).await;
    assert_followed(&town, &follower, "a state of life that is no longer believed").await;
    write(&town, close("building", "code = 'X1'")).await;
    assert_followed(&town, &follower, "a building that is no longer believed").await;
    write(&town, close("contract", "number = 'H1'")).await;
    assert_followed(&town, &follower, "a contract that is no longer believed").await;
    let one = format!("parcel_id = (select id from parcel where code = '{}')", parcel_code(1));
    write(&town, close("parcel_version", &one)).await;
    assert_followed(&town, &follower, "a parcel that is no longer believed").await;
    assert!(follower.atlas.current().at(&parcel_code(1)).is_none());
    write(&town, close("zone_version", "true")).await;
    assert_followed(&town, &follower, "a zone that is no longer believed").await;
    town.run(&["review", "run", "--as-of", "2026-06-30", "--out", "out"]);
    assert_followed(&town, &follower, "a review").await;
    assert!(follower.atlas.current().city().run.is_some());
    land(3, "M3", 3);
    assert_followed(&town, &follower, "a correction after a review").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_map_beside_which_much_has_changed_is_packed_anew_and_goes_on_following() {
    let town = Town::settled().await;
    let follower = Follower::start(&town.database.pool).await;
    // Some are read one by one and packed anew soon after; of many more the whole city is read.
    for (count, land_use) in [(1_100, "M1"), (1_200, "M2"), (5_100, "M1")] {
        let use_of = |number: u32| json!({"parcel_code": parcel_code(number), "land_use": land_use});
        let parcels: Vec<_> = (0..count).map(|number| feature(&use_of(number), &lot(number))).collect();
        town.takes("parcels", &town.geojson("parcels", &parcels));
        assert_followed(&town, &follower, "an import").await;
        follower.shows(Duration::from_secs(10), |atlas| !atlas.current().wants_settling()).await;
        assert_followed(&town, &follower, "packing anew").await;
    }
    let corrected = feature(&json!({"parcel_code": parcel_code(9), "land_use": "M9"}), &lot(6_000));
    town.takes("parcels", &town.geojson("parcels", &[corrected]));
    assert_followed(&town, &follower, "a correction").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_correction_nothing_but_the_corrected_parcel_is_read() {
    let town = Town::settled().await;
    let follower = Follower::start(&town.database.pool).await;
    follower.task.abort();
    let corrected = feature(&json!({"parcel_code": parcel_code(2), "land_use": "M3"}), &lot(2));
    town.takes("parcels", &town.geojson("parcels", &[corrected]));
    let changes = changed(&town, &follower).await;
    let found: Vec<_> = changes.iter().map(|it| (&*it.code, it.now.as_ref().map(|now| &*now.land_use))).collect();
    assert_eq!(found, [(&*parcel_code(2), Some("M3"))]);

    // With another run the whole city has other grades.
    let shown = follower.atlas.current().revision();
    let today = Clock::of_the_machine().today();
    let of_another_run = since(&town.database.pool, shown, today, None, Some(7)).await.unwrap();
    assert!(matches!(of_another_run, Since::Whole), "{of_another_run:?}");
    // A revision that the register does not have is another register's.
    let ahead = since(&town.database.pool, 1_000, today, None, None).await.unwrap();
    assert!(matches!(ahead, Since::Whole), "{ahead:?}");
}

/// The status and the type of an answer's problem, if it is one.
async fn answered(request: reqwest::RequestBuilder) -> (StatusCode, Option<String>) {
    let response = request.timeout(Duration::from_secs(8)).send().await.unwrap();
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    (status, body["type"].as_str().map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_database_is_restarted_under_the_server_requests_fail_cleanly_then_work_again_by_themselves() {
    let home = Home::empty();
    let first = cluster::ensure(home.path()).unwrap();
    let pool = store::connect(&first.url, "city_310000").await.unwrap();
    store::migrate(&pool, "city_310000").await.unwrap();
    let import = |land_use: &str| {
        let path = home.above().join("parcels.geojson");
        let one = feature(&json!({"parcel_code": parcel_code(1), "land_use": land_use}), &lot(1));
        std::fs::write(&path, crate::support::collection(&[one])).unwrap();
        let mut command = landcycle();
        let ended = command.arg("import").arg("parcels").arg(&path).env("DATABASE_URL", &first.url).output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    };
    import("M1");
    let follower = Follower::start(&pool).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let today = || Clock::of_the_machine().today();
    let app = App { atlas: follower.atlas.clone(), pool: pool.clone(), today: Arc::new(today) };
    let server = tokio::spawn(http::serve(listener, app, std::future::pending()));
    let client = reqwest::Client::new();
    let dossier = || client.get(format!("http://{address}/api/v1/parcels/{}", parcel_code(1)));
    let ready = || client.get(format!("http://{address}/readyz"));
    let search = || {
        let body = json!({"bbox": [121.0, 31.0, 122.0, 32.0]});
        client.post(format!("http://{address}/api/v1/parcels/search")).json(&body)
    };
    for request in [dossier(), ready(), search()] {
        assert_eq!(answered(request).await, (StatusCode::OK, None));
    }

    // Some hold a connection at the moment of the restart.
    let asking: Vec<_> = (0..8).map(|_| tokio::spawn(dossier().send())).collect();
    assert!(cluster::stop(home.path()).unwrap());
    for asked in asking {
        let status = asked.await.unwrap().unwrap().status();
        assert!(status == StatusCode::OK || status == StatusCode::SERVICE_UNAVAILABLE, "{status}");
    }
    let away = (StatusCode::SERVICE_UNAVAILABLE, Some("/problems/not-ready".to_owned()));
    for request in [dossier(), ready(), dossier()] {
        assert_eq!(answered(request).await, away);
    }
    assert_eq!(answered(search()).await, (StatusCode::OK, None), "the last map answers");

    cluster::ensure(home.path()).unwrap();
    let begun = Instant::now();
    while answered(dossier()).await.0 != StatusCode::OK {
        assert!(begun.elapsed() < Duration::from_secs(10), "the dossier does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(answered(ready()).await, (StatusCode::OK, None));
    import("M3");
    let seen = |atlas: &Atlas| atlas.current().at(&parcel_code(1)).is_some_and(|parcel| parcel.land_use() == "M3");
    follower.shows(Duration::from_secs(14), seen).await;
    server.abort();
    drop(follower);
    pool.close().await;
}
