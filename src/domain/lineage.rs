//! Lineage (沿革): how parcels come out of parcels. An event hangs on a document and has one cause; parents retire and
//! stay historic, children begin, no code is ever used again, and no land is lost or won. What becomes of the promises is
//! in [`duty`]. Where the land lies is for PostGIS to say; here stands what must hold of what it says.

pub mod duty;
pub mod share;

use super::finding::{Fault, Finding};
use super::id::ParcelCode;
use chrono::NaiveDate;
use duty::Duty;
use serde::Serialize;

/// What happens to parcels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 分割: one parcel becomes several.
    Split,
    /// 合并: several become one.
    Merge,
    /// 界址调整: the same parcels in other bounds.
    Adjust,
    /// 注销: a parcel ends without successor.
    Retire,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Split, Self::Merge, Self::Adjust, Self::Retire];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::Merge => "merge",
            Self::Adjust => "adjust",
            Self::Retire => "retire",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }

    /// Whether its parents end.
    pub fn ends_parents(self) -> bool {
        self != Self::Adjust
    }
}

/// An event before anyone knows whether it may be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// What happens.
    pub kind: Kind,
    /// The legal day: parents are law until the day before, children from this day.
    pub on: NaiveDate,
    /// The document it hangs on.
    pub document: String,
    /// Its one cause, in words.
    pub ground: String,
}

/// A parcel as an event finds it on its day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parent {
    /// Its code.
    pub code: String,
    /// Its geodesic area, m².
    pub area_m2: f64,
    /// Its district.
    pub district: String,
    /// Its park.
    pub park: Option<String>,
    /// Its use.
    pub land_use: String,
    /// The scheme of its use.
    pub land_use_scheme: String,
    /// The highest plot ratio of its plan condition.
    pub plot_ratio_allowed: Option<f64>,
    /// The first day of the version that is law on the day; nothing where it was law from the start of the register.
    pub valid_from: Option<NaiveDate>,
}

/// A parcel as an event leaves it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Child {
    /// Its code.
    pub code: String,
    /// Its geodesic area, m².
    pub area_m2: f64,
    /// The area on its new certificate, where one was given.
    pub registered_area_m2: Option<f64>,
    /// A point on it, longitude and latitude.
    pub place: [f64; 2],
}

/// Which land goes where.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Link {
    /// The code of the parcel whose land it was.
    pub parent: String,
    /// The code of the parcel whose land it becomes.
    pub child: String,
    /// How much, m².
    pub area_m2: f64,
}

/// What PostGIS says of parents and children laid over each other.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Overlay {
    /// Land that goes from a parent to a child.
    pub links: Vec<Link>,
    /// Land that two children would have: their codes and the area, m².
    pub overlaps: Vec<(String, String, f64)>,
    /// Land of the parents that no child has, m².
    pub gap_m2: f64,
    /// Land of the children that no parent had, m².
    pub outside_m2: f64,
}

/// What an event would do, to be read before it is done; and after, what it did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The event.
    #[serde(flatten)]
    pub event: Event,
    /// Number of the event once it is on record.
    pub id: Option<i64>,
    /// The revision that wrote it.
    pub revision: Option<i64>,
    /// The parcels that end or change.
    pub parents: Vec<Parent>,
    /// The parcels that begin or continue.
    pub children: Vec<Child>,
    /// Which land goes where.
    pub links: Vec<Link>,
    /// Area before and after, m².
    pub area_in_m2: f64,
    /// Area after, m².
    pub area_out_m2: f64,
    /// What becomes of contracts, obligations, bonds, buildings and occupancies.
    pub duties: Vec<Duty>,
    /// What is wrong or worth a look.
    pub findings: Vec<Finding>,
}

impl Event {
    /// A finding of this event about a parcel or a duty.
    pub fn finding(
        &self,
        code: &'static str,
        key: &str,
        field: &'static str,
        value: &str,
        expected: impl Into<String>,
    ) -> Finding {
        Fault::error(code, Some(field), Some(value), expected).at(self.kind.name(), None, Some(key))
    }

    /// The same, as a warning.
    pub fn warning(
        &self,
        code: &'static str,
        key: &str,
        field: &'static str,
        value: &str,
        expected: impl Into<String>,
    ) -> Finding {
        Fault::error(code, Some(field), Some(value), expected).as_warning().at(self.kind.name(), None, Some(key))
    }

    /// What is wrong with the event itself.
    pub fn check(&self, today: NaiveDate) -> Vec<Finding> {
        let mut found = Vec::new();
        if self.document.trim().is_empty() {
            found.push(self.finding("document-missing", "", "document", "", "the number and title of the document"));
        }
        if self.ground.trim().is_empty() {
            found.push(self.finding("ground-missing", "", "ground", "", "the cause of the event, in words"));
        }
        if self.on > today {
            let expected = format!("a day up to {today}: what is not yet law is not on the register");
            found.push(self.finding("event-in-future", "", "on", &self.on.to_string(), expected));
        }
        found
    }

    /// What is wrong with the parents together.
    pub fn check_parents(&self, parents: &[Parent]) -> Vec<Finding> {
        let mut found = Vec::new();
        let least = if matches!(self.kind, Kind::Merge | Kind::Adjust) { 2 } else { 1 };
        if parents.len() < least {
            let count = parents.len().to_string();
            let expected = format!("at least {least} parcels");
            found.push(self.finding("too-few-parcels", "", "parcel_code", &count, expected));
        }
        for parent in parents {
            if parent.valid_from == Some(self.on) {
                // A version that was law on no day would be no version.
                found.push(self.finding(
                    "begins-that-day",
                    &parent.code,
                    "on",
                    &self.on.to_string(),
                    "a day after the parcel's version began",
                ));
            }
        }
        let (Some(first), Kind::Merge) = (parents.first(), self.kind) else { return found };
        for other in &parents[1..] {
            let own = format!("{} {}", other.land_use, other.land_use_scheme);
            let expected = format!("{} {} as of {}", first.land_use, first.land_use_scheme, first.code);
            if (&other.land_use, &other.land_use_scheme) != (&first.land_use, &first.land_use_scheme) {
                found.push(self.finding("land-use-differs", &other.code, "land_use", &own, expected));
            }
            if other.district != first.district {
                let expected = format!("{}, the district of {}", first.district, first.code);
                found.push(self.finding("district-differs", &other.code, "district", &other.district, expected));
            }
            if other.park != first.park {
                let own = other.park.as_deref().unwrap_or("none");
                let expected = "one park for all; the merged parcel takes that of the largest parent";
                found.push(self.warning("park-differs", &other.code, "park", own, expected));
            }
            if other.plot_ratio_allowed != first.plot_ratio_allowed {
                let own = other.plot_ratio_allowed.map_or("unknown".to_owned(), |ratio| ratio.to_string());
                let expected = "one plan condition for all; that of the merged parcel is unknown until it is set";
                found.push(self.warning("plot-ratio-differs", &other.code, "plot_ratio_allowed", &own, expected));
            }
        }
        found
    }

    /// What is wrong with the children, laid over the parents. `tolerance` is a share of the parents' area.
    pub fn check_children(
        &self,
        parents: &[Parent],
        children: &[Child],
        overlay: &Overlay,
        tolerance: f64,
    ) -> Vec<Finding> {
        let mut found = Vec::new();
        let least = if self.kind == Kind::Split { 2 } else { 1 };
        if children.len() < least {
            let count = children.len().to_string();
            found.push(self.finding(
                "too-few-children",
                "",
                "parcel_code",
                &count,
                format!("at least {least} children"),
            ));
        }
        let area_in: f64 = parents.iter().map(|one| one.area_m2).sum();
        let area_out: f64 = children.iter().map(|one| one.area_m2).sum();
        let most = tolerance * area_in;
        let within = format!("at most {most:.2} m2 ({tolerance} of {area_in:.2} m2)");
        let metres = |area: f64| format!("{area:.2}");
        if (area_out - area_in).abs() > most {
            let expected = format!("{area_in:.2} m2 as the parents have, within {most:.2} m2");
            found.push(self.finding("area-differs", "", "area_m2", &metres(area_out), expected));
        }
        if overlay.gap_m2 > most {
            found.push(self.finding(
                "gap",
                "",
                "geometry",
                &metres(overlay.gap_m2),
                format!("land of the parents that no child has: {within}"),
            ));
        }
        if overlay.outside_m2 > most {
            found.push(self.finding(
                "outside-parents",
                "",
                "geometry",
                &metres(overlay.outside_m2),
                format!("land of the children that no parent had: {within}"),
            ));
        }
        for (one, other, area) in overlay.overlaps.iter().filter(|(_, _, area)| *area > most) {
            let expected = format!("land shared with {other}: {within}");
            found.push(self.finding("overlap", one, "geometry", &metres(*area), expected));
        }
        for child in children.iter().filter(|child| child.area_m2 <= most) {
            let expected = format!("more than {most:.2} m2, below which it is no land but a fault of measuring");
            found.push(self.finding("sliver", &child.code, "area_m2", &metres(child.area_m2), expected));
        }
        found
    }
}

/// Proposes codes for new parcels: the next free serials of the sub-district, behind the first 14 characters of the
/// parent. Older cadastral rules gave splits a sub-number and merges the highest with a sub-number; a code of 19
/// characters has room for a serial only. Nothing where the five digits are used up.
pub fn propose_codes(parent: &ParcelCode, highest_serial: u32, count: usize) -> Option<Vec<ParcelCode>> {
    let stem = &parent.parcel()[..14];
    (1..=count)
        .map(|step| {
            let serial = highest_serial.checked_add(u32::try_from(step).ok()?).filter(|serial| *serial <= 99_999)?;
            ParcelCode::parse(&format!("{stem}{serial:05}")).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).expect("a day")
    }

    fn event(kind: Kind) -> Event {
        Event {
            kind, on: day(2025, 7, 1), document: "沪规划资源〔2025〕1号".into(), ground: "部分转让".into()
        }
    }

    fn parent(code: &str) -> Parent {
        Parent {
            code: code.into(),
            area_m2: 10_000.0,
            district: "310115".into(),
            park: None,
            land_use: "M1".into(),
            land_use_scheme: "GB50137-SH".into(),
            plot_ratio_allowed: Some(2.0),
            valid_from: Some(day(2010, 1, 1)),
        }
    }

    fn child(code: &str, area_m2: f64) -> Child {
        Child { code: code.into(), area_m2, registered_area_m2: None, place: [121.5, 31.1] }
    }

    fn codes(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.code.as_str()).collect()
    }

    #[test]
    fn an_event_hangs_on_a_document_has_a_cause_and_is_not_in_the_future() {
        assert_eq!(codes(&event(Kind::Split).check(day(2025, 7, 1))), Vec::<&str>::new());
        let bare = Event { document: " ".into(), ground: String::new(), ..event(Kind::Split) };
        assert_eq!(codes(&bare.check(day(2025, 6, 30))), ["document-missing", "ground-missing", "event-in-future"]);
    }

    #[test]
    fn land_of_two_uses_or_districts_does_not_merge() {
        let other =
            Parent { land_use: "R2".into(), district: "310112".into(), plot_ratio_allowed: None, ..parent("B") };
        let found = event(Kind::Merge).check_parents(&[parent("A"), other]);
        assert_eq!(codes(&found), ["land-use-differs", "district-differs", "plot-ratio-differs"]);
        assert_eq!(codes(&event(Kind::Merge).check_parents(&[parent("A")])), ["too-few-parcels"]);
        assert_eq!(codes(&event(Kind::Merge).check_parents(&[parent("A"), parent("B")])), Vec::<&str>::new());
    }

    #[test]
    fn a_parcel_that_began_on_the_day_of_the_event_is_not_split_on_it() {
        let fresh = Parent { valid_from: Some(day(2025, 7, 1)), ..parent("A") };
        assert_eq!(codes(&event(Kind::Split).check_parents(&[fresh])), ["begins-that-day"]);
    }

    #[test]
    fn areas_balance_and_nothing_overlaps_is_missing_or_lies_outside() {
        let check = |children: &[Child], overlay: &Overlay| {
            codes(&event(Kind::Split).check_children(&[parent("A")], children, overlay, 0.001))
                .iter()
                .map(|code| (*code).to_owned())
                .collect::<Vec<_>>()
        };
        let (one, two) = (child("B", 4_000.0), child("C", 6_000.0));
        assert_eq!(check(&[one.clone(), two.clone()], &Overlay::default()), Vec::<String>::new());
        let within = Overlay { gap_m2: 9.9, outside_m2: 9.9, ..Overlay::default() };
        assert_eq!(check(&[one.clone(), two.clone()], &within), Vec::<String>::new());
        let bad = Overlay {
            gap_m2: 11.0,
            outside_m2: 11.0,
            overlaps: vec![("B".into(), "C".into(), 11.0)],
            ..Overlay::default()
        };
        assert_eq!(check(&[one.clone(), two], &bad), ["gap", "outside-parents", "overlap"]);
        assert_eq!(check(&[one.clone(), child("C", 6_011.0)], &Overlay::default()), ["area-differs"]);
        assert_eq!(check(&[child("B", 9.0), child("C", 9_991.0)], &Overlay::default()), ["sliver"]);
        assert_eq!(check(&[child("B", 10_000.0)], &Overlay::default()), ["too-few-children"]);
    }

    #[test]
    fn proposed_codes_are_the_next_serials_of_the_sub_district() {
        let parent = ParcelCode::parse("310115001001GB00017F00010001").expect("a unit code");
        let codes = |highest, count| {
            propose_codes(&parent, highest, count)
                .map(|codes| codes.iter().map(|code| code.as_str().to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(codes(41, 2).expect("room"), ["310115001001GB00042", "310115001001GB00043"]);
        assert_eq!(codes(99_998, 1).expect("room"), ["310115001001GB99999"]);
        assert_eq!(codes(99_998, 2), None);
    }
}
