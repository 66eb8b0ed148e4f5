//! Where a shape stands: what it shares with every tier, lock, planning unit and legacy area that is law on a day.

use super::Tier;
use super::plan_unit::Permitted;
use crate::domain::quantity::SquareMetres;
use chrono::NaiveDate;
use serde::Serialize;

/// A layer of the plan that land can be laid over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Industrial bases and communities.
    Zone,
    /// Planning units with their permitted uses.
    PlanUnit,
    /// The older division into 104, 195 and 198.
    Legacy,
}

/// A part of the shape.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Part {
    /// Geodesic area, m².
    pub area_m2: SquareMetres,
    /// Share of the shape, 0 to 1.
    pub share: f64,
}

/// What the shape shares with one area of the plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overlap {
    /// Which layer.
    pub layer: Layer,
    /// Code of the area.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its tier, for a zone.
    pub tier: Option<Tier>,
    /// Lock 1, for a zone: reserved for advanced manufacturing.
    pub locked: bool,
    /// Its class, for a legacy area: 104, 195 or 198.
    pub class: Option<String>,
    /// What it permits, for a planning unit.
    pub permitted: Option<Permitted>,
    /// The document that set it.
    pub document: Option<String>,
    /// The day on which it was decided, where that is known.
    pub decided_on: Option<NaiveDate>,
    /// First day on which it is in force.
    pub valid_from: NaiveDate,
    /// First day on which it no longer is.
    pub valid_to: Option<NaiveDate>,
    /// What they share.
    #[serde(flatten)]
    pub part: Part,
}

/// Where a shape stands on a day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// The day whose plan was asked.
    pub day: NaiveDate,
    /// Geodesic area of the shape, m².
    pub area_m2: SquareMetres,
    /// The share from which a tier decides, by the rulebook of the day.
    pub deciding_share: f64,
    /// The share that may lie across a border without a word, by the rulebook of the day.
    pub border_tolerance: f64,
    /// What lies in bases; land in two of them counts once.
    pub base: Part,
    /// What lies in communities.
    pub community: Part,
    /// What lies in neither.
    pub fragmented: Part,
    /// What lies in locked zones.
    pub locked: Part,
    /// The tier that decides; fragmented where none reaches the deciding share.
    pub tier: Tier,
    /// Whether locked zones hold the deciding share.
    pub is_locked: bool,
    /// Whether it lies across a border of tiers or locks by more than the tolerance: both figures are said, and someone
    /// should look.
    pub on_border: bool,
    /// Whether any zone at all is law on the day: without one nobody knows what the plan says.
    pub plan_is_known: bool,
    /// Every area of the plan that it meets, the largest part first.
    pub overlaps: Vec<Overlap>,
}

/// What a shape shares with the zones together, as it was measured; land in two of them counts once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Geodesic area of the shape, m².
    pub area_m2: SquareMetres,
    /// What lies in bases.
    pub base: Part,
    /// What lies in communities.
    pub community: Part,
    /// What lies in either.
    pub zoned: Part,
    /// What lies in locked zones.
    pub locked: Part,
}

/// What decides where parts alone do not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// The share from which a tier decides.
    pub deciding_share: f64,
    /// The share that may lie across a border without a word.
    pub border_tolerance: f64,
}

/// Shares that differ by less are the same: a billionth of a parcel is the arithmetic's, not the surveyor's.
const HAIR: f64 = 1e-9;

impl Standing {
    /// What follows from the measured parts: the tier with the larger share decides if that is at least the deciding one,
    /// and of two equal ones the base, as `parcel_tier_at` has it for all parcels at once.
    pub fn of(day: NaiveDate, measured: &Measured, rule: Rule, plan_is_known: bool, overlaps: Vec<Overlap>) -> Self {
        let Measured { area_m2, base, community, zoned, locked } = *measured;
        let decides = |share: f64| share >= rule.deciding_share - HAIR;
        let (larger, share) = match base.share >= community.share - HAIR {
            true => (Tier::Base, base.share),
            false => (Tier::Community, community.share),
        };
        let is_between = |share: f64| share > rule.border_tolerance && share < 1.0 - rule.border_tolerance;
        let on_border = [base, community, locked].iter().any(|part| is_between(part.share))
            // Land that is of two tiers at once.
            || base.share + community.share > 1.0 + rule.border_tolerance;
        Self {
            day,
            area_m2,
            deciding_share: rule.deciding_share,
            border_tolerance: rule.border_tolerance,
            base,
            community,
            fragmented: Part {
                area_m2: SquareMetres((area_m2.value() - zoned.area_m2.value()).max(0.0)),
                share: 1.0 - zoned.share,
            },
            locked,
            tier: if decides(share) { larger } else { Tier::Fragmented },
            is_locked: decides(locked.share),
            on_border,
            plan_is_known,
            overlaps,
        }
    }
}

/// What someone should know of a standing before relying on its tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// A stable code.
    pub code: &'static str,
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

impl Standing {
    /// What is to be said beside the figures; empty where the land lies plainly in one tier.
    pub fn remarks(&self) -> Vec<Remark> {
        let mut remarks = Vec::new();
        if !self.plan_is_known {
            remarks.push(Remark {
                code: "plan-unknown",
                zh: format!("{}无任何生效的分区，层级无从判定", self.day),
                en: format!("no zone at all is law on {}, so that nobody knows what the plan says", self.day),
            });
        }
        if !self.on_border {
            return remarks;
        }
        let (zh, en) = (
            |part: &Part| format!("{:.2} %（{:.2} 平方米）", part.share * 100.0, part.area_m2.value()),
            |part: &Part| format!("{:.2} % ({:.2} m²)", part.share * 100.0, part.area_m2.value()),
        );
        let (base, community, fragmented, locked) = (&self.base, &self.community, &self.fragmented, &self.locked);
        let (decides, lets_pass) = (self.deciding_share * 100.0, self.border_tolerance * 100.0);
        remarks.push(Remark {
            code: "on-border",
            zh: format!(
                "跨界：产业基地 {}、产业社区 {}、零星 {}，其中锁定 {}；按占比达 {decides} % 判为{}，跨界超过 {lets_pass} %，须人工核定",
                zh(base),
                zh(community),
                zh(fragmented),
                zh(locked),
                self.tier.chinese(),
            ),
            en: format!(
                "lies across a border: base {}, community {}, fragmented {}, of it locked {}; a share of {decides} % decides \
                 for {}, but more than {lets_pass} % lies across, and someone should look",
                en(base),
                en(community),
                en(fragmented),
                en(locked),
                self.tier.name(),
            ),
        });
        if base.share + community.share > 1.0 + self.border_tolerance {
            remarks.push(Remark {
                code: "two-tiers-at-once",
                zh: "部分土地同时位于产业基地与产业社区之内，规划分区相互重叠，须先更正".to_owned(),
                en: "some of the land lies in a base and in a community at once: the zones overlap and are to be corrected first".to_owned(),
            });
        }
        remarks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hectare of which so many hundredths lie in bases, communities, either and locked zones.
    fn standing([base, community, zoned, locked]: [f64; 4]) -> Standing {
        let part = |hundredths: f64| Part { area_m2: SquareMetres(hundredths * 100.0), share: hundredths / 100.0 };
        let measured = Measured {
            area_m2: SquareMetres(10_000.0),
            base: part(base),
            community: part(community),
            zoned: part(zoned),
            locked: part(locked),
        };
        let rule = Rule { deciding_share: 0.5, border_tolerance: 0.01 };
        Standing::of(NaiveDate::default(), &measured, rule, true, Vec::new())
    }

    #[test]
    fn the_larger_share_decides_from_the_deciding_share_on_and_both_figures_are_said() {
        for (parts, tier, is_locked, on_border) in [
            ([100.0, 0.0, 100.0, 100.0], Tier::Base, true, false),
            ([99.5, 0.5, 100.0, 99.5], Tier::Base, true, false),
            ([50.0, 50.0, 100.0, 50.0], Tier::Base, true, true),
            ([49.0, 51.0, 100.0, 49.0], Tier::Community, false, true),
            ([49.0, 0.0, 49.0, 49.0], Tier::Fragmented, false, true),
            ([40.0, 40.0, 80.0, 0.0], Tier::Fragmented, false, true),
            ([0.9, 0.0, 0.9, 0.0], Tier::Fragmented, false, false),
            ([100.0, 0.0, 100.0, 30.0], Tier::Base, false, true),
            // Land that a base and a community both claim.
            ([100.0, 100.0, 100.0, 100.0], Tier::Base, true, true),
            ([0.0, 0.0, 0.0, 0.0], Tier::Fragmented, false, false),
        ] {
            let found = standing(parts);
            assert_eq!((found.tier, found.is_locked, found.on_border), (tier, is_locked, on_border), "{parts:?}");
            let said: Vec<&str> = found.remarks().iter().map(|remark| remark.code).collect();
            let twice = parts[0] + parts[1] > 101.0;
            assert_eq!(
                (said.contains(&"on-border"), said.contains(&"two-tiers-at-once")),
                (on_border, twice),
                "{parts:?}"
            );
            assert!((found.fragmented.share - (1.0 - parts[2] / 100.0)).abs() < 1e-12, "{parts:?}");
            assert!((found.fragmented.area_m2.value() - (100.0 - parts[2]) * 100.0).abs() < 1e-9, "{parts:?}");
        }
    }
}
