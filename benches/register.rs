//! The register at a million parcels, held against its limits: how long after its commit a correction shows in search and
//! in the tile, and how long a dossier takes. `cargo bench --bench register`, `PARCELS=20000` for a short look,
//! `REGISTER=DIR` to keep the register there for the next time. Prints each figure as a share of its limit and fails
//! above it.
//!
//! How a register of that size is made is in `made_city`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "made_city/correction.rs"]
mod correction;
mod made_city;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use landcycle::atlas::Atlas;
use landcycle::clock::Clock;
use landcycle::cluster;
use landcycle::flow::refresh;
use landcycle::http::{App, router};
use landcycle::store;
use made_city::Copied;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::f64::consts::PI;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower::ServiceExt as _;

/// A correction shows in search and tiles so long after its commit.
const LIMIT_SHOWN_MS: f64 = 100.0;
/// A dossier, with everything.
const LIMIT_DOSSIER_MS: f64 = 10.0;

/// How many parcels the city has that is copied.
const ORIGINAL: usize = 4_000;
/// So many copies have receipts of their own, of which the dossiers are asked for; a receipt is some kilobytes.
const REVIEWED_COPIES: usize = 20;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let parcels: usize = std::env::var("PARCELS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let kept = std::env::var_os("REGISTER").map(PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let home = kept.clone().unwrap_or_else(|| temporary.path().to_owned());
    let url = made_city::city(&home, parcels.min(ORIGINAL));
    let pool = store::connect(&url, made_city::SCHEMA).await.unwrap();
    let copied = Copied { reporting: REVIEWED_COPIES, reviewed: REVIEWED_COPIES };
    made_city::multiply(&pool, parcels, copied).await;

    let clock = Clock::of_the_machine();
    let begun = Instant::now();
    let atlas = Arc::new(Atlas::new(refresh::snapshot(&pool, clock).await.unwrap()));
    println!("{} parcels, read and packed whole in {:.1} s", atlas.current().len(), begun.elapsed().as_secs_f64());
    let following = tokio::spawn(refresh::follow(pool.clone(), clock, atlas.clone()));
    let app = App { atlas: atlas.clone(), pool: pool.clone(), today: Arc::new(move || clock.today()) };
    let city = City { router: router(app), atlas, pool: pool.clone() };
    let rng = &mut ChaCha8Rng::seed_from_u64(310_000);
    // The follower listens once it has asked for the first time.
    tokio::time::sleep(Duration::from_millis(500)).await;

    let mut shown = Vec::new();
    for _ in 0..20 {
        shown.push(city.correction(rng).await);
    }
    let within = report("a correction, from commit to search and tile", &mut shown, LIMIT_SHOWN_MS, 1.0);

    let codes: Vec<String> =
        sqlx::query_scalar("select parcel from review_result order by parcel").fetch_all(&pool).await.unwrap();
    let mut took = Vec::new();
    for number in 0..220 {
        let code = codes.choose(rng).unwrap();
        let begun = Instant::now();
        let (status, body) = city.ask(get(&format!("/api/v1/parcels/{code}"))).await;
        let time = begun.elapsed();
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        // The first ones open connections and plan queries.
        if number >= 20 {
            took.push(time);
        }
    }
    let within = report("a dossier with everything", &mut took, LIMIT_DOSSIER_MS, 0.99) && within;

    following.abort();
    pool.close().await;
    cluster::stop(&home).unwrap();
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the median, a high quantile and its share of the limit; answers whether it is within.
fn report(what: &str, times: &mut [Duration], limit_ms: f64, quantile: f64) -> bool {
    times.sort();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    let (median, high) = (at(0.5), at(quantile));
    let share = high / limit_ms;
    let name = if quantile < 1.0 { format!("p{:.0}", quantile * 100.0) } else { "most".to_owned() };
    println!(
        "{what}: median {median:.1} ms, {name} {high:.1} ms = {share:.2} of {limit_ms:.0} ms (of {})",
        times.len()
    );
    share <= 1.0
}

/// The service in this process, without a network between.
struct City {
    router: Router,
    atlas: Arc<Atlas>,
    pool: PgPool,
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).header("host", "localhost").body(Body::empty()).unwrap()
}

impl City {
    async fn ask(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    /// Corrects the use of a parcel as an import does, and answers how long after the commit was asked for both a search
    /// at its place and its tile say so.
    async fn correction(&self, rng: &mut ChaCha8Rng) -> Duration {
        let snapshot = self.atlas.current();
        let parcel = snapshot.parcel(snapshot.all().indices()[rng.random_range(0..snapshot.len())]);
        let [x, y] = parcel.shape().rings().next().unwrap()[0];
        let (land_use, write) = correction::begin(&self.pool, parcel).await;

        let begun = Instant::now();
        correction::commit(write).await;
        let wanted = land_use.as_bytes();
        let (mut in_search, mut in_tile) = (false, false);
        while !(in_search && in_tile) {
            assert!(begun.elapsed() < Duration::from_secs(60), "the correction does not show");
            in_search = in_search || self.search(x, y).await.windows(wanted.len()).any(|part| part == wanted);
            in_tile = in_tile || self.tile(x, y).await.windows(wanted.len()).any(|part| part == wanted);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        begun.elapsed()
    }

    async fn search(&self, x: f64, y: f64) -> Vec<u8> {
        let body = json!({"bbox": [x - 1e-6, y - 1e-6, x + 1e-6, y + 1e-6], "limit": 1000});
        let request = Request::post("/api/v1/parcels/search").header("host", "localhost");
        let request = request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
        let (status, body) = self.ask(request).await;
        assert_eq!(status, StatusCode::OK);
        let found: Value = serde_json::from_slice(&body).unwrap();
        found["features"].to_string().into_bytes()
    }

    async fn tile(&self, x: f64, y: f64) -> Vec<u8> {
        let side = f64::from(1 << 16);
        let down = 0.5 - y.to_radians().tan().asinh() / (2.0 * PI);
        let path = format!("/tiles/parcels/16/{}/{}.mvt", ((x / 360.0 + 0.5) * side) as u64, (down * side) as u64);
        self.ask(get(&path)).await.1
    }
}
