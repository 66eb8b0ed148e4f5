//! `landcycle layer`: the reference layers that there are, and how one is taken away.

use super::printer::table;
use super::{Context, Failure};
use crate::domain::reference::LayerName;
use crate::flow::reference::{LayerError, drop};
use crate::store::reference::{Layer, list};
use clap::Subcommand;
use serde_json::json;

/// What to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The layers with their properties
    List,
    /// Take a layer away; what was believed is kept
    Drop {
        /// Its name
        #[arg(long, value_parser = LayerName::parse)]
        name: LayerName,
    },
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let pool = context.pool().await?;
    match args.verb {
        Verb::List => {
            let layers = list(&pool).await.map_err(Failure::fault)?;
            context.printer.result(&json!({ "layers": layers }), |_| people(&layers))
        }
        Verb::Drop { name } => {
            let dropped = drop(&pool, &context.actor(), &name).await;
            let (features, revision) = dropped.map_err(|error| match error {
                error @ LayerError::Unknown(_) => Failure::refused(error),
                error @ LayerError::Store(_) => Failure::fault(error),
            })?;
            let told = json!({ "layer": name, "features": features, "revision": revision });
            context
                .printer
                .result(&told, |_| format!("{name} with {features} features is taken away in revision {revision}\n"))
        }
    }
}

fn people(layers: &[Layer]) -> String {
    if layers.is_empty() {
        return "no reference layer; landcycle import layer --name NAME FILE brings one in\n".to_owned();
    }
    let rows: Vec<[String; 6]> = layers
        .iter()
        .map(|layer| {
            [
                layer.name.to_string(),
                layer.title.clone(),
                layer.geometry.name().to_owned(),
                layer.features.to_string(),
                layer.properties.len().to_string(),
                layer.revision.to_string(),
            ]
        })
        .collect();
    table(["layer", "title", "shapes", "features", "properties", "revision"], &rows)
}
