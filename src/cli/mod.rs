//! The command line: flags, the frame every command runs in, and exit statuses. Knows terminals and settings; refuses
//! to know a rule or a table.
//!
//! A command is one file: `cli/NAME.rs` with `Args` and `run(context, args)`, one line in [`Verb`] and one in
//! [`Verb::run`]. It answers through the [`Printer`], and fails with a [`Failure`] that says whose doing it was.

pub mod check;
pub mod db;
pub mod demo;
pub mod doctor;
pub mod dossier;
pub mod entry;
pub mod export;
mod failure;
pub mod import;
pub mod land;
pub mod layer;
pub mod ledger;
pub mod lifecycle;
pub mod lineage;
pub mod lockup;
mod migrate;
pub mod obligations;
mod paper;
pub mod park;
pub mod plot_ratio;
mod printer;
pub mod query;
pub mod reserve;
pub mod review;
pub mod serve;
pub mod stand;
pub mod supply;

use std::{env, fs, io::IsTerminal as _, path::PathBuf, process::ExitCode};

use chrono::NaiveDate;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

pub use failure::Failure;
pub use printer::Printer;

use crate::{
    clock::Clock,
    cluster,
    config::{self, Config, ConfigError, Settings},
    domain::{id::ParcelCode, moment},
    flow::import::{COMMAND, Reader},
    flow::lockup as locks,
    flow::rules::{self, RulesError},
    store,
};

/// What the kernel says of a process that no login began.
const NOBODY_LOGGED_IN: u32 = u32::MAX;

/// The life cycle of a city's industrial land: parcels, double lockup, efficiency reviews, exit and renewal.
///
/// Settings come from flags, then from variables (DATABASE_URL, LANDCYCLE_HOME, LANDCYCLE_SCHEMA, LANDCYCLE_RULES,
/// LANDCYCLE_LOG, LISTEN),
/// then from landcycle.toml in the working directory. Without DATABASE_URL a private PostGIS is kept in the home.
///
/// Exit status: 0 done, 1 refused and nothing was changed, 2 wrong usage, 3 our fault or the machine's.
#[derive(Debug, Parser)]
#[command(name = "landcycle", version, max_term_width = 120)]
struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// Flags that every command takes. There is none for the database's address: it may hold a password, and a command line
/// can be read by everyone on the machine.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Of every command")]
struct Global {
    /// Directory of the private database, the demo's files and its accounts [default: .landcycle]
    #[arg(long, global = true, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Schema that holds the city [default: city_310000]
    #[arg(long, global = true, value_name = "NAME")]
    schema: Option<String>,
    /// Folder of rules of your own, which go before those that come with the program [default: none]
    #[arg(long, global = true, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// What is logged to stderr: error, warn, info, debug or trace, or levels per part [default: landcycle=info,warn]
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// Print one JSON document instead of a table
    #[arg(long, global = true)]
    json: bool,
    /// No progress bars, and only errors in the log
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Start, stop or find the private database
    Db(db::Args),
    /// Say what is wrong with this machine, and how to mend it
    Doctor(doctor::Args),
    /// Bring the city's tables up to date
    Migrate(migrate::Args),
    /// A made-up city: its files, or all the way to lists and a map
    Demo(demo::Args),
    /// Import a data set from files
    Import(import::Args),
    /// Layers that others keep, held beside the register: red lines, buffers, flood plains
    Layer(layer::Args),
    /// Write a part of the register to a file
    Export(export::Args),
    /// Look for what can't be right in the register: overlaps, slivers, gaps, shares, dangling rows
    Check(check::Args),
    /// Ask what lies in an area
    Query(query::Args),
    /// All that is known of one parcel, at any moment
    Dossier(dossier::Args),
    /// Split, merge, adjust and retire parcels, and read how they came to be
    Lineage(lineage::Args),
    /// Where a parcel is in its life, and what is done to it
    Lifecycle(lifecycle::Args),
    /// Plot ratios by parcel, park, tier or district; a year's figures and what became of them
    Ledger(ledger::Args),
    /// What contracts ask for, and by when
    Obligations(obligations::Args),
    /// Review the efficiency of every parcel
    Review(review::Args),
    /// Evaluate parks once a year: stars, ranks, and what failing years come to; the life of featured parks
    Park(park::Args),
    /// Where land stands in the plan: tiers, locks, planning units
    Stand(stand::Args),
    /// What the two locks let be done where, and special approvals
    Lockup(lockup::Args),
    /// Whether a plot ratio may rise, and what districts set about it
    PlotRatio(plot_ratio::Args),
    /// Whether a new project may enter the land that it asks for
    Entry(entry::Args),
    /// How much industrial land there is, and how that stands to plans
    Land(land::Args),
    /// Land secured for industry each year, against the target
    Supply(supply::Args),
    /// What parks hold in reserve, where it came from and where it went
    Reserve(reserve::Args),
    /// Serve the map and the API
    Serve(serve::Args),
    /// Read files for an import, which starts this by itself
    #[command(name = COMMAND, hide = true)]
    ReadFiles,
}

impl Verb {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Db(args) => db::run(context, args).await,
            Self::Doctor(args) => doctor::run(context, args).await,
            Self::Migrate(args) => migrate::run(context, args).await,
            Self::Demo(args) => demo::run(context, args).await,
            Self::Import(args) => import::run(context, args).await,
            Self::Layer(args) => layer::run(context, args).await,
            Self::Export(args) => export::run(context, args).await,
            Self::Check(args) => check::run(context, args).await,
            Self::Query(args) => query::run(context, args).await,
            Self::Dossier(args) => dossier::run(context, args).await,
            Self::Lineage(args) => lineage::run(context, args).await,
            Self::Lifecycle(args) => lifecycle::run(context, args).await,
            Self::Ledger(args) => ledger::run(context, args).await,
            Self::Obligations(args) => obligations::run(context, args).await,
            Self::Review(args) => review::run(context, args).await,
            Self::Park(args) => park::run(context, args).await,
            Self::Stand(args) => stand::run(context, args).await,
            Self::Lockup(args) => lockup::run(context, args).await,
            Self::PlotRatio(args) => plot_ratio::run(context, args).await,
            Self::Entry(args) => entry::run(context, args).await,
            Self::Land(args) => land::run(context, args).await,
            Self::Supply(args) => supply::run(context, args).await,
            Self::Reserve(args) => reserve::run(context, args).await,
            Self::Serve(args) => serve::run(context, args).await,
            Self::ReadFiles => Err(Failure::Usage("files are read before anything else is set up".into())),
        }
    }

    /// The address to listen on, for the verbs that have a flag for it.
    fn listen(&self) -> Option<String> {
        match self {
            Self::Demo(args) => args.listen(),
            Self::Serve(args) => args.listen.clone(),
            _ => None,
        }
    }
}

/// What every command is given.
#[derive(Debug)]
pub struct Context {
    /// The decided settings.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// Where results and progress go.
    pub printer: Printer,
}

impl Context {
    /// The database's address: the configured one, or that of the private cluster, which is made and started if need be.
    pub async fn database(&self) -> Result<String, Failure> {
        if let Some(url) = &self.config.database_url {
            return Ok(url.reveal().to_owned());
        }
        Ok(self.cluster().await?.url)
    }

    /// A pool on the city's schema, its tables up to date and rules of the two locks on record.
    pub async fn pool(&self) -> Result<store::Pool, Failure> {
        let url = self.database().await?;
        let pool = store::connect(&url, self.config.schema.as_str()).await.map_err(|error| {
            let hint = match self.config.database_url {
                Some(_) => "look at DATABASE_URL, or database_url in landcycle.toml; landcycle doctor checks it",
                None => "this is the private database: landcycle db status says how it is",
            };
            Failure::fault(error).with_hint(hint)
        })?;
        locks::open(&pool, self.config.schema.as_str(), &self.actor()).await.map_err(Failure::fault)?;
        Ok(pool)
    }

    /// The program that reads files for an import: this one.
    pub fn reader(&self) -> Reader {
        Reader {
            // Names the running program even where it was replaced on disk meanwhile.
            program: "/proc/self/exe".into(),
            memory_mib: self.config.reader_memory_mib,
            cpu_s: self.config.reader_cpu_s,
            timeout_s: self.config.reader_timeout_s,
        }
    }

    /// The user of the machine who runs the command, as the system knows it: who logged in, also behind sudo and su, and
    /// where the system keeps no logins, whose process this is. What anybody can set, as `USER`, says nothing.
    pub fn user(&self) -> String {
        // Two officers on one machine, for tests: a program that was built for use does not look.
        #[cfg(debug_assertions)]
        if let Ok(officer) = env::var("LANDCYCLE_TEST_OFFICER") {
            return officer;
        }
        let login = fs::read_to_string("/proc/self/loginuid").ok().and_then(|text| text.trim().parse().ok());
        let id = login.filter(|id| *id != NOBODY_LOGGED_IN).unwrap_or_else(|| rustix::process::getuid().as_raw());
        // A user of a directory elsewhere goes by the number, which is one person's as well.
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let named = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (name, number) = (fields.next()?, fields.nth(1)?);
            (number.parse() == Ok(id)).then(|| name.to_owned())
        });
        named.unwrap_or_else(|| format!("uid {id}"))
    }

    /// Who acts, as revisions and the audit trail name them.
    pub fn actor(&self) -> String {
        format!("cli:{}", self.user())
    }

    /// The private cluster, running.
    pub async fn cluster(&self) -> Result<cluster::Running, Failure> {
        let home = self.config.home.clone();
        Ok(blocking(move || cluster::ensure(&home)).await??)
    }
}

/// A parcel code as people write it on a command line.
fn parse_code(text: &str) -> Result<String, String> {
    ParcelCode::parse(text).map(|code| code.to_string()).map_err(|error| error.to_string())
}

/// One of some words, which the help names and a mistyped one is told of.
fn words<T, const N: usize>(words: [&'static str; N], parse: fn(&str) -> Option<T>) -> impl TypedValueParser<Value = T>
where
    T: Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words)
        .try_map(move |word: String| parse(&word).ok_or_else(|| format!("{word} is a word that nothing means")))
}

/// A day of which the register can speak, as people write it on a command line.
fn parse_day(text: &str) -> Result<NaiveDate, String> {
    moment::day(text).ok_or_else(|| format!("expected {}", moment::EXPECTED_DAY))
}

/// Runs what would hold up the runtime on a thread of its own.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(Failure::fault)
}

/// Waits for Ctrl-C or a polite request to end.
pub(in crate::cli) async fn stopped() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(terminate) => terminate,
        // Without that signal Ctrl-C still works.
        Err(_) => return drop(tokio::signal::ctrl_c().await),
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Reads the command line, runs the command, and says how it ended.
pub fn main() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => {
            // Help is asked for, and no error. Of a line that was not understood only the flag itself is known.
            if error.use_stderr() && env::args_os().any(|word| word == "--json") {
                let said = error.render().to_string();
                let said = said.strip_prefix("error: ").unwrap_or(&said);
                Printer::new(true, false).failure_document(Failure::Usage(String::new()).name(), said);
            }
            error.exit()
        }
    };
    let printer = Printer::new(line.global.json, line.global.quiet);
    if matches!(line.verb, Verb::ReadFiles) {
        return import::read_files();
    }
    let ended = prepare(line, printer).and_then(|(context, verb)| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::fault)?;
        let ended = runtime.block_on(verb.run(&context));
        // The command has its answer; work that nobody waits for any more must not keep the process.
        runtime.shutdown_timeout(std::time::Duration::from_secs(2));
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            printer.failure(&failure);
            failure.exit_code()
        }
    }
}

fn prepare(line: CommandLine, printer: Printer) -> Result<(Context, Verb), Failure> {
    let CommandLine { global, verb } = line;
    let flags = Settings {
        database_url: None,
        home: global.home,
        schema: global.schema,
        rules: global.rules,
        log: global.log,
        listen: verb.listen(),
        ..Settings::default()
    };
    let variables = Settings::from_variables(|name| env::var(name).ok());
    let file = Settings::from_file(config::FILE.as_ref())?;
    let config = flags.or(variables).or(file).decide()?;
    open_log(if global.quiet { "error" } else { &config.log })?;
    rules::choose(config.rules.as_deref());
    // Nothing is done under rules that cannot be read; to look at the machine, or to stop its database, takes none.
    if !matches!(verb, Verb::Db(_) | Verb::Doctor(_)) {
        rules::in_use().map_err(unusable)?;
    }
    Ok((Context { config, clock: Clock::of_the_machine(), printer }, verb))
}

/// Whose doing it is that there are no rules: what a folder says is for its keeper to mend.
fn unusable(error: RulesError) -> Failure {
    match error {
        RulesError::File { .. } => Failure::fault(error),
        other => Failure::usage(other),
    }
}

fn open_log(filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| ConfigError::Unusable {
        name: "log",
        value: filter.to_owned(),
        reason: format!("no log filter: {error}"),
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A log was opened already when a test runs two commands in one process; the first one stays.
    let _ = log.with_ansi(std::io::stderr().is_terminal()).try_init();
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_free_of_contradictions() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn no_flag_takes_the_database_address() {
        let line = CommandLine::try_parse_from(["landcycle", "--database-url", "postgresql://x", "doctor"]);
        assert_eq!(line.unwrap_err().kind(), clap::error::ErrorKind::UnknownArgument);
    }
}
