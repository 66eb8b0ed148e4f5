//! What other rules would find, at the city's real size: one change of a kept run, asked for over HTTP in this process, as a
//! share of 150 ms. `cargo bench --bench simulation`, `PARCELS=20000` for a short look. Fails above the limit.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use landcycle::atlas::Atlas;
use landcycle::clock::Clock;
use landcycle::http::{App, router};
use landcycle::{cluster, store};
use serde_json::{Value, json};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower::ServiceExt as _;

/// A change of the city's rules, answered whole.
const LIMIT_MS: f64 = 150.0;
const CITY: f64 = 48_501.0;
const CHANGES: u32 = 25;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let parcels = std::env::var("PARCELS").unwrap_or_else(|_| "48501".to_owned());
    let limit = LIMIT_MS * parcels.parse::<f64>().unwrap() / CITY;
    let home = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_landcycle"))
        .args(["demo", "run", "--no-serve", "--parcels", &parcels, "--out"])
        .arg(home.path().join("out"))
        .env("LANDCYCLE_HOME", home.path())
        .env_remove("DATABASE_URL")
        .current_dir(home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "the demo ended with {status}");
    let url = cluster::ensure(home.path()).unwrap().url;
    let pool = store::connect(&url, "city_310000").await.unwrap();
    let clock = Clock::of_the_machine();
    let app = App { atlas: Arc::new(Atlas::empty()), pool: pool.clone(), today: Arc::new(move || clock.today()) };
    let service = router(app);

    let begun = Instant::now();
    simulate(&service, json!({})).await;
    println!("the first question, which reads the run: {:.1} s", begun.elapsed().as_secs_f64());
    let mut took: Vec<Duration> = Vec::new();
    for number in 0..CHANGES {
        let weight = 20.0 + f64::from(number);
        let set =
            json!({"weight.tax_int": weight, "cutoffs.a": 15.0 + f64::from(number % 10), "benchmark.out_int": 200.0});
        let begun = Instant::now();
        let found = simulate(&service, set).await;
        took.push(begun.elapsed());
        assert!(!found["moves"].as_array().unwrap().is_empty());
    }
    pool.close().await;
    cluster::stop(home.path()).unwrap();
    took.sort();
    let ms = |place: usize| took[place].as_secs_f64() * 1e3;
    let (median, most) = (ms(took.len() / 2), ms(took.len() - 1));
    let share = most / limit;
    println!("{parcels} parcels, a change: median {median:.1} ms, most {most:.1} ms = {share:.2} of {limit:.0} ms");
    if share <= 1.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn simulate(service: &Router, set: Value) -> Value {
    let body = json!({"run": 1, "set": set}).to_string();
    let request = Request::post("/api/v1/reviews/simulate").header("host", "localhost");
    let request = request.header("content-type", "application/json").body(Body::from(body)).unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}
