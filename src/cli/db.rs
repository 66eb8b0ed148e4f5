//! `landcycle db`: the private database, started, stopped and found by hand. Every command that needs it starts it
//! anyway.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Serialize;

use super::{Context, Failure, blocking, printer::pairs};
use crate::cluster::{self, Status};

/// What to do with the private database.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Verb {
    /// Make it if there is none, and start it
    Start,
    /// Stop it; what was committed is kept
    Stop,
    /// Say whether it runs
    Status,
    /// Print its address, for psql and other programs
    Url,
}

#[derive(Debug, Serialize)]
struct Answer {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    url: String,
    home: PathBuf,
}

/// Runs the command. It is about the private database even where `DATABASE_URL` names another.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    if context.config.database_url.is_some() {
        tracing::warn!("a database address is set, so other commands don't use the private database");
    }
    let home = context.config.home.clone();
    match args.verb {
        Verb::Start => {
            context.cluster().await?;
        }
        Verb::Stop => {
            blocking(move || cluster::stop(&home)).await??;
        }
        Verb::Status => {}
        Verb::Url => {
            let url = blocking(move || cluster::url(&home)).await??;
            return context.printer.result(&serde_json::json!({ "url": url }), |_| url.clone());
        }
    }
    let home = context.config.home.clone();
    let answer = blocking(move || answer(&home)).await??;
    context.printer.result(&answer, |answer| {
        let mut rows = vec![("state", answer.state.to_owned())];
        rows.extend(answer.pid.map(|pid| ("process", pid.to_string())));
        rows.push(("address", answer.url.clone()));
        rows.push(("home", answer.home.display().to_string()));
        pairs(&rows)
    })
}

fn answer(home: &Path) -> Result<Answer, cluster::ClusterError> {
    let (state, pid) = match cluster::status(home)? {
        Status::Absent => ("absent", None),
        Status::Stopped => ("stopped", None),
        Status::Running { pid, .. } => ("running", Some(pid)),
    };
    Ok(Answer { state, pid, url: cluster::url(home)?, home: home.to_owned() })
}
