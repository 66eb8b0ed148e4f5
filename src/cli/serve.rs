//! `landcycle serve`: the map and the API over HTTP.

use super::{Context, Failure, stopped};
use crate::atlas::Atlas;
use crate::flow::refresh;
use crate::flow::review::queue;
use crate::http::{self, App, ServeError};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Where to listen.
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// Address to listen on; loopback only until there are accounts [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
}

/// Runs the command until it is told to stop.
pub async fn run(context: &Context, _args: Args) -> Result<(), Failure> {
    let address: SocketAddr = context.config.listen;
    if !address.ip().is_loopback() {
        return Err(Failure::Usage(ServeError::Exposed { address }.to_string()));
    }
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::Fault(format!("cannot listen on {address}: {error}\nname another address with --listen"))
    })?;
    let address = listener.local_addr()?;
    let pool = context.pool().await?;
    // The first snapshot is built before anyone is answered, so that no page shows an empty city.
    let snapshot = refresh::snapshot(&pool, context.clock).await.map_err(Failure::fault)?;
    let tiles_mib = usize::try_from(context.config.tile_cache_mib).unwrap_or(usize::MAX >> 20);
    let atlas = Arc::new(Atlas::keeping(tiles_mib, snapshot));
    let following = tokio::spawn(refresh::follow(pool.clone(), context.clock, atlas.clone()));
    let clock = context.clock;
    // Half of the cores are left to those who ask meanwhile.
    let workers = std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
    let reviewing = tokio::spawn(queue::work(pool.clone(), clock, workers));
    let app = App { atlas, pool, today: Arc::new(move || clock.today()) };
    context.printer.note(&format!("serving on http://{address}, Ctrl-C ends it"));
    let ended = http::serve(listener, app, stopped()).await;
    following.abort();
    reviewing.abort();
    ended.map_err(Failure::fault)
}
