//! The cases in `tests/cases/lock1.toml` and `lock2.toml` by the roads on which land comes in: files that are imported, and
//! plain SQL of a clerk. What an officer reads is what happens.

use super::LOCKUP;
use super::cases::{Case, cases};
use super::sql::clerk;
use crate::support::{Town, feature, parcel_code, square};
use landcycle::domain::zoning::lockup::Lockup;
use landcycle::domain::zoning::verdict::{DeedKind, Verdict};
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor as _};

/// Some hundred metres wide; what a case says of a hectare is said of this as a share.
const WIDTH: f64 = 0.001;

/// A case on land of its own.
struct Fed {
    case: Case,
    number: u32,
}

impl Fed {
    fn west(&self) -> f64 {
        121.41 + f64::from(self.number) * 0.005
    }

    fn code(&self) -> String {
        parcel_code(self.number)
    }

    /// The land between two shares of its width.
    fn part(&self, from: f64, to: f64) -> Value {
        square(self.west() + WIDTH * from, 31.1, self.west() + WIDTH * to, 31.101)
    }

    fn changes_use(&self) -> bool {
        matches!(self.case.deed, DeedKind::ChangeOfUse | DeedKind::Renewal)
    }

    fn signs(&self) -> bool {
        matches!(self.case.deed, DeedKind::NewProject | DeedKind::Continuation)
    }

    fn day(&self) -> String {
        self.case.day.to_string()
    }

    /// Whether the deed is from before the rule: then the register was told of it as of what came next, and not of a
    /// change of what it believed.
    fn is_history(&self) -> bool {
        self.day().as_str() < "2018-05-07"
    }

    /// The parcel before the deed.
    fn before(&self) -> Value {
        let land_use = self.case.from.as_ref().or(self.case.to.as_ref()).map_or("M1", String::as_str);
        let until = (self.changes_use() && self.is_history()).then(|| self.day());
        let properties = json!({"parcel_code": self.code(), "land_use": land_use, "valid_to": until});
        feature(&properties, &self.part(0.0, 1.0))
    }

    /// The zones of the case: locked base land in the west, then the rest of the base, then the community.
    fn zones(&self) -> Vec<Value> {
        let Case { base, community, locked, .. } = self.case;
        let parts = [("L", 0.0, locked, true), ("B", locked, base, false), ("C", base, base + community, false)];
        let zones = parts.into_iter().filter(|(_, from, to, _)| to > from);
        zones.map(|(letter, from, to, locked)| self.zone(letter, from, to, locked, "2018-01-01")).collect()
    }

    fn zone(&self, letter: &str, from: f64, to: f64, locked: bool, valid_from: &str) -> Value {
        let tier = if letter == "C" { "community" } else { "base" };
        let properties = json!({"zone_code": format!("{letter}{}", self.number), "name": self.number.to_string(),
            "tier": tier, "locked": i32::from(locked), "valid_from": valid_from});
        feature(&properties, &self.part(from / 100.0, to / 100.0))
    }

    /// What the deed frees, as a share of the parcel.
    fn freed(&self) -> f64 {
        self.case.freed_m2 / 10_000.0
    }

    /// The deed as a row of a file of this kind, if it is one.
    fn parcel_row(&self) -> Option<Value> {
        let (land_use, shape) = match self.case.deed {
            DeedKind::ChangeOfUse | DeedKind::Renewal => (self.case.to.as_deref()?, self.part(0.0, 1.0)),
            DeedKind::Division => ("M1", self.part(self.freed(), 1.0)),
            DeedKind::OwnWorks => (self.case.to.as_deref()?, self.part(0.0, 1.0)),
            _ => return None,
        };
        let properties =
            json!({"parcel_code": self.code(), "land_use": land_use, "valid_from": self.day(), "address": "新建"});
        Some(feature(&properties, &shape))
    }

    fn contract_row(&self, letter: &str, signed_on: &str) -> String {
        let supplements = if letter == "N" && self.case.deed == DeedKind::Continuation {
            format!("O{}", self.number)
        } else {
            String::new()
        };
        format!("{letter}{},{},grant,E1,{signed_on},20,1,{supplements}\n", self.number, self.code())
    }

    fn zone_row(&self) -> Option<Value> {
        let freed = self.freed() * 100.0;
        let is_drawn = self.case.deed == DeedKind::BoundaryChange;
        is_drawn.then(|| self.zone("L", freed.min(self.case.locked - 1.0), self.case.locked, true, &self.day()))
    }

    /// Whether a receipt calls the row so; of a zone the key says its days too.
    fn is_called(&self, key: &str) -> bool {
        key.strip_prefix(&self.key()).is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
    }

    fn key(&self) -> String {
        match self.case.deed {
            DeedKind::NewProject | DeedKind::Continuation => format!("N{}", self.number),
            DeedKind::BoundaryChange => format!("L{}", self.number),
            _ => self.code(),
        }
    }

    /// The deed in plain SQL.
    fn sql(&self) -> String {
        let (code, day) = (self.code(), self.day());
        let believed = format!("parcel_id = (select id from parcel where code = '{code}') and upper_inf(recorded)");
        let drawn = |shape: &Value| format!("st_multi(st_setsrid(st_geomfromgeojson('{shape}'), 4490))");
        match self.case.deed {
            DeedKind::ChangeOfUse | DeedKind::Renewal => {
                let columns = "district, land_use_scheme, area_m2, geom, revision";
                let to = self.case.to.as_deref().unwrap();
                let insert = format!("insert into parcel_version (parcel_id, valid, recorded, land_use, {columns})");
                let now = "tstzrange(clock_timestamp(), null)";
                let becomes = format!("select parcel_id, daterange('{day}', null), {now}, '{to}', {columns}");
                if self.is_history() {
                    return format!("{insert} {becomes} from parcel_version where {believed}");
                }
                format!(
                    "with closed as (
                         update parcel_version set recorded = tstzrange(lower(recorded), clock_timestamp()) where {believed}
                         returning *)
                     {insert}
                     select parcel_id, daterange(null, '{day}'), {now}, land_use, {columns} from closed
                     union all {becomes} from closed"
                )
            }
            DeedKind::Division => format!(
                "update parcel_version set geom = {} where {believed}", drawn(&self.part(self.freed(), 1.0))),
            DeedKind::OwnWorks => format!("update parcel_version set address = '新建' where {believed}"),
            DeedKind::NewProject | DeedKind::Continuation => format!(
                "insert into contract (number, parcel, valid, recorded, kind, holder, signed_on, term_starts_on, term_ends_on, performance_terms, revision)
                 values ('N{}', '{code}', daterange('{day}', null), tstzrange(clock_timestamp(), null), 'grant', 'E1', '{day}', '{day}', '2060-01-01', true, 1)",
                self.number
            ),
            DeedKind::BoundaryChange => format!(
                "update zone_version set geom = {} where code = 'L{}' and upper_inf(recorded)",
                drawn(&self.zone_row().unwrap()["geometry"]),
                self.number
            ),
        }
    }
}

/// What refuses the statements at the end of a transaction of which nothing is kept.
async fn refusal(connection: &mut PgConnection, statements: &str) -> Option<String> {
    let all = format!("begin; {statements}; set constraints all immediate; rollback");
    let ended = connection.execute(sqlx::raw_sql(AssertSqlSafe(all))).await.err()?;
    connection.execute("rollback").await.unwrap();
    Some(ended.to_string())
}

/// Feeds cases to one register by every road, where each must end as the table says.
async fn feed(fed: &[Fed], plan: bool) {
    let town = Town::empty().await;
    let district = feature(&json!({"code": "310115", "name": "浦东新区"}), &square(121.4, 31.0, 121.7, 31.4));
    town.takes("districts", &town.geojson("districts", &[district]));
    town.takes("parcels", &town.geojson("before", &fed.iter().map(Fed::before).collect::<Vec<_>>()));
    if plan {
        town.takes("zones", &town.geojson("zones", &fed.iter().flat_map(Fed::zones).collect::<Vec<_>>()));
    }
    town.takes("enterprises", &town.file("enterprises.csv", "enterprise_code,name\nE1,一号厂\n"));
    const HEADING: &str = "contract_no,parcel_code,kind,holder,signed_on,term_years,performance_terms,supplements\n";
    let held: String = fed
        .iter()
        .filter(|one| one.case.deed == DeedKind::Continuation)
        .map(|one| one.contract_row("O", "2015-01-01"))
        .collect();
    if !held.is_empty() {
        town.takes("contracts", &town.file("held.csv", format!("{HEADING}{held}")));
    }

    let lockup = Lockup::parse(LOCKUP).unwrap();
    let expected = |one: &Fed| {
        let row = lockup.rows.iter().find(|row| row.id == one.case.rule).unwrap();
        (one.case.verdict != Verdict::Allowed).then(|| (row.finding.clone().unwrap(), one.case.rule.clone()))
    };
    let mut clerk = clerk(&town).await;
    for one in fed {
        let refused = refusal(&mut clerk, &one.sql()).await;
        let as_expected = match (&expected(one), &refused) {
            (None, None) => true,
            (Some((finding, rule)), Some(said)) => said.contains(finding) && said.contains(rule),
            _ => false,
        };
        assert!(as_expected, "in SQL: {}: {refused:?}", one.case.name);
    }

    let parcels: Vec<Value> = fed.iter().filter_map(Fed::parcel_row).collect();
    let zones: Vec<Value> = fed.iter().filter_map(Fed::zone_row).collect();
    let signed: String = fed.iter().filter(|one| one.signs()).map(|one| one.contract_row("N", &one.day())).collect();
    let mut findings = Vec::new();
    for (kind, is_any, path) in [
        ("parcels", !parcels.is_empty(), town.geojson("after", &parcels)),
        ("contracts", !signed.is_empty(), town.file("signed.csv", format!("{HEADING}{signed}"))),
        ("zones", !zones.is_empty(), town.geojson("drawn", &zones)),
    ] {
        if is_any {
            let ended = town.import(kind, &[path], &[]);
            let found = ended.answer["findings"].as_array().unwrap_or_else(|| panic!("{ended:?}")).clone();
            findings.extend(found.into_iter().filter(|one| one["severity"] == "error"));
        }
    }
    for one in fed {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut found: Vec<(String, String)> = findings
            .iter()
            .filter(|finding| one.is_called(finding["key"].as_str().unwrap()))
            .map(|finding| (text(&finding["code"]), text(&finding["facts"]["rule"])))
            .collect();
        found.dedup();
        assert_eq!(found, expected(one).into_iter().collect::<Vec<_>>(), "imported: {}", one.case.name);
    }
    assert!(!plan || !findings.is_empty());
}

#[tokio::test]
async fn each_situation_that_an_officer_reads_ends_so_by_import_and_in_plain_sql() {
    let fed = cases().into_iter().zip(1..).map(|(case, number)| Fed { case, number });
    let (known, unknown): (Vec<Fed>, Vec<Fed>) = fed.partition(|one| one.case.plan != Some(false));
    assert!(known.len() > 25 && unknown.len() > 1, "{} {}", known.len(), unknown.len());
    feed(&known, true).await;
    feed(&unknown, false).await;
}
