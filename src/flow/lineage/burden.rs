//! What lies on the land of an event: contracts, obligations, bonds, buildings and occupancies, and where each goes.

use super::Work;
use crate::domain::lineage::duty::{self, Burdens, Duty, Successor, Thing, Treatment};
use crate::domain::lineage::{Kind, Plan, share::FEN};
use crate::store::StoreError;
use crate::store::lineage::duty::{self as register, Standing, Use};
use crate::store::write::Write;
use geo_types::MultiPolygon;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// What is to be moved beside the duties of the plan.
#[derive(Default)]
pub(super) struct Burden {
    buildings: BTreeMap<String, String>,
    uses: Vec<Use>,
}

impl Burden {
    /// Moves everything and writes it down.
    pub(super) async fn apply(self, write: &mut Write, event: i64, plan: &Plan) -> Result<(), StoreError> {
        if !self.buildings.is_empty() {
            register::move_buildings(write, &self.buildings).await?;
        }
        if plan.event.kind.ends_parents() {
            let parents: Vec<String> = plan.parents.iter().map(|one| one.code.clone()).collect();
            register::move_uses(write, &parents, plan.event.on, &self.uses).await?;
            return register::move_duties(write, event, plan.event.on, &plan.duties).await;
        }
        // The parcels stay, and so does what lies on them.
        register::write_down(write.connection(), event, &plan.duties).await
    }
}

impl Work<'_> {
    /// Reads what lies on the parents and says where it goes.
    pub(super) async fn weigh(&mut self, write: &mut Write) -> Result<Burden, StoreError> {
        let parents: Vec<String> = self.plan.parents.iter().map(|one| one.code.clone()).collect();
        let on = self.order.on;
        let connection = write.connection();
        let burdens = register::burdens(connection, &parents, on).await?;
        for (number, day) in register::later(connection, &parents, on).await? {
            let expected = "a day after the newest version of everything that lies on the parcel";
            self.refuse("later-duty", &number, "on", &format!("{on}; it changes on {day}"), expected);
        }
        for number in duty::unknown_discharges(&burdens, &self.order.discharges) {
            let expected = "the number of a contract, an obligation or a bond (contract/part) of these parcels, or all";
            self.refuse("unknown-duty", &number, "discharge", &number, expected);
        }
        let successors: Vec<Successor> =
            self.plan.children.iter().map(|one| Successor { code: one.code.clone(), area_m2: one.area_m2 }).collect();
        let children: Vec<(String, MultiPolygon<f64>)> =
            self.heirs.iter().map(|heir| (heir.child.code.clone(), heir.shape.clone())).collect();
        let laid: Vec<(&str, &MultiPolygon<f64>)> =
            children.iter().map(|(code, shape)| (code.as_str(), shape)).collect();
        let standing = register::buildings(connection, &parents, &laid).await?;
        let uses = register::uses(connection, &parents, on).await?;
        let ends = &self.order.discharges;
        self.plan.duties = match self.order.kind {
            Kind::Split | Kind::Retire => {
                let taken = register::taken_numbers(connection, &burdens, successors.len()).await?;
                duty::divide(&burdens, &successors, &taken, ends)
            }
            Kind::Merge => successors.first().map(|one| duty::carry(&burdens, &one.code, ends)).unwrap_or_default(),
            Kind::Adjust => self.unmoved(&burdens),
        };
        if self.order.kind == Kind::Retire {
            for number in duty::left_open(&burdens, ends) {
                let expected = "a ground: no parcel follows that could take it (--discharge NUMBER=GROUND)";
                self.refuse("open-duties", &number, "discharge", "", expected);
            }
        }
        let placed = self.place_buildings(&standing);
        let uses = self.share_uses(uses, &standing, &placed, &successors);
        let moves = |building: &&Standing| {
            building.is_named && placed.get(&building.code).is_some_and(|child| *child != building.parcel)
        };
        let buildings =
            standing.iter().filter(moves).map(|one| (one.code.clone(), placed[&one.code].clone())).collect();
        Ok(Burden { buildings, uses })
    }

    /// An adjustment leaves every contract where it is: what its land lost or won is for a supplementary contract to
    /// settle, and no sum is changed without one.
    fn unmoved(&mut self, burdens: &Burdens) -> Vec<Duty> {
        let holders = |code: &str| -> BTreeSet<Option<String>> {
            burdens.contracts.iter().filter(|one| one.parcel == code).map(|one| one.holder.clone()).collect()
        };
        for link in self.plan.links.clone().iter().filter(|link| link.parent != link.child) {
            if holders(&link.parent) != holders(&link.child) {
                let value = format!("{:.2} m2 from {} to {}", link.area_m2, link.parent, link.child);
                let expected = "a supplementary contract between the holders; targets and money stay as they are until there is one";
                self.warn("land-moves-between-holders", &link.child, "area_m2", &value, expected);
            }
        }
        if !self.order.discharges.is_empty() {
            self.refuse(
                "discharge-in-adjustment",
                "",
                "discharge",
                "",
                "nothing: an adjustment leaves every duty where it is",
            );
        }
        let mut duties = Vec::new();
        for parcel in &self.plan.parents {
            let contracts: Vec<_> = burdens.contracts.iter().filter(|one| one.parcel == parcel.code).cloned().collect();
            let own = |contract: &String| contracts.iter().any(|one| one.number == *contract);
            let burdens = Burdens {
                obligations: burdens.obligations.iter().filter(|one| own(&one.contract)).cloned().collect(),
                bonds: burdens.bonds.iter().filter(|one| own(&one.contract)).cloned().collect(),
                // Years stay with an obligation that keeps its number.
                years: Vec::new(),
                contracts,
            };
            duties.extend(duty::carry(&burdens, &parcel.code, &BTreeMap::new()));
        }
        duties
    }

    /// With which child each building is on record from now on.
    fn place_buildings(&mut self, standing: &[Standing]) -> BTreeMap<String, String> {
        let chosen = self.order.buildings.clone();
        let known: BTreeSet<&str> = standing.iter().map(|one| one.code.as_str()).collect();
        for (code, child) in &chosen {
            if !known.contains(code.as_str()) {
                self.refuse("unknown-building", code, "building", code, "a building on these parcels");
            }
            if self.plan.children.iter().all(|one| one.code != *child) {
                let codes: Vec<&str> = self.plan.children.iter().map(|one| one.code.as_str()).collect();
                let expected = format!("one of {}", codes.join(", "));
                self.refuse("unknown-child", code, "building", child, expected);
            }
        }
        let mut placed = BTreeMap::new();
        for building in standing {
            if self.order.kind == Kind::Retire {
                self.leave_behind(building);
                continue;
            }
            let only = (self.plan.children.len() == 1).then(|| (self.plan.children[0].code.clone(), None));
            let best = building.on.first().map(|(code, share)| (code.clone(), Some(*share)));
            let given = chosen.get(&building.code).map(|code| (code.clone(), None));
            let stays = (self.order.kind == Kind::Adjust).then(|| (building.parcel.clone(), None));
            let Some((child, share)) = given.or(only).or(best).or(stays) else {
                let value = if building.has_shape { "a shape on none of the children" } else { "no shape" };
                let expected = format!("a choice: --building {}=CODE", building.code);
                self.refuse("building-needs-place", &building.code, "building", value, expected);
                continue;
            };
            if let Some(share) = share.filter(|share| *share < 1.0 - self.tolerance) {
                let value = format!("{:.1} % on {child}", share * 100.0);
                let expected = "a building on one child; it is put on record with the one that holds most of it, and its floor area is shared by footprint";
                self.warn("building-straddles", &building.code, "building", &value, expected);
            }
            let whole =
                share.and_then(|share| Decimal::from_f64_retain(share.min(1.0))).map(|share| share.round_dp(FEN));
            self.plan.duties.push(Duty {
                thing: Thing::Building,
                from_parcel: building.parcel.clone(),
                from_number: building.code.clone(),
                to_parcel: Some(child.clone()),
                to_number: Some(building.code.clone()),
                treatment: Treatment::Copied,
                measure: whole.map(|_| "share_of_footprint"),
                year: None,
                whole,
                share: None,
                ground: None,
            });
            placed.insert(building.code.clone(), child);
        }
        placed
    }

    /// A building on a parcel that ends without successor: where it stands on no other, its floor area is nobody's from
    /// that day on, for the ground of the event.
    fn leave_behind(&mut self, building: &Standing) {
        if building.is_elsewhere {
            let expected = "a look: from now on it counts on the other parcels that it stands on";
            self.warn("building-remains", &building.code, "building", &building.parcel, expected);
            return;
        }
        let expected = "a look: it stays on record as a building of the retired parcel, discharged with it";
        self.warn("building-remains", &building.code, "building", &building.parcel, expected);
        self.plan.duties.push(Duty {
            thing: Thing::Building,
            from_parcel: building.parcel.clone(),
            from_number: building.code.clone(),
            to_parcel: None,
            to_number: None,
            treatment: Treatment::Discharged,
            measure: None,
            year: None,
            whole: None,
            share: None,
            ground: Some(self.plan.event.ground.clone()),
        });
    }

    /// What follows the occupancies of the parents: floor area shared by what stands on each child, or by land.
    fn share_uses(
        &mut self,
        uses: Vec<Use>,
        standing: &[Standing],
        placed: &BTreeMap<String, String>,
        successors: &[Successor],
    ) -> Vec<Use> {
        if self.order.kind == Kind::Adjust {
            return Vec::new();
        }
        let on = self.order.on;
        let mut following: BTreeMap<(String, String, String, chrono::NaiveDate), Use> = BTreeMap::new();
        for one in uses {
            if self.order.kind == Kind::Retire {
                if one.from_on >= on {
                    let expected = "an occupancy that began before the parcel ended";
                    self.refuse("later-occupancy", &one.parcel, "from_on", &one.number(), expected);
                }
                let ground = self.plan.event.ground.clone();
                self.record_use(&one, None, Treatment::Discharged, None, None, Some(ground));
                continue;
            }
            let floors: Vec<f64> =
                successors.iter().map(|child| floor_on(child, &one.parcel, standing, placed)).collect();
            let whole = Decimal::from_f64_retain(one.floor_area_m2).unwrap_or_default().round_dp(FEN);
            let parts = duty::share_floor(whole, &floors, successors);
            let shared = successors.len() > 1;
            for (child, part) in successors.iter().zip(parts) {
                let treatment = if shared { Treatment::Shared } else { Treatment::Copied };
                self.record_use(&one, Some(&child.code), treatment, Some(whole), shared.then_some(part), None);
                let floor_area_m2 = f64::try_from(part).unwrap_or(0.0);
                if floor_area_m2 <= 0.0 {
                    continue;
                }
                let next = Use {
                    parcel: child.code.clone(),
                    from_on: one.from_on.max(on),
                    floor_area_m2,
                    // A share of the enterprise's figures that someone stated is divided as the floor area is.
                    share: one.share.map(|share| share * (floor_area_m2 / one.floor_area_m2)),
                    ..one.clone()
                };
                let key = (next.parcel.clone(), next.enterprise.clone(), next.role.clone(), next.from_on);
                match following.get_mut(&key) {
                    // The same enterprise in the same right on two parents: it uses the sum of both.
                    Some(same)
                        if (same.to_on, same.tax_is_local, &same.share_reason)
                            == (next.to_on, next.tax_is_local, &next.share_reason) =>
                    {
                        same.floor_area_m2 += next.floor_area_m2;
                        same.share = same.share.zip(next.share).map(|(one, other)| (one + other).min(1.0));
                    }
                    Some(_) => {
                        let expected = "one end, one place of tax and one reason of a share for what becomes one occupancy; correct one of them first";
                        self.refuse("occupancies-differ", &one.parcel, "occupancy", &one.number(), expected);
                    }
                    None => {
                        following.insert(key, next);
                    }
                }
            }
        }
        following.into_values().collect()
    }

    fn record_use(
        &mut self,
        one: &Use,
        to: Option<&str>,
        treatment: Treatment,
        whole: Option<Decimal>,
        share: Option<Decimal>,
        ground: Option<String>,
    ) {
        let to_number = Use { from_on: one.from_on.max(self.order.on), ..one.clone() }.number();
        self.plan.duties.push(Duty {
            thing: Thing::Occupancy,
            from_parcel: one.parcel.clone(),
            from_number: one.number(),
            to_parcel: to.map(str::to_owned),
            to_number: to.map(|_| to_number),
            treatment,
            measure: whole.map(|_| "floor_area_m2"),
            year: None,
            whole,
            share,
            ground,
        });
    }
}

/// The floor area on a child of what stood on a parcel: by footprint, as the plot-ratio ledger counts it, or all of it
/// where the child was chosen.
fn floor_on(child: &Successor, parcel: &str, standing: &[Standing], placed: &BTreeMap<String, String>) -> f64 {
    let own = standing.iter().filter(|building| building.parcel == parcel);
    own.map(|building| {
        let share = match building.on.is_empty() {
            true => f64::from(u8::from(placed.get(&building.code) == Some(&child.code))),
            false => building.on.iter().filter(|(code, _)| *code == child.code).map(|(_, share)| share).sum(),
        };
        building.floor_area_m2 * share
    })
    .sum()
}
