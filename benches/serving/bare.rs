//! The least that asks PostGIS for the same answer: one handler of axum, one query of sqlx, GeoJSON built by the database.
//! No counts, no limits, no refusals; it is what landcycle's search is held against.

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Router, serve};
use serde::Deserialize;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;

/// A box in degrees.
#[derive(Deserialize)]
struct Asked {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

/// Serves until it is ended.
pub async fn run(url: &str, port: u16) {
    let pool = PgPoolOptions::new().max_connections(8).connect(url).await.unwrap();
    let router = Router::new().route("/items", get(items)).with_state(pool);
    serve(TcpListener::bind(("127.0.0.1", port)).await.unwrap(), router).await.unwrap();
}

async fn items(State(pool): State<PgPool>, Query(asked): Query<Asked>) -> impl IntoResponse {
    let body: String = sqlx::query_scalar(
        "with asked as (select st_makeenvelope($1, $2, $3, $4, 4326) as box),
         found as (select p.* from peers.parcel p, asked where st_intersects(p.geom, asked.box))
         select json_build_object(
             'type', 'FeatureCollection',
             'numberMatched', count(*),
             'area_m2', sum(area_m2),
             'features', coalesce(json_agg(json_build_object(
                 'type', 'Feature', 'id', code, 'geometry', st_asgeojson(geom)::json,
                 'properties', to_jsonb(found) - 'geom' - 'id') order by code), '[]'))::text
         from found",
    )
    .bind(asked.west)
    .bind(asked.south)
    .bind(asked.east)
    .bind(asked.north)
    .fetch_one(&pool)
    .await
    .unwrap();
    ([(header::CONTENT_TYPE, "application/geo+json")], body)
}
