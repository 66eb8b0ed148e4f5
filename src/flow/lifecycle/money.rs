//! What a deed costs or gives back: the contract is looked at as it is law on the day of the deed, by what is believed now.

use super::LifecycleError;
use crate::domain::contract::bond::BondPart;
use crate::domain::contract::is_leased;
use crate::domain::contract::tracks::{Limits, RefundInput, Site, Step};
use crate::domain::lifecycle::money::{Effect, Holding, is_reckoned, reckon, with_stated};
use crate::domain::lifecycle::{Deed, State};
use crate::domain::moment::Moment;
use crate::flow::rules;
use crate::store::{clock, contract};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;

/// The money of a deed that is done from a state, with what its document states.
pub(super) async fn of(
    connection: &mut PgConnection,
    from: &State,
    deed: &Deed,
    on: NaiveDate,
    stated: &[Effect],
) -> Result<Vec<Effect>, LifecycleError> {
    let mut reckoned = Vec::new();
    if is_reckoned(from, deed) {
        let limits = Limits::in_force(rules::rulebook()?, on);
        let held = holding(connection, from, &limits, on).await?;
        reckoned = reckon(from, deed, &limits, &held);
    }
    Ok(with_stated(reckoned, stated, deed, on)?)
}

/// What the register holds of the contract on which the state rests; nothing where it is not law on the day.
async fn holding(
    connection: &mut PgConnection,
    from: &State,
    limits: &Limits,
    on: NaiveDate,
) -> Result<Holding, LifecycleError> {
    let moment = Moment { valid_at: on, known_at: None };
    let Some(number) = from.contract() else { return Ok(Holding::default()) };
    let Some(terms) = contract::terms(connection, &number, &moment).await? else { return Ok(Holding::default()) };
    let watched = clock::read(connection, &moment, Some(std::slice::from_ref(&terms.parcel))).await?;
    let watched = watched.iter().find(|one| one.number == number);
    let soon = rules::rulebook()?.soon(on);
    let clocks = match watched {
        Some(watched) => watched.clocks(rules::calendar()?, on, soon),
        None => Vec::new(),
    };
    let steps: Vec<Step> = clocks.iter().filter_map(|(held, clock)| held.step(clock)).collect();
    let bonds = watched.map(|watched| watched.bonds.as_slice()).unwrap_or_default();
    let refund = terms.price_wan_yuan.zip(terms.deposit_wan_yuan).zip(terms.term_ends_on);
    let refund = refund.map(|((price_wan_yuan, deposit_wan_yuan), ends_on)| RefundInput {
        price_wan_yuan,
        deposit_wan_yuan,
        // The price of a grant is for its own days, and not for those of the lease before it.
        starts_on: terms.granted_from.unwrap_or(terms.term_starts_on),
        ends_on,
    });
    let open: Vec<(BondPart, Option<Decimal>)> =
        bonds.iter().filter(|bond| !bond.is_settled(on)).map(|bond| (bond.part, bond.amount_wan_yuan)).collect();
    Ok(Holding {
        price_wan_yuan: terms.price_wan_yuan,
        deposit_wan_yuan: terms.deposit_wan_yuan,
        terms: refund,
        leased: is_leased(&terms.kind, terms.granted_from.is_some()),
        tracks: bonds.iter().map(|bond| bond.track(limits)).collect(),
        bonds: open,
        excused: Site::of(&steps, false, None).excused,
    })
}
