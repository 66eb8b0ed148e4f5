//! The land of an event: the children's shapes and codes, and whether they are the parents' land again.

use super::{Drawn, Work};
use crate::domain::geometry;
use crate::domain::id::ParcelCode;
use crate::domain::intake::Shape;
use crate::domain::lineage::{Child, Kind, Link, propose_codes};
use crate::exchange::drawing::Lot;
use crate::store::StoreError;
use crate::store::lineage::{self as register, Heir};
use crate::store::write::Write;
use geo_types::{Coord, LineString, MultiLineString, MultiPolygon};
use std::collections::BTreeSet;

/// How far the ends of a cut are drawn out, degrees: some ten centimetres. A line that was drawn up to the boundary ends,
/// by rounding, as often before it as behind.
const REACH: f64 = 1e-6;

impl Work<'_> {
    /// Works out the children: their land, then their codes.
    pub(super) async fn lay_out(&mut self, write: &mut Write) -> Result<(), StoreError> {
        let lots = match self.order.kind {
            Kind::Split => self.pieces(write).await?,
            Kind::Merge => self.merged(write).await?,
            Kind::Adjust => std::mem::replace(&mut self.drawn, Drawn::Nothing).into_lots(),
            Kind::Retire => Vec::new(),
        };
        for (at, lot) in lots.iter().enumerate() {
            let mut faults = Vec::new();
            let key = lot.code.clone().unwrap_or_else(|| format!("lot {}", at + 1));
            if geometry::required_polygons(&Shape::Polygons(lot.shape.clone()), &mut faults).is_none() {
                let kind = self.order.kind.name();
                self.plan.findings.extend(faults.into_iter().map(|fault| fault.at(kind, None, Some(&key))));
            }
        }
        if !self.may_go_on() {
            return Ok(());
        }
        let shapes: Vec<&MultiPolygon<f64>> = lots.iter().map(|lot| &lot.shape).collect();
        let judged = register::judge_shapes(write.connection(), &shapes).await?;
        for (at, (reason, _)) in judged.iter().enumerate() {
            if let Some(reason) = reason {
                let key = lots[at].code.clone().unwrap_or_else(|| format!("lot {}", at + 1));
                self.refuse("geometry-invalid", &key, "geometry", reason, "a valid polygon");
            }
        }
        let codes = self.codes(write, &lots).await?;
        if !self.may_go_on() {
            return Ok(());
        }
        let largest =
            self.plan.parents.iter().reduce(|one, other| if other.area_m2 > one.area_m2 { other } else { one });
        let ratios: BTreeSet<Option<u64>> =
            self.plan.parents.iter().map(|one| one.plot_ratio_allowed.map(f64::to_bits)).collect();
        for ((lot, code), (_, place)) in lots.into_iter().zip(codes).zip(judged) {
            let own = self.plan.parents.iter().find(|one| one.code == code);
            let Some(model) = own.or(largest) else { continue };
            let child = Child {
                code,
                area_m2: geometry::area(&lot.shape).value(),
                registered_area_m2: lot.registered_area_m2,
                place,
            };
            // The plan conditions of merged parcels make one only where they say the same.
            let agrees = self.order.kind != Kind::Merge || ratios.len() == 1;
            let heir = Heir {
                child,
                shape: lot.shape,
                takes_after: model.code.clone(),
                plot_ratio_allowed: model.plot_ratio_allowed.filter(|_| agrees),
            };
            self.heirs.push(heir);
        }
        self.plan.children = self.heirs.iter().map(|heir| heir.child.clone()).collect();
        self.plan.area_out_m2 = self.plan.children.iter().fold(0.0, |sum, one| sum + one.area_m2);
        Ok(())
    }

    async fn pieces(&mut self, write: &mut Write) -> Result<Vec<Lot>, StoreError> {
        let Some(whole) = self.land.first().cloned() else { return Ok(Vec::new()) };
        let code = self.plan.parents[0].code.clone();
        match std::mem::replace(&mut self.drawn, Drawn::Nothing) {
            Drawn::Lots(lots) => Ok(lots),
            Drawn::Nothing => Ok(Vec::new()),
            Drawn::Cut(_) if whole.0.len() > 1 => {
                let parts = format!("{} parts", whole.0.len());
                let expected = "land in one part; draw the lots of this parcel and give them as --into";
                self.refuse("cut-of-several-parts", &code, "geometry", &parts, expected);
                Ok(Vec::new())
            }
            Drawn::Cut(line) => {
                let pieces = register::cut(write.connection(), &whole, &drawn_out(line)).await?;
                if pieces.len() < 2 {
                    let expected = "a line that crosses the parcel from boundary to boundary";
                    self.refuse("cut-does-not-divide", &code, "cut", "one piece", expected);
                }
                Ok(pieces.into_iter().map(|shape| Lot { code: None, registered_area_m2: None, shape }).collect())
            }
        }
    }

    async fn merged(&mut self, write: &mut Write) -> Result<Vec<Lot>, StoreError> {
        let shapes: Vec<&MultiPolygon<f64>> = self.land.iter().collect();
        let shape = register::union(write.connection(), &shapes, self.same_corner_m).await?;
        let parts: usize = shape.0.len();
        let most = self.land.iter().map(|one| one.0.len()).max().unwrap_or(1);
        if parts > most && !self.order.apart {
            let expected = "parcels that touch along a boundary; --apart merges what lies apart";
            let codes: Vec<&str> = self.plan.parents.iter().map(|one| one.code.as_str()).collect();
            self.refuse("not-adjacent", &codes.join(" "), "geometry", &format!("{parts} parts"), expected);
        }
        Ok(vec![Lot { code: None, registered_area_m2: None, shape }])
    }

    /// A code for every lot: given with the order or on the lot, or else proposed; well formed and used by nobody before.
    async fn codes(&mut self, write: &mut Write, lots: &[Lot]) -> Result<Vec<String>, StoreError> {
        if self.order.kind == Kind::Adjust {
            // The parcels stay what they are; `named` has read the codes already.
            let read = |lot: &Lot| lot.code.as_deref().and_then(|code| ParcelCode::parse(code).ok());
            return Ok(lots.iter().filter_map(read).map(|code| code.as_str().to_owned()).collect());
        }
        let given = self.order.codes.clone();
        if !given.is_empty() && given.len() != lots.len() {
            let expected = format!("{}, one for each new parcel, from west to east or as drawn", lots.len());
            self.refuse("code-count", "", "codes", &given.len().to_string(), expected);
            return Ok(Vec::new());
        }
        let wanted = |at: usize| given.get(at).cloned().or_else(|| lots[at].code.clone());
        let missing = (0..lots.len()).filter(|at| wanted(*at).is_none()).count();
        let mut proposed = self.proposals(write, missing).await?.into_iter();
        let mut codes: Vec<String> = Vec::new();
        for at in 0..lots.len() {
            let code = match wanted(at) {
                None => proposed.next().map(|code| code.as_str().to_owned()),
                Some(text) => match ParcelCode::parse(&text) {
                    Ok(code) => Some(code.as_str().to_owned()),
                    Err(error) => {
                        self.refuse("bad-parcel-code", &text, "parcel_code", &text, error.to_string());
                        None
                    }
                },
            };
            match code {
                Some(code) if codes.contains(&code) => {
                    self.refuse("repeated-parcel", &code, "parcel_code", &code, "another code for each child");
                }
                Some(code) => codes.push(code),
                None => {}
            }
        }
        for code in register::codes_in_use(write.connection(), &codes).await? {
            let expected = "a code that no parcel has or had: a code is never used again";
            self.refuse("code-used", &code, "parcel_code", &code, expected);
        }
        Ok(codes)
    }

    async fn proposals(&mut self, write: &mut Write, count: usize) -> Result<Vec<ParcelCode>, StoreError> {
        let first = self.plan.parents.first().and_then(|one| ParcelCode::parse(&one.code).ok());
        let (Some(model), true) = (first, count > 0) else { return Ok(Vec::new()) };
        let stem = model.parcel()[..14].to_owned();
        let highest = register::highest_serial(write.connection(), &stem).await?;
        let Some(codes) = propose_codes(&model, highest, count) else {
            self.refuse(
                "no-free-serial",
                model.as_str(),
                "codes",
                &stem,
                "codes given with --codes: this sub-district has no free serial after the highest",
            );
            return Ok(Vec::new());
        };
        Ok(codes)
    }

    /// Lays the children over the parents and asks the domain.
    pub(super) async fn judge(&mut self, write: &mut Write) -> Result<(), StoreError> {
        if self.order.kind == Kind::Retire {
            return Ok(());
        }
        let parents: Vec<(&str, &MultiPolygon<f64>)> =
            self.plan.parents.iter().map(|one| one.code.as_str()).zip(&self.land).collect();
        let children: Vec<(&str, &MultiPolygon<f64>)> =
            self.heirs.iter().map(|heir| (heir.child.code.as_str(), &heir.shape)).collect();
        let overlay = register::overlay(write.connection(), &parents, &children).await?;
        let found = self.plan.event.check_children(&self.plan.parents, &self.plan.children, &overlay, self.tolerance);
        self.plan.findings.extend(found);
        let most = self.tolerance * self.plan.area_in_m2;
        self.plan.links = substantial(overlay.links, most);
        Ok(())
    }
}

impl Drawn {
    fn into_lots(self) -> Vec<Lot> {
        match self {
            Self::Lots(lots) => lots,
            _ => Vec::new(),
        }
    }
}

/// The links that are more than a fault of measuring; the largest of each parcel is kept, however small the parcel.
fn substantial(links: Vec<Link>, most: f64) -> Vec<Link> {
    let is_largest = |link: &Link| {
        let rivals = |of: fn(&Link) -> &str| {
            links.iter().filter(move |one| of(one) == of(link)).all(|one| one.area_m2 <= link.area_m2)
        };
        rivals(|one| &one.parent) || rivals(|one| &one.child)
    };
    let keep: Vec<bool> = links.iter().map(|link| link.area_m2 > most || is_largest(link)).collect();
    links.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(link, _)| link).collect()
}

/// The line with its two ends drawn out.
fn drawn_out(line: MultiLineString<f64>) -> MultiLineString<f64> {
    let longer = |LineString(mut points): LineString<f64>| {
        let beyond = |end: Coord<f64>, before: Coord<f64>| {
            let (x, y) = (end.x - before.x, end.y - before.y);
            let length = x.hypot(y);
            if length > 0.0 { Coord { x: end.x + x / length * REACH, y: end.y + y / length * REACH } } else { end }
        };
        if let [first, second, ..] = points[..] {
            points[0] = beyond(first, second);
        }
        if let [.., before, last] = points[..] {
            let end = points.len() - 1;
            points[end] = beyond(last, before);
        }
        LineString(points)
    };
    MultiLineString(line.0.into_iter().map(longer).collect())
}
