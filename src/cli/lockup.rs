//! `landcycle lockup`: what the two locks let be done where, and the special approvals that let locked land be taken.

use super::printer::{pairs, table};
use super::{Context, Failure, paper, parse_day, stand};
use crate::domain::id::ParcelCode;
use crate::domain::zoning::verdict::DeedKind;
use crate::flow::approval::{self, ApprovalError, Land, Order};
use crate::flow::paper::of_verdict;
use crate::flow::standing::Place;
use crate::flow::verdict::{AskError, Question, ask, drawn};
use crate::http::verdict::{Document, document};
use crate::store;
use crate::store::approval::Approval;
use chrono::NaiveDate;
use std::path::PathBuf;

/// What to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Ask what the two locks say to a deed
    May(May),
    /// Special approvals: one officer proposes, another confirms
    Approve {
        #[command(subcommand)]
        act: Act,
    },
}

/// A deed and its place.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("place").required(true).args(["parcel", "area"]))]
struct May {
    /// new-project, continuation, own-works, change-of-use, renewal, boundary-change or division
    #[arg(value_parser = deed)]
    deed: DeedKind,
    /// A parcel, by its code
    #[arg(long, value_name = "CODE")]
    parcel: Option<String>,
    /// A GeoJSON file with a polygon or multipolygon
    #[arg(long, value_name = "FILE")]
    area: Option<PathBuf>,
    /// A GeoJSON file of the land as it would be: the lots of a division, or the base with its new boundary [default: the
    /// worst is taken, that all locked land is freed]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// The code of the use that would be [default: the parcel's own]
    #[arg(long = "use", value_name = "CODE")]
    to_use: Option<String>,
    /// The code of the use that is [default: the parcel's own]
    #[arg(long, value_name = "CODE")]
    from_use: Option<String>,
    /// The scheme of the codes [default: the parcel's, or GB50137-SH]
    #[arg(long, value_name = "NAME")]
    scheme: Option<String>,
    /// The day whose law and plan count [default: today]
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    on: Option<NaiveDate>,
    /// Write the answer into this file too: .geojson with the land, or .xlsx to print
    #[arg(long, value_name = "FILE", value_parser = paper::parse)]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Propose an approval
    Propose(Box<Propose>),
    /// Confirm what someone else proposed
    Confirm {
        /// Its number
        id: i64,
    },
    /// Withdraw an approval that was not used
    Withdraw {
        /// Its number
        id: i64,
    },
    /// List the approvals on record
    List,
}

/// A proposal.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("land").required(true).args(["parcel", "zone", "area", "contract"]))]
struct Propose {
    /// change-of-use, division, boundary-change, or continuation for a contract that was found late
    #[arg(value_parser = deed)]
    deed: DeedKind,
    /// A parcel, by its code
    #[arg(long, value_name = "CODE")]
    parcel: Option<String>,
    /// A zone, by its code
    #[arg(long, value_name = "CODE")]
    zone: Option<String>,
    /// A GeoJSON file of the land
    #[arg(long, value_name = "FILE")]
    area: Option<PathBuf>,
    /// A contract from before the second lock that was recorded after the register opened, by its number
    #[arg(long, value_name = "NUMBER")]
    contract: Option<String>,
    /// The code of the use that the land becomes, for a change of use
    #[arg(long = "use", value_name = "CODE")]
    to_use: Option<String>,
    /// The scheme of that code [default: the parcel's, or GB50137-SH]
    #[arg(long, value_name = "NAME")]
    scheme: Option<String>,
    /// Why
    #[arg(long)]
    ground: String,
    /// The document that says so
    #[arg(long)]
    document: String,
    /// The day of the document; land may be taken from it on
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    decided_on: NaiveDate,
    /// A GeoJSON file of the compensating land
    #[arg(long, value_name = "FILE")]
    compensation: Option<PathBuf>,
}

fn deed(text: &str) -> Result<DeedKind, String> {
    DeedKind::parse(text).ok_or_else(|| format!("expected one of {}", DeedKind::ALL.map(DeedKind::name).join(", ")))
}

fn code(text: &str) -> Result<String, Failure> {
    Ok(ParcelCode::parse(text).map_err(Failure::refused)?.as_str().to_owned())
}

/// Runs the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let act = match args.verb {
        Verb::May(asked) => return may(context, asked).await,
        Verb::Approve { act } => act,
    };
    let actor = context.actor();
    let done = match act {
        Act::List => return list(context).await,
        Act::Propose(propose) => {
            let order = order(*propose)?;
            approval::propose(&context.pool().await?, context.clock, &actor, &order).await
        }
        Act::Confirm { id } => approval::confirm(&context.pool().await?, &actor, id).await,
        Act::Withdraw { id } => approval::withdraw(&context.pool().await?, &actor, id).await,
    };
    context.printer.result(&done.map_err(failed)?, approved)
}

fn order(it: Propose) -> Result<Order, Failure> {
    let land = match (it.parcel, it.zone, it.area, it.contract) {
        (Some(parcel), ..) => Land::Parcel(code(&parcel)?),
        (_, Some(zone), ..) => Land::Zone(zone),
        (_, _, Some(path), _) => Land::Area(path),
        (.., Some(number)) => Land::Contract(number),
        (None, None, None, None) => {
            return Err(Failure::Usage("expected --parcel, --zone, --area or --contract".to_owned()));
        }
    };
    Ok(Order {
        deed: it.deed,
        land,
        to_use: it.to_use,
        scheme: it.scheme,
        ground: it.ground,
        document: it.document,
        decided_on: it.decided_on,
        compensation: it.compensation,
    })
}

fn failed(error: ApprovalError) -> Failure {
    match error {
        ApprovalError::Refused(_) | ApprovalError::Drawing(_) => Failure::refused(error),
        ApprovalError::Store(_) | ApprovalError::Rules(_) | ApprovalError::Record(_) => Failure::fault(error),
    }
}

async fn may(context: &Context, asked: May) -> Result<(), Failure> {
    let place = match (&asked.parcel, &asked.area) {
        (Some(parcel), _) => Place::Parcel(code(parcel)?),
        (None, Some(path)) => stand::read_area(path)?,
        (None, None) => return Err(Failure::Usage("expected --parcel or --area".to_owned())),
    };
    let drawing = asked.to.as_deref().map(drawn).transpose().map_err(Failure::refused)?;
    let question = Question {
        deed: asked.deed,
        place,
        to_use: asked.to_use,
        from_use: asked.from_use,
        scheme: asked.scheme,
        drawing,
        on: asked.on.unwrap_or_else(|| context.clock.today()),
    };
    let ruled = ask(&context.pool().await?, question).await.map_err(|error| match error {
        AskError::Refresh(_) | AskError::Rules(_) => Failure::fault(error),
        AskError::NoParcel { .. }
        | AskError::NoUse { .. }
        | AskError::UnknownUse { .. }
        | AskError::NoDrawing(_)
        | AskError::BadDrawing { .. }
        | AskError::NoRule(_) => Failure::refused(error),
    })?;
    paper::write(context, || of_verdict(&ruled), asked.out).await?;
    context.printer.result(&document(&ruled), people)
}

fn people(it: &Document) -> String {
    let parts = &it.standing.parts;
    let part = |part: &crate::http::standing::Measure| format!("{:.2} m²  {:.2} %", part.area_m2, part.percent);
    let mut rows = vec![
        ("deed", it.deed.name().to_owned()),
        ("on", it.on.to_string()),
        ("verdict", format!("{} {}", it.verdict_zh, it.verdict.name())),
        ("", it.title.zh.clone()),
        ("", it.title.en.clone()),
        ("rule", format!("{} of version {}, in force from {}", it.rule, it.version, it.effective_from)),
        ("citation", it.citation.clone()),
    ];
    if let Some(remedy) = &it.remedy {
        rows.extend([("what would help", remedy.zh.clone()), ("", remedy.en.clone())]);
    }
    if let Some(needed) = it.requirement {
        let (taken, compensation) = (needed.taken_m2.value(), needed.compensation_m2.value());
        rows.push(("locked land taken", format!("{taken:.1} m²")));
        rows.push(("compensating land", format!("{compensation:.1} m²")));
        let ids: Vec<String> = it.approvals.iter().map(i64::to_string).collect();
        let none = ids.is_empty();
        rows.push(("approvals on record", if none { "none".to_owned() } else { ids.join(", ") }));
    }
    rows.extend([
        ("tier", it.standing.tier.to_owned()),
        ("产业基地 base", part(&parts.base)),
        ("产业社区 community", part(&parts.community)),
        ("零星 fragmented", part(&parts.fragmented)),
        ("锁定 locked", part(&parts.locked)),
        ("revision", it.revision.to_string()),
    ]);
    let mut text = pairs(&rows);
    for remark in &it.remarks {
        text.push_str(&format!("\n{}\n  {}\n  {}\n", remark.code, remark.zh, remark.en));
    }
    text
}

async fn list(context: &Context) -> Result<(), Failure> {
    let pool = context.pool().await?;
    let mut connection = pool.acquire().await.map_err(|error| Failure::fault(store::StoreError::from(error)))?;
    let found = store::approval::list(&mut connection, None).await.map_err(Failure::fault)?;
    context.printer.result(&found, |found| {
        let rows: Vec<[String; 9]> = found.iter().map(row).collect();
        let headings = [
            "id",
            "state",
            "deed",
            "subject",
            "use",
            "locked m²",
            "compensating m²",
            "document",
            "proposed, confirmed by",
        ];
        table(headings, &rows)
    })
}

fn row(one: &Approval) -> [String; 9] {
    let officers = match &one.confirmed_by {
        Some(other) => format!("{}, {other}", one.proposed_by),
        None => one.proposed_by.clone(),
    };
    [
        one.id.to_string(),
        one.state.clone(),
        one.deed.clone(),
        one.subject.clone(),
        one.to_use.clone().unwrap_or_default(),
        format!("{:.1}", one.area_m2),
        format!("{:.1}", one.compensation_m2),
        format!("{} {}", one.document, one.decided_on),
        officers,
    ]
}

fn approved(one: &Approval) -> String {
    let mut rows = vec![
        ("approval", one.id.to_string()),
        ("state", one.state.clone()),
        ("deed", one.deed.clone()),
        ("subject", one.subject.clone()),
        ("document", format!("{} of {}", one.document, one.decided_on)),
        ("locked land", format!("{:.1} m²", one.area_m2)),
        ("compensating land", format!("{:.1} m², {:.1} m² needed", one.compensation_m2, one.required_m2)),
        ("proposed by", one.proposed_by.clone()),
    ];
    if let Some(other) = &one.confirmed_by {
        rows.push(("confirmed by", other.clone()));
    }
    pairs(&rows)
}
