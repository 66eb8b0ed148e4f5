//! The lives of the parcels of an event: parents are succeeded or retired, and children are found in the state in which their land
//! was. The document of the event is the document of both.

use super::Work;
use crate::domain::lifecycle::rule::Rule;
use crate::domain::lifecycle::{Act, Deed, State};
use crate::domain::lineage::duty::{Duty, Thing};
use crate::domain::lineage::{Event, Kind, Plan};
use crate::domain::moment::Moment;
use crate::store::StoreError;
use crate::store::lifecycle::{self, Step};
use crate::store::write::Write;
use chrono::NaiveDate;

/// What is to be written of the parcels' lives.
#[derive(Default)]
pub(super) struct Lives {
    /// Parents with the state that they leave, and since when they are in it.
    left: Vec<(String, State, NaiveDate)>,
    /// Children with the state that they begin in.
    found: Vec<(String, State)>,
}

impl Lives {
    /// Ends the lives of the parents and begins those of the children.
    pub(super) async fn apply(self, write: &mut Write, event: i64, plan: &Plan) -> Result<(), StoreError> {
        // What an event of land costs is settled by what it divides, not by its parcels' lives.
        let step = |parcel, state, deed: &str, rule| Step {
            parcel,
            since: plan.event.on,
            until: None,
            state,
            deed: deed.to_owned(),
            document: plan.event.document.clone(),
            rule,
            money: Vec::new(),
        };
        for (code, state, since) in self.left {
            // It was tried when the event was planned.
            let act = end(&plan.event, event.to_string());
            let deed = act.deed.clone();
            let Ok(next) = state.clone().make(since, act) else { continue };
            if let Some(id) = lifecycle::parcel_id(write.connection(), &code).await? {
                let rule = Rule::without_values(&state, &deed, &next);
                lifecycle::begin(write, &step(id, next, deed.name(), rule)).await?;
            }
        }
        for (code, state) in self.found {
            if let Some(id) = lifecycle::parcel_id(write.connection(), &code).await? {
                lifecycle::begin(write, &step(id, state, "found", Rule::found())).await?;
            }
        }
        Ok(())
    }
}

/// What an event does to the lives of its parents.
fn end(event: &Event, number: String) -> Act {
    let deed = match event.kind {
        Kind::Retire => Deed::Retire { event: number },
        _ => Deed::Succeed { event: number },
    };
    Act { on: event.on, document: event.document.clone(), deed }
}

impl Work<'_> {
    /// Reads the states of the parents and says what follows them. A parcel without a state on record has none to leave.
    pub(super) async fn succeed(&mut self, write: &mut Write) -> Result<Lives, StoreError> {
        let mut lives = Lives::default();
        if self.order.kind == Kind::Adjust {
            return Ok(lives);
        }
        let mut without = 0;
        for code in self.plan.parents.iter().map(|one| one.code.clone()).collect::<Vec<_>>() {
            let moment = Moment { valid_at: NaiveDate::MAX, known_at: None };
            let newest = lifecycle::life(write.connection(), &code, &moment).await?.pop();
            let Some(stay) = newest.filter(|stay| !stay.state.is_end()) else {
                without += 1;
                continue;
            };
            match stay.state.clone().make(stay.from, end(&self.plan.event, "planned".to_owned())) {
                Ok(_) => lives.left.push((code, stay.state, stay.from)),
                Err(error) => self.refuse("state-refuses", &code, "on", &self.order.on.to_string(), error.to_string()),
            }
        }
        let Some((_, first, _)) = lives.left.first().cloned() else { return Ok(lives) };
        if self.order.kind == Kind::Retire {
            return Ok(lives);
        }
        if without > 0 || lives.left.iter().any(|(_, state, _)| *state != first) {
            let names: Vec<&str> = lives.left.iter().map(|(_, state, _)| state.name()).collect();
            let expected = "one state of all parents; record the child's own (landcycle lifecycle found)";
            self.warn("states-differ", "", "state", &names.join(" "), expected);
            return Ok(lives);
        }
        lives.found = self
            .plan
            .children
            .iter()
            .map(|child| (child.code.clone(), self.under_new_number(&first, &child.code)))
            .collect();
        Ok(lives)
    }

    /// The state with the number that its contract has on the child.
    fn under_new_number(&self, state: &State, child: &str) -> State {
        let Ok(mut facts) = serde_json::to_value(state) else { return state.clone() };
        let to = facts.get("contract").and_then(|number| number.as_str()).and_then(|number| {
            let is_it = |one: &&Duty| {
                one.thing == Thing::Contract && one.from_number == number && one.to_parcel.as_deref() == Some(child)
            };
            self.plan.duties.iter().find(is_it).and_then(|one| one.to_number.clone())
        });
        let Some(to) = to else { return state.clone() };
        facts["contract"] = to.into();
        serde_json::from_value(facts).unwrap_or_else(|_| state.clone())
    }
}
