//! What is particular to an import of a reference layer: its files are the whole of it, so what they no longer have is
//! closed, and what could not be read must not look as if it were gone.

use super::rows::Taken;
use super::{ImportError, Order};
use crate::domain::finding::{Fault, Finding};
use crate::domain::reference::{KeyedBy, Schema};
use crate::store::reference::{self, Arriving, Layer};
use crate::store::stage::Staging;
use crate::store::write::Write;

/// Says which layer the staged rows are of. A finding refuses all of them.
pub(super) async fn arrive(
    write: &mut Write,
    order: &Order,
    staging: &mut Staging,
    taken: &mut Taken,
) -> Result<Option<Finding>, ImportError> {
    let Some(name) = order.name.clone() else { return Ok(None) };
    let schema = taken.layer.take().unwrap_or_default();
    let known = reference::find(write.connection(), &name).await?;
    let finding = known.and_then(|known| partial(&known, &schema, taken));
    let refused = std::mem::take(&mut taken.refused_keys);
    staging.of_layer(Arriving { name, source: taken.names.join(", "), schema, refused });
    let file = taken.files.first().map_or("", String::as_str);
    Ok(finding.map(|fault| fault.at(file, None, None)))
}

/// Why files do not stand for the whole of a layer that is on record. A refused feature keeps what is on record of it where
/// its key says which that is, and where its properties still hold the same.
fn partial(known: &Layer, schema: &Schema, taken: &Taken) -> Option<Fault> {
    if known.features == 0 {
        return None;
    }
    if taken.read == 0 {
        let expected = "a file with features: it stands for the whole layer. landcycle layer drop takes a layer away";
        return Some(Fault::error("layer-emptied", None, Some("no feature"), expected));
    }
    let value = || format!("{} of {} features were refused", taken.refused, taken.read);
    let changed = known
        .properties
        .iter()
        .find(|old| schema.properties.iter().any(|new| new.name == old.name && new.kind.with(old.kind).is_none()));
    if taken.refused == 0 {
        None
    } else if schema.keyed_by == KeyedBy::Content || schema.keyed_by != known.keyed_by {
        let expected = "a file without such features, or --key with a field that tells its features from one another as on \
                        record; else nobody knows which feature on record a refused one is, and it would be taken as gone";
        Some(Fault::error("layer-in-part", None, Some(&value()), expected))
    } else {
        changed.map(|property| {
            let expected = format!(
                "a file without such features: {} holds something else than before, and the refused ones would keep what \
                 it held",
                property.name
            );
            Fault::error("layer-in-part", None, Some(&value()), expected)
        })
    }
}

/// What to say where features of the layer were closed because the files do not have them any more.
pub(super) async fn gone(write: &mut Write, order: &Order, files: &[String]) -> Result<Option<Finding>, ImportError> {
    let Some(name) = &order.name else { return Ok(None) };
    let gone = reference::gone(write, name).await?;
    if gone == 0 {
        return Ok(None);
    }
    let expected =
        "features that the files have, which stand for the whole layer; these are kept for earlier times only";
    let fault = Fault::error("features-gone", None, Some(&format!("{gone} features")), expected).as_warning();
    let mut finding = fault.at(files.first().map_or("", String::as_str), None, None);
    finding.facts.insert("features".into(), gone.into());
    Ok(Some(finding))
}
