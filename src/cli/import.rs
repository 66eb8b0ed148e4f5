//! `landcycle import`: a data set out of files, and what became of its rows.

mod preview;

use super::printer::pairs;
use super::{Context, Failure, words};
use crate::domain::finding::Severity;
use crate::domain::intake::Kind;
use crate::domain::reference::LayerName;
use crate::flow::import::{self, ImportError, Order, Receipt, serve};
use crate::flow::rules;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Reads files for an import in another process; its errors are for that process to tell.
pub(super) fn read_files() -> ExitCode {
    rules::choose(std::env::var_os(rules::VARIABLE).map(PathBuf::from).as_deref());
    match separate_output().and_then(|output| serve(io::stdin().lock(), output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => Failure::fault(error).exit_code(),
    }
}

/// The pipe to whoever waits for the rows. What a library prints on the way must not get in between, so it goes where
/// errors go.
fn separate_output() -> io::Result<File> {
    let output = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(output.into())
}

/// What to import.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What it is; a layer is what someone else keeps, under a name of its own
    #[arg(value_parser = words(kinds(), kind))]
    kind: Kind,
    /// GeoPackage, Shapefile, File Geodatabase (also zipped), GeoJSON, FlatGeobuf, KML, DXF, CSV or XLSX
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The layer or sheet, where a file has several
    #[arg(long)]
    layer: Option<String>,
    /// The reference system, where the file has none or a wrong one, e.g. EPSG:4549
    #[arg(long)]
    crs: Option<String>,
    /// The datum of coordinates from a web map, to be put back to CGCS2000: gcj02 or bd09
    #[arg(long, value_name = "gcj02|bd09", value_parser = ["gcj02", "bd09"])]
    datum: Option<String>,
    /// The encoding, where the file says nothing or something wrong, e.g. GBK
    #[arg(long)]
    encoding: Option<String>,
    /// The name of a layer: lowercase letters, digits, - and _
    #[arg(long, value_parser = LayerName::parse)]
    name: Option<LayerName>,
    /// The field that tells the features of a layer apart, where a later file is to change them
    #[arg(long, value_name = "FIELD")]
    key: Option<String>,
    /// Field map: FILE.toml, a shipped one by name, or field=column,…
    #[arg(long)]
    map: Option<String>,
    /// Mend polygons that cross themselves, where their area stays nearly the same
    #[arg(long)]
    repair: bool,
    /// Try it and store nothing
    #[arg(long)]
    dry_run: bool,
    /// Take all rows or none
    #[arg(long)]
    strict: bool,
    /// Show the first rows as they are read, and where their columns go; ask no database
    #[arg(long, conflicts_with_all = ["dry_run", "strict", "receipt", "repair"])]
    preview: bool,
    /// Write the receipt (JSON) here
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
}

/// The words for what can be imported: the registers of a city, and a layer.
fn kinds() -> [&'static str; Kind::ALL.len() + 1] {
    std::array::from_fn(|at| Kind::ALL.get(at).copied().unwrap_or(Kind::Layer).name())
}

fn kind(word: &str) -> Option<Kind> {
    if word == Kind::Layer.name() { Some(Kind::Layer) } else { Kind::parse(word) }
}

/// Which flags go with a layer alone, and which with everything else.
fn fit(args: &Args) -> Result<(), Failure> {
    let usage = |text: &str| Err(Failure::Usage(text.to_owned()));
    match (args.kind, &args.name) {
        (Kind::Layer, None) if !args.preview => usage("a layer needs a name: --name NAME"),
        (Kind::Layer, _) if args.map.is_some() => {
            usage("a layer keeps the properties of its file: --map is for the other kinds, --key for a layer")
        }
        (Kind::Layer, _) => Ok(()),
        _ if args.name.is_some() || args.key.is_some() => usage("--name and --key are for layers"),
        _ => Ok(()),
    }
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    fit(&args)?;
    let file = args.receipt.as_deref().map(ReceiptFile::open).transpose()?;
    let order = Order {
        kind: args.kind,
        files: args.files,
        layer: args.layer,
        crs: args.crs,
        datum: args.datum,
        encoding: args.encoding,
        map: args.map,
        name: args.name,
        key: args.key,
        repair: args.repair,
        dry_run: args.dry_run,
        strict: args.strict,
        preview: args.preview.then_some(preview::ROWS),
        reader: context.reader(),
    };
    if args.preview {
        return match import::preview(context.clock, &order).await {
            Ok(found) => context.printer.result(&found, preview::people),
            Err(error) => failed(context, None, error),
        };
    }
    let pool = context.pool().await?;
    let bar = context.printer.progress(args.kind.name(), 0);
    let told = bar.clone();
    let ended =
        import::import(&pool, context.clock, &context.actor(), &order, move |rows| told.set_position(rows)).await;
    bar.finish_and_clear();
    match ended {
        Ok(receipt) => {
            keep(file, &receipt)?;
            context.printer.result(&receipt, people)
        }
        Err(error) => failed(context, file, error),
    }
}

fn failed(context: &Context, file: Option<ReceiptFile>, error: ImportError) -> Result<(), Failure> {
    match error {
        ImportError::Refused(receipt) => {
            keep(file, &receipt)?;
            if context.printer.is_json() {
                context.printer.result(&receipt, |_| String::new())?;
            }
            Err(Failure::Refused(ImportError::Refused(receipt).to_string()))
        }
        error @ ImportError::Read { .. } => Err(Failure::refused(error)),
        error => Err(Failure::fault(error)),
    }
}

/// The file of a receipt, open before anything is stored: whoever asks for a receipt must not be left without one.
struct ReceiptFile {
    path: PathBuf,
    file: File,
    /// Made by us and still without a receipt: removed if there comes none.
    is_new: bool,
}

impl ReceiptFile {
    fn open(path: &Path) -> Result<Self, Failure> {
        let is_new = !path.exists();
        // What is in it stays until there is a receipt to take its place.
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| Self::failure(path, &error))?;
        Ok(Self { path: path.to_owned(), file, is_new })
    }

    fn failure(path: &Path, error: &io::Error) -> Failure {
        Failure::Fault(format!("the receipt {} could not be written: {error}", path.display()))
    }

    fn write(mut self, receipt: &Receipt) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(receipt).map_err(Failure::fault)? + "\n";
        // A pipe or a terminal has no length.
        let emptied = match self.file.metadata() {
            Ok(found) if found.is_file() => self.file.set_len(0),
            _ => Ok(()),
        };
        emptied.and_then(|()| self.file.write_all(text.as_bytes())).map_err(|e| Self::failure(&self.path, &e))?;
        self.is_new = false;
        Ok(())
    }
}

impl Drop for ReceiptFile {
    fn drop(&mut self) {
        if self.is_new {
            // An empty file that stays is a small harm, and the failure that led here is told.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn keep(file: Option<ReceiptFile>, receipt: &Receipt) -> Result<(), Failure> {
    file.map_or(Ok(()), |file| file.write(receipt))
}

/// How many findings people are shown; the receipt has them all.
const SHOWN: usize = 20;

pub(super) fn people(receipt: &Receipt) -> String {
    let mut text = pairs(&[
        ("data set", receipt.dataset.clone()),
        ("files", receipt.files.join(", ")),
        ("CRS", receipt.crs.clone().unwrap_or_else(|| "none".into())),
        ("encoding", receipt.encoding.clone().unwrap_or_else(|| "none".into())),
        ("read", receipt.read.to_string()),
        ("accepted", receipt.accepted.to_string()),
        ("unchanged", receipt.unchanged.to_string()),
        ("refused", receipt.refused.to_string()),
        ("warnings", receipt.warnings.to_string()),
        (
            "revision",
            match receipt.revision {
                Some(revision) => revision.to_string(),
                None if receipt.dry_run => "none: only tried".into(),
                None => match receipt.unchanged_since {
                    Some(revision) => format!("none: the register had these files already, since revision {revision}"),
                    None => "none: nothing changed".into(),
                },
            },
        ),
    ]);
    let mut findings: Vec<_> = receipt.findings.iter().collect();
    findings.sort_by_key(|finding| finding.severity);
    for finding in findings.iter().take(SHOWN) {
        let mark = if finding.severity == Severity::Error { "refused" } else { "warning" };
        text.push_str(&format!("{mark}: {}\n", finding.sentence()));
    }
    let more = receipt.findings.len().saturating_sub(SHOWN) as u64 + receipt.findings_left_out;
    if more > 0 {
        text.push_str(&format!("and {more} more; --receipt FILE keeps them\n"));
    }
    text
}
