//! The HTTP face: routes, headers, wire shapes and problem documents. It knows no rule and no query; it asks the atlas
//! and the register, and writes down what they say.

mod agreement;
mod answer;
mod api;
mod assets;
mod body;
mod form;
mod guard;
mod health;
mod ogc;
mod openapi;
mod patience;
mod problem;
mod tiles;

pub use api::{
    calendar, clusters, contract, entry, land_account, left_out, obligations, parcel, park, plot_ratio, reserve,
    review, simulation, standing, supply, verdict,
};

use crate::atlas::Atlas;
use crate::flow::review::simulate::Desk;
use crate::store;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use axum::{Extension, Router};
use chrono::NaiveDate;
use std::future::{Future, IntoFuture as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

/// The largest body that is read: an area of 100,000 vertices takes 2.6 MB at seven decimals, and some 4 MB with every
/// digit of its floats.
const MOST_BODY_BYTES: usize = 8 << 20;

/// What every answer is made from.
#[derive(Clone)]
pub struct App {
    /// The map in memory.
    pub atlas: Arc<Atlas>,
    /// The register.
    pub pool: store::Pool,
    /// The day that it is, for terms that end soon.
    pub today: Arc<dyn Fn() -> NaiveDate + Send + Sync>,
}

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address that others can reach.
    #[error(
        "{address} can be reached from other machines, and there are no accounts yet: anyone there could read the \
         register; listen on 127.0.0.1 or [::1]"
    )]
    Exposed {
        /// The address.
        address: SocketAddr,
    },
    /// The listener failed.
    #[error("the listener failed")]
    Listen(#[from] std::io::Error),
}

/// Every route of the service.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(health::up))
        .route("/readyz", get(health::ready))
        .route("/openapi.json", get(openapi::document))
        .route("/docs", get(openapi::page))
        .route("/api/v1/city", get(api::city::show))
        .route("/api/v1/parcels/search", post(api::search::search))
        .route("/api/v1/parcels/at", get(api::places::at))
        .route("/api/v1/parcels/nearest", get(api::places::nearest))
        .route("/api/v1/parcels/{code}", get(api::parcel::show))
        .route("/api/v1/obligations", get(api::obligations::show))
        .route("/api/v1/plot-ratio", get(api::plot_ratio::show))
        .route("/api/v1/plot-ratio/verdict", post(api::plot_ratio::rise::ask))
        .route("/api/v1/plot-ratio/procedures", get(api::plot_ratio::rise::list))
        .route("/api/v1/parcels/{code}/lineage", get(api::lineage::show))
        .route("/api/v1/parcels/{code}/standing", get(api::standing::show))
        .route("/api/v1/parcels/{code}/standing.svg", get(api::standing::picture))
        .route("/api/v1/standing", post(api::standing::ask))
        .route("/api/v1/entry-check", post(api::entry::ask))
        .route("/api/v1/land-account", get(api::land_account::show))
        .route("/api/v1/supply", get(api::supply::show))
        .route("/api/v1/reserve", get(api::reserve::show))
        .route("/api/v1/reviews", get(api::review::list))
        .route("/api/v1/reviews/due", get(api::calendar::show))
        .route("/api/v1/reviews/{run}", get(api::review::show))
        .route("/api/v1/reviews/{run}/results", get(api::review::results))
        .route("/api/v1/reviews/{run}/results/{parcel}", get(api::review::result))
        .route("/api/v1/reviews/{run}/left-out", get(api::left_out::show))
        .route("/api/v1/reviews/{run}/diff", get(api::review::diff))
        .route("/api/v1/reviews/{run}/objections", get(api::review::objections))
        .route("/api/v1/reviews/{run}/clusters", get(api::clusters::show))
        .route("/api/v1/reviews/{run}/sheets/{parcel}", get(api::sheet::show))
        .route("/api/v1/reviews/simulate", post(api::simulation::ask))
        .route("/api/v1/parks", get(api::park::list))
        .route("/api/v1/parks/{code}", get(api::park::show))
        .route("/api/v1/parks/evaluations", get(api::park::evaluations))
        .route("/api/v1/parks/evaluations/{evaluation}", get(api::park::evaluation))
        .route("/api/v1/parks/evaluations/{evaluation}/results/{park}", get(api::park::result))
        .route("/api/v1/verdict", post(api::verdict::judge))
        .route("/api/v1/approvals", get(api::verdict::approvals))
        .route("/ogc", get(ogc::landing))
        .route("/ogc/conformance", get(ogc::conformance))
        .route("/ogc/api", get(ogc::openapi::show))
        .route("/ogc/collections", get(ogc::collections::list))
        .route("/ogc/collections/{collection}", get(ogc::collections::show))
        .route("/ogc/collections/{collection}/queryables", get(ogc::schema::queryables))
        .route("/ogc/collections/{collection}/schema", get(ogc::schema::schema))
        .route("/ogc/collections/{collection}/items", get(ogc::items::list))
        .route("/ogc/collections/{collection}/items/{feature}", get(ogc::items::show))
        .route("/tiles/{file}", get(tiles::describe))
        .route("/tiles/{layer}/{z}/{x}/{file}", get(tiles::tile))
        .route("/", get(assets::page))
        .fallback(assets::file)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(Extension(guard::WholeCity::new()))
        .layer(Extension(guard::Searches::new()))
        .layer(Extension(Arc::new(Desk::default())))
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(problem::after_panic))
        .layer(middleware::from_fn_with_state(app.clone(), agreement::as_asked))
        .layer(middleware::from_fn(guard::in_words))
        .layer(middleware::from_fn(guard::in_time))
        .layer(middleware::from_fn(guard::own_host))
        .layer(middleware::from_fn(guard::headers_and_log))
        .with_state(app)
}

/// How long answers under way may take once the service is told to end; some seconds more than the slowest takes.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Serves until `shutdown` is done and the answers under way are given. A client that keeps its connection open without
/// a whole request holds nothing up: after five seconds it is cut off.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(ServeError::Exposed { address });
    }
    let (told, ending) = oneshot::channel();
    let shutdown = async {
        shutdown.await;
        // Nobody listens when serving has failed before.
        let _ = told.send(());
    };
    let deadline = async {
        match ending.await {
            Ok(()) => tokio::time::sleep(LAST_ANSWERS).await,
            // Dropped without a word only together with the serving itself.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = axum::serve(listener, router(app)).with_graceful_shutdown(shutdown).into_future() => Ok(ended?),
        () = deadline => {
            tracing::warn!("clients still connected {} s after the end was asked for are cut off", LAST_ANSWERS.as_secs());
            Ok(())
        }
    }
}
