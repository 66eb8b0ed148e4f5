//! `landcycle lifecycle`: where a parcel is in its life, what may happen to it next, and what is done to it.

use super::printer::{pairs, table};
use super::{Context, Failure, parse_code, parse_day};
use crate::domain::lifecycle::money::Effect;
use crate::domain::lifecycle::{Act, Deed, MOVES, Move, State, moves_from};
use crate::domain::moment::Moment;
use crate::flow::lifecycle::take::{TakeError, take};
use crate::flow::lifecycle::{self, LifecycleError, Moved};
use crate::store;
use chrono::NaiveDate;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// What to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// The life of a parcel, and what may happen to it next
    Show {
        /// The parcel
        #[arg(value_parser = parse_code)]
        code: String,
        /// What the register believed at that time, or at the end of that day [default: now]
        #[arg(long, value_name = "TIME")]
        known_at: Option<String>,
    },
    /// Every move that the law knows, or those from one state
    Moves {
        /// A state, e.g. building
        #[arg(long, value_name = "STATE")]
        from: Option<String>,
    },
    /// Record in what state a parcel was found, once
    Found {
        /// The parcel
        #[arg(value_parser = parse_code)]
        code: String,
        /// The state, e.g. operating
        state: String,
        #[command(flatten)]
        said: Said,
    },
    /// Take the lives of parcels from a CSV file: parcel_code, deed, on, document, and a column for each fact
    Take {
        /// The file; the first row of each parcel says `found` and its state
        file: PathBuf,
    },
    /// Move a parcel on
    Move {
        /// The parcel
        #[arg(value_parser = parse_code)]
        code: String,
        /// What is done, e.g. start; `landcycle lifecycle moves` lists them
        deed: String,
        #[command(flatten)]
        said: Said,
        /// What the document states that it costs or gives back, in 万元, e.g. idle_fee=36.5; what the rules give is reckoned
        #[arg(long, value_name = "KIND=AMOUNT", value_parser = Effect::parse)]
        money: Vec<Effect>,
    },
    /// Take back the newest state of a parcel, entered in error; what was believed is kept
    Withdraw {
        /// The parcel
        #[arg(value_parser = parse_code)]
        code: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, clap::Args)]
struct Said {
    /// The legal day [default: today]
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    on: Option<NaiveDate>,
    /// The document that it rests on
    #[arg(long)]
    document: String,
    /// What belongs to it, e.g. contract=H-2024-1 or until=2027-01-31
    #[arg(long = "fact", value_name = "NAME=VALUE")]
    facts: Vec<String>,
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    match args.verb {
        Verb::Moves { from } => moves(context, from.as_deref()),
        Verb::Show { code, known_at } => show(context, &code, known_at.as_deref()).await,
        Verb::Found { code, state, said } => {
            let (on, document) = (said.on.unwrap_or_else(|| context.clock.today()), said.document);
            let state: State = read("state", &state, &said.facts)?;
            let pool = context.pool().await?;
            let moved =
                lifecycle::find(&pool, context.clock.today(), &context.actor(), &code, state, on, &document).await;
            report(context, &code, on, moved)
        }
        Verb::Take { file } => {
            let pool = context.pool().await?;
            match take(&pool, context.clock.today(), &context.actor(), &file).await {
                Ok(receipt) => context.printer.result(&receipt, super::import::people),
                Err(TakeError::Refused(receipt)) => {
                    if context.printer.is_json() {
                        context.printer.result(&receipt, |_| String::new())?;
                    }
                    Err(not_taken(TakeError::Refused(receipt)))
                }
                Err(error) => Err(not_taken(error)),
            }
        }
        Verb::Move { code, deed, said, money } => {
            let on = said.on.unwrap_or_else(|| context.clock.today());
            let deed: Deed = read("deed", &deed, &said.facts)?;
            let pool = context.pool().await?;
            let act = Act { on, document: said.document, deed };
            let moved = lifecycle::act(&pool, context.clock.today(), &context.actor(), &code, act, &money).await;
            report(context, &code, on, moved)
        }
        Verb::Withdraw { code, reason } => {
            let pool = context.pool().await?;
            let moved = lifecycle::withdraw(&pool, &context.actor(), &code, &reason).await;
            report(context, &code, context.clock.today(), moved)
        }
    }
}

/// Whose doing it was that no life was taken.
pub(super) fn not_taken(error: TakeError) -> Failure {
    match error {
        TakeError::Lifecycle(LifecycleError::Store(_) | LifecycleError::Rules(_)) => Failure::fault(error),
        other => Failure::refused(other),
    }
}

/// A state or a deed out of its word and its facts.
fn read<T: serde::de::DeserializeOwned>(tag: &str, word: &str, facts: &[String]) -> Result<T, Failure> {
    let mut fields = Map::new();
    fields.insert(tag.to_owned(), json!(word));
    for fact in facts {
        let Some((name, value)) = fact.split_once('=') else {
            return Err(Failure::Usage(format!("--fact {fact:?}; expected name=value")));
        };
        // A flag is the one fact that is no text.
        let value = value.parse::<bool>().map_or_else(|_| json!(value), |flag| json!(flag));
        fields.insert(name.to_owned(), value);
    }
    serde_json::from_value(Value::Object(fields)).map_err(|error| {
        Failure::Usage(format!("{tag} {word:?}: {error}; facts are given as --fact name=value, days as 2026-06-30"))
    })
}

fn report(context: &Context, code: &str, on: NaiveDate, moved: Result<Moved, LifecycleError>) -> Result<(), Failure> {
    let moved = moved.map_err(|error| match error {
        LifecycleError::Store(error) => Failure::fault(error),
        other => Failure::refused(other),
    })?;
    if context.printer.is_json() {
        let document = json!({
            "parcel": code, "on": on, "from": moved.from, "to": moved.to, "rule": moved.rule, "money": moved.money,
            "revision": moved.revision,
        });
        return context.printer.raw(format!("{document}\n").as_bytes());
    }
    let name = |state: &State| format!("{} ({})", state.title().0, state.name());
    let text = pairs(&[
        ("parcel", code.to_owned()),
        ("was", moved.from.as_ref().map_or_else(|| "not on record".to_owned(), name)),
        ("is", name(&moved.to)),
        ("rule", moved.rule.as_ref().map_or_else(|| "that of the state before".to_owned(), |rule| rule.source.clone())),
        ("money", in_words(&moved.money)),
        ("revision", moved.revision.to_string()),
    ]);
    context.printer.raw(text.as_bytes())
}

/// What money was moved, in a line.
fn in_words(money: &[Effect]) -> String {
    let told: Vec<String> = money.iter().map(|one| one.words().en).collect();
    if told.is_empty() { "none known".to_owned() } else { told.join("; ") }
}

fn moves(context: &Context, from: Option<&str>) -> Result<(), Failure> {
    let chosen: Vec<&Move> = match from {
        None => MOVES.iter().collect(),
        Some(state) => moves_from(state).collect(),
    };
    if let (Some(state), true) = (from, chosen.is_empty()) {
        let mut known: Vec<&str> = MOVES.iter().map(|one| one.from).collect();
        known.dedup();
        known.sort_unstable();
        known.dedup();
        return Err(Failure::Usage(format!("no move starts from {state:?}; states with moves: {}", known.join(", "))));
    }
    if context.printer.is_json() {
        let rows: Vec<Value> = chosen.iter().map(|one| as_json(one)).collect();
        return context.printer.raw(format!("{}\n", Value::Array(rows)).as_bytes());
    }
    let rows: Vec<[String; 5]> =
        chosen.iter().map(|one| [one.from, one.deed, one.to, one.trigger_zh, one.source].map(str::to_owned)).collect();
    context.printer.raw(table(["from", "deed", "to", "trigger", "source"], &rows).as_bytes())
}

fn as_json(one: &Move) -> Value {
    json!({
        "from": one.from, "deed": one.deed, "to": one.to,
        "trigger": {"zh": one.trigger_zh, "en": one.trigger_en}, "source": one.source,
    })
}

async fn show(context: &Context, code: &str, known_at: Option<&str>) -> Result<(), Failure> {
    let moment = Moment::parse(None, known_at, context.clock.today(), context.clock.now())
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let pool = context.pool().await?;
    let mut connection = pool.acquire().await.map_err(store::StoreError::from).map_err(Failure::fault)?;
    if store::lifecycle::parcel_id(&mut connection, code).await.map_err(Failure::fault)?.is_none() {
        return Err(Failure::Refused(format!("there is no parcel {code} in the register")));
    }
    let life = store::lifecycle::life(&mut connection, code, &moment).await.map_err(Failure::fault)?;
    let next: Vec<&Move> = life.last().map_or_else(Vec::new, |stay| moves_from(stay.state.name()).collect());
    if context.printer.is_json() {
        let life: Vec<Value> = life
            .iter()
            .map(|stay| {
                json!({
                    "state": stay.state, "from": stay.from, "to": stay.to, "deed": stay.deed,
                    "document": stay.document, "rule": stay.rule, "money": stay.money, "recorded_at": stay.recorded_at, "actor": stay.actor,
                })
            })
            .collect();
        let next: Vec<Value> = next.into_iter().map(as_json).collect();
        let document = json!({ "parcel": code, "life": life, "next": next });
        return context.printer.raw(format!("{document}\n").as_bytes());
    }
    if life.is_empty() {
        return context.printer.raw(format!("{code} has no state on record\n").as_bytes());
    }
    let day = |day: Option<NaiveDate>| day.map_or_else(String::new, |day| day.to_string());
    let rows: Vec<[String; 7]> = life
        .iter()
        .map(|stay| {
            [
                stay.from.to_string(),
                day(stay.to),
                format!("{} ({})", stay.state.title().0, stay.state.name()),
                stay.deed.clone(),
                stay.document.clone(),
                stay.rule.as_ref().map_or_else(|| "unknown".to_owned(), |rule| rule.source.clone()),
                stay.money.as_ref().map_or_else(|| "unknown".to_owned(), |money| in_words(money)),
            ]
        })
        .collect();
    let mut text = table(["from", "to", "state", "by", "document", "rule", "money"], &rows);
    text.push('\n');
    let rows: Vec<[String; 4]> =
        next.iter().map(|one| [one.deed, one.to, one.trigger_zh, one.source].map(str::to_owned)).collect();
    text.push_str(&table(["may be done", "leads to", "trigger", "source"], &rows));
    context.printer.raw(text.as_bytes())
}
