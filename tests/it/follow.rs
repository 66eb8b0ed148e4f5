//! The map follows the register: by announcement, past a broken connection, and past a restart of the database. Knows
//! how long a reader may wait; refuses to know what is on the map.

use crate::support::{Home, Town, landcycle, parcel};
use landcycle::atlas::Atlas;
use landcycle::clock::Clock;
use landcycle::flow::refresh;
use landcycle::{cluster, store};
use sqlx::PgPool;
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
