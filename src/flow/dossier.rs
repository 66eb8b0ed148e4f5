//! The file of one parcel: what the register holds, with the clocks, tracks and the timeline that follow from it.

use super::moment;
use super::refresh::RefreshError;
use super::review::calendar::{Item, of_parcel};
use super::review::explain::{Explained, explained};
use super::rules;
use crate::domain::contract::agenda::{Held, HeldBond, Watched};
use crate::domain::contract::bond::{BondPart, SettlementKind};
use crate::domain::contract::clock::{Clock, Year};
use crate::domain::contract::expiry::Expiry;
use crate::domain::contract::is_leased;
use crate::domain::contract::tracks::{
    BondTrack, ContractMoney, IdleMoney, Limits, PartBonds, RefundInput, Site, Step,
};
use crate::domain::lifecycle::{Move, moves_from};
use crate::domain::moment::Moment;
use crate::domain::review::decision::{Idle, Start};
use crate::domain::rulebook::RuleValue;
use crate::domain::timeline::{self, Entry, Kind};
use crate::store::dossier::{Contract, Dossier};
use crate::store::lineage::family::Past;
use crate::store::performance::ParcelYear;
use crate::store::review::Run;
use crate::store::{self, StoreError};
use chrono::{Datelike, Days, NaiveDate};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeMap;

/// How many years before this one are shown: as many as the longest window of a review.
const YEARS_SHOWN: i32 = 5;

/// The file of a parcel.
#[derive(Debug)]
pub struct File {
    /// What the register holds.
    pub found: Dossier,
    /// What its contracts come to, in the order of `found.contracts`.
    pub standings: Vec<Standing>,
    /// What happened to it, and what is to come.
    pub timeline: Vec<Entry>,
    /// What may be done to it next.
    pub next: Vec<&'static Move>,
    /// The plot ratio to which its land may be raised, by the rulebook of the moment.
    pub plot_ratio_reference: Option<RuleValue>,
    /// What the newest review found, explained.
    pub review: Option<Explained>,
    /// Which reviews its contract made and makes due.
    pub calendar: Vec<Item>,
}

/// Where a contract stands.
#[derive(Debug)]
pub struct Standing {
    /// Its obligations, each with its clock and with the years of it that are over.
    pub duties: Vec<Duty>,
    /// The parts of its bond, and where each stands.
    pub bonds: Vec<(HeldBond, BondTrack)>,
    /// The end of its term; nothing for land without term.
    pub expiry: Option<Expiry>,
    /// The two tracks.
    pub tracks: Tracks,
}

/// An obligation with where it stands.
#[derive(Debug)]
pub struct Duty {
    /// What the register holds.
    pub held: Held,
    /// Its clock.
    pub clock: Clock,
    /// Of a yearly duty, the years whose day is over.
    pub years: Vec<Year>,
}

/// The two tracks on which land that is not built on can be lost, side by side.
#[derive(Debug)]
pub struct Tracks {
    /// The contract track: a late start.
    pub start: Start,
    /// The money of the contract track.
    pub start_money: ContractMoney,
    /// The idle-land track.
    pub idle: Idle,
    /// The money of the idle-land track.
    pub idle_money: IdleMoney,
}

/// Reads the file of a parcel at a moment; nothing where the register had no such parcel.
pub async fn read(pool: &PgPool, code: &str, moment: Moment, today: NaiveDate) -> Result<Option<File>, RefreshError> {
    let rulebook = moment::rulebook(pool, moment.known_at).await?;
    let share = rules::deciding_share(&rulebook, moment.valid_at)?;
    let is_now = moment == Moment::on(today);
    let tall_storey_m = rulebook.tall_storey_m(moment.valid_at);
    let years = moment.valid_at.year() - YEARS_SHOWN..=moment.valid_at.year();
    // What a review found is read and explained beside the rest: it takes as long.
    let (found, explained) = tokio::join!(
        store::dossier::read(pool, code, &moment, (share, is_now), tall_storey_m, years),
        newest(pool, code, &moment)
    );
    let Some(found) = found? else { return Ok(None) };
    let (run, mut review) = explained?;
    if run != found.run.as_ref().map(|run| run.id) {
        // A run was made or cancelled between the two.
        review = match &found.run {
            Some(run) => {
                let mut connection = pool.acquire().await.map_err(StoreError::from)?;
                explained_in(&mut connection, run, code, &moment).await?
            }
            None => None,
        };
    }
    let limits = Limits::in_force(&rulebook, found.day);
    let mut standings = Vec::with_capacity(found.contracts.len());
    for contract in &found.contracts {
        let watched = found.watched.iter().find(|one| one.number == contract.number);
        let begun = found.occupancies.iter().any(|one| one.from_on <= found.day);
        let in_use = begun || found.buildings.floor_area_m2.is_some_and(|floor| floor > 0.0);
        let soon = rulebook.soon(found.day);
        standings.push(standing(contract, watched, in_use, &limits, found.day, soon)?);
    }
    let timeline = timeline::tell(entries(&found, &standings), moment.valid_at);
    let next = found.life.last().map_or_else(Vec::new, |stay| moves_from(stay.state.name()).collect());
    let plot_ratio_reference = rulebook.plot_ratio_reference(&found.parcel.land_use, moment.valid_at).cloned();
    let law = (rulebook.as_ref(), found.day);
    let calendar = of_parcel(&found.watched, &found.reviews_done, &found.parcel.district, law)?;
    Ok(Some(File { found, standings, timeline, next, plot_ratio_reference, review, calendar }))
}

/// The newest review of a moment, and what it found of a parcel, explained.
async fn newest(pool: &PgPool, code: &str, moment: &Moment) -> Result<(Option<i64>, Option<Explained>), RefreshError> {
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let Some(run) = store::review::newest_at(&mut connection, moment).await? else { return Ok((None, None)) };
    Ok((Some(run.id), explained_in(&mut connection, &run, code, moment).await?))
}

async fn explained_in(
    connection: &mut PgConnection,
    run: &Run,
    code: &str,
    moment: &Moment,
) -> Result<Option<Explained>, RefreshError> {
    let found = explained(connection, run.id, code, moment.known_at).await?;
    // A run is published from some moment on.
    Ok(found.map(|found| Explained { state: run.state.clone(), ..found }))
}

fn standing(
    contract: &Contract,
    watched: Option<&Watched>,
    in_use: bool,
    limits: &Limits,
    day: NaiveDate,
    soon: Days,
) -> Result<Standing, RefreshError> {
    let calendar = rules::calendar()?;
    let clocks = watched.map(|watched| watched.clocks(calendar, day, soon)).unwrap_or_default();
    let duties: Vec<Duty> = clocks
        .into_iter()
        .map(|(held, clock)| Duty { years: held.promise().years(day), held: held.clone(), clock })
        .collect();
    let steps: Vec<Step> = duties.iter().filter_map(|duty| duty.held.step(&duty.clock)).collect();
    let site = Site {
        developed_percent: contract.developed_percent,
        invested_percent: contract.invested_percent,
        ..Site::of(&steps, in_use, contract.suspended_on.filter(|since| *since <= day))
    };
    let bonds = watched.map(|watched| watched.bonds.clone()).unwrap_or_default();
    let part = |part| bonds.iter().find(|bond| bond.part == part).and_then(|bond| bond.amount_wan_yuan);
    let parts = PartBonds {
        start: part(BondPart::Start),
        completion: part(BondPart::Completion),
        production: part(BondPart::Production),
    };
    let price = contract.price_wan_yuan.and_then(Decimal::from_f64);
    let terms = price.zip(contract.deposit_wan_yuan.and_then(Decimal::from_f64)).zip(contract.term_ends_on).map(
        |((price_wan_yuan, deposit_wan_yuan), ends_on)| RefundInput {
            price_wan_yuan,
            deposit_wan_yuan,
            // The price of a grant is for its own days, and not for those of the lease before it.
            starts_on: contract.granted_from.unwrap_or(contract.term_starts_on),
            ends_on,
        },
    );
    let idle = limits.idle(&site);
    let tracks = Tracks {
        start: limits.start(&site),
        start_money: limits.contract_money(&site, &parts, terms.as_ref()),
        idle,
        idle_money: limits.idle_money(idle, price, is_leased(&contract.kind, contract.granted_on.is_some())),
    };
    // Whose term it is, and that a supplement has none of its own, is known to what is watched.
    let expiry = watched.and_then(|watched| watched.term_ends_on).and_then(|end| limits.expiry(end));
    let bonds = bonds.into_iter().map(|bond| (bond.track(limits), bond)).map(|(track, bond)| (bond, track)).collect();
    Ok(Standing { duties, expiry, tracks, bonds })
}

/// Everything with a day, in the words of a timeline.
fn entries(found: &Dossier, standings: &[Standing]) -> Vec<Entry> {
    let mut told = Vec::new();
    let code = &found.parcel.code;
    let mut believed: Vec<_> = found.versions.iter().filter(|version| version.recorded_to.is_none()).collect();
    believed.sort_by_key(|version| version.valid_from);
    for (index, version) in believed.iter().enumerate() {
        if let Some(day) = version.valid_from {
            let (zh, en) =
                if index == 0 { ("宗地设立", "the parcel begins") } else { ("宗地变更", "the parcel changes") };
            told.push(Entry::new(day, Kind::Parcel, zh, en).of(code).known(version.recorded_from));
        }
    }
    if let (Some(day), Some(version)) = (found.parcel.valid_to, believed.last())
        && version.valid_to == Some(day)
    {
        let entry = Entry::new(day, Kind::Parcel, "宗地注销", "the parcel ends; its code is retired");
        told.push(entry.of(code).known(version.recorded_from));
    }
    for (contract, standing) in found.contracts.iter().zip(standings) {
        of_contract(&mut told, contract, found.watched.iter().find(|one| one.number == contract.number));
        for duty in &standing.duties {
            of_duty(&mut told, duty);
        }
    }
    let of_this = |event: &&Past| event.parties.iter().any(|party| party.code == *code);
    for event in found.lineage.iter().flat_map(|lineage| &lineage.events).filter(of_this) {
        let (zh, en) = match event.kind.as_str() {
            "split" => ("宗地分割", "a split"),
            "merge" => ("宗地合并", "a merge"),
            "adjust" => ("界线调整", "a boundary adjustment"),
            _ => ("宗地注销", "a retirement"),
        };
        let others: Vec<&str> =
            event.parties.iter().map(|party| party.code.as_str()).filter(|other| other != code).collect();
        let with = if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
        let entry = Entry::new(event.on, Kind::Lineage, format!("{zh}{with}"), format!("{en}{with}"));
        told.push(entry.of(format!("event {}", event.id)).by(Some(&event.document)).known(event.recorded_at));
    }
    for stay in &found.life {
        let (zh, en) = stay.state.title();
        let entry = Entry::new(stay.from, Kind::State, format!("进入“{zh}”状态"), format!("is now {en}"));
        let entry = entry.by(Some(&stay.document)).under(stay.rule.as_ref(), stay.money.as_deref());
        told.push(entry.known(stay.recorded_at));
    }
    for use_ in &found.occupancies {
        // An enterprise may be there in two rights at once.
        let (name, role) = (&use_.name, &use_.role);
        let right = if role == "owner" { "自用" } else { "承租" };
        let (zh, en) = (format!("{name}进驻（{right}）"), format!("{name} moves in as {role}"));
        told.push(Entry::new(use_.from_on, Kind::Occupancy, zh, en).of(&use_.enterprise));
        if let Some(day) = use_.to_on {
            let (zh, en) = (format!("{name}迁出（{right}）"), format!("{name} leaves as {role}"));
            told.push(Entry::new(day, Kind::Occupancy, zh, en).of(&use_.enterprise));
        }
    }
    for year in &found.figures {
        of_year(&mut told, year);
    }
    for verdict in &found.verdicts {
        let (zh, en) = (format!("评估结果 {}", verdict.grade), format!("judged {}", verdict.grade));
        told.push(Entry::new(verdict.as_of, Kind::Review, zh, en).of(format!("run {}", verdict.run_id)));
    }
    told
}

fn of_contract(told: &mut Vec<Entry>, contract: &Contract, watched: Option<&Watched>) {
    let number = &contract.number;
    let mut put = |day: Option<NaiveDate>, zh: &str, en: &str| {
        if let Some(day) = day {
            told.push(Entry::new(day, Kind::Contract, zh, en).of(number).known(contract.recorded_at));
        }
    };
    match (&contract.supplements, contract.taken_over_on) {
        // What an event divided was not signed anew.
        (Some(old), Some(day)) => {
            put(Some(day), &format!("承接原合同 {old}"), &format!("takes over contract {old}"));
        }
        (Some(_), None) => put(Some(contract.signed_on), "签订补充合同", "a supplementary contract is signed"),
        (None, _) => put(Some(contract.signed_on), "签订合同", "the contract is signed"),
    }
    put(watched.and_then(|one| one.paid_on), "付清价款", "the price is paid in full");
    put(watched.and_then(|one| one.handed_over_on), "交地", "the land is handed over");
    put(contract.suspended_on, "中止建设", "works stand still");
    if let Some(by) = &contract.granted_by {
        let (zh, en) = (format!("租赁转为出让（{by}）"), format!("the lease becomes a grant ({by})"));
        put(contract.granted_on, &zh, &en);
    }
    // A supplement has no term of its own.
    put(watched.and_then(|one| one.term_ends_on), "使用年期届满", "the term ends");
    for bond in watched.map(|one| one.bonds.as_slice()).unwrap_or_default() {
        of_bond(told, number, bond);
    }
}

/// A contract has up to three bonds, so each day says of which it is.
fn of_bond(told: &mut Vec<Entry>, number: &str, bond: &HeldBond) {
    let zh = bond.part.chinese();
    let en = match bond.part {
        BondPart::Whole => "the bond".to_owned(),
        part => format!("the {} bond", part.name()),
    };
    let mut put = |day: NaiveDate, did: &str, is: &str| {
        told.push(Entry::new(day, Kind::Bond, format!("{did}{zh}"), format!("{en} is {is}")).of(number));
    };
    if let Some(day) = bond.paid_on {
        put(day, "缴纳", "paid");
    }
    if let Some(day) = bond.demanded_on {
        put(day, "催缴", "demanded");
    }
    if let Some(settled) = bond.settled {
        let (did, is) = match settled.kind {
            SettlementKind::Returned => ("退还", "returned"),
            SettlementKind::Forfeited => ("没收", "forfeited"),
            SettlementKind::PartlyForfeited => ("部分没收", "forfeited in part"),
        };
        put(settled.on, did, is);
    }
}

/// What reached the parcel of a year: each enterprise once, in however many rights it is there.
fn of_year(told: &mut Vec<Entry>, of: &ParcelYear) {
    let year = of.year.year;
    let Some(last) = NaiveDate::from_ymd_opt(year, 12, 31) else { return };
    let reported = of.contributions.iter().filter(|one| one.figures.iter().any(Option::is_some));
    let names: BTreeMap<&str, &str> = reported.map(|one| (one.enterprise.as_str(), one.name.as_str())).collect();
    for (enterprise, name) in names {
        let (zh, en) = (format!("{name}申报{year}年度数据"), format!("{name} reports {year}"));
        told.push(Entry::new(last, Kind::Return, zh, en).of(enterprise));
    }
}

fn of_duty(told: &mut Vec<Entry>, duty: &Duty) {
    let Duty { held, clock, years } = duty;
    let (zh, en) = (held.kind.chinese(), held.kind.name().replace('_', " "));
    if let Some(day) = held.met_on {
        let entry = Entry::new(day, Kind::Obligation, format!("{zh}：已履行"), format!("{en} is done"));
        told.push(entry.of(&held.number));
    }
    for one in years.iter().filter(|one| Some(one.year) != clock.year) {
        let (of, state) = (one.year, &one.state);
        let entry = Entry::new(
            one.due,
            Kind::Obligation,
            format!("{zh}{of}年度到期（{}）", state.chinese()),
            format!("{en} of {of} falls due ({})", state.name().replace('_', " ")),
        );
        told.push(entry.of(&held.number));
    }
    if let Some(day) = clock.due {
        let state = clock.state.chinese();
        let entry = Entry::new(
            day,
            Kind::Obligation,
            format!("{zh}到期（{state}）"),
            format!("{en} falls due ({})", clock.state.name().replace('_', " ")),
        );
        told.push(entry.of(&held.number));
    }
    for act in &held.acts {
        let (zh, en) = (
            format!("{zh}：{}，{}", act.kind.chinese(), act.ground),
            format!("{en}: {}, {}", act.kind.name(), act.ground),
        );
        told.push(Entry::new(act.on, Kind::Obligation, zh, en).of(&held.number).by(Some(&act.document)));
    }
}
