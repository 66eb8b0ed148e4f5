//! Polygons to and from PostGIS: EWKB on the way in, plain WKB on the way out.

use geo_types::{Coord, LineString, MultiPolygon, Polygon};

/// EPSG:4490, CGCS2000 in longitude and latitude.
pub(super) const SRID: u32 = 4490;
const WKB_POLYGON: u32 = 3;
const WKB_MULTI_POLYGON: u32 = 6;
const EWKB_HAS_SRID: u32 = 0x2000_0000;

/// Appends a shape as EWKB.
pub fn push_ewkb(out: &mut Vec<u8>, shape: &MultiPolygon<f64>) {
    push_header(out, WKB_MULTI_POLYGON | EWKB_HAS_SRID);
    out.extend_from_slice(&SRID.to_le_bytes());
    push_count(out, shape.0.len());
    for polygon in &shape.0 {
        push_header(out, WKB_POLYGON);
        push_count(out, 1 + polygon.interiors().len());
        push_ring(out, polygon.exterior());
        for ring in polygon.interiors() {
            push_ring(out, ring);
        }
    }
}

/// A shape as hex EWKB, for a query's parameter.
pub fn to_hex(shape: &MultiPolygon<f64>) -> String {
    let mut ewkb = Vec::new();
    push_ewkb(&mut ewkb, shape);
    hex::encode(ewkb)
}

fn push_header(out: &mut Vec<u8>, kind: u32) {
    out.push(1); // little endian
    out.extend_from_slice(&kind.to_le_bytes());
}

fn push_count(out: &mut Vec<u8>, count: usize) {
    // WKB counts in 32 bits; a shape of four billion parts does not fit into memory.
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

fn push_ring(out: &mut Vec<u8>, ring: &LineString<f64>) {
    push_count(out, ring.0.len());
    for point in &ring.0 {
        out.extend_from_slice(&point.x.to_le_bytes());
        out.extend_from_slice(&point.y.to_le_bytes());
    }
}

/// Reads the WKB (little endian, two dimensions) of a polygon or multipolygon; nothing if it is anything else.
pub fn from_wkb(bytes: &[u8]) -> Option<MultiPolygon<f64>> {
    let mut reader = Reader { bytes };
    match reader.header()? {
        WKB_POLYGON => Some(MultiPolygon(vec![reader.polygon()?])),
        WKB_MULTI_POLYGON => {
            let count = reader.count()?;
            let mut polygons = Vec::new();
            for _ in 0..count {
                if reader.header()? != WKB_POLYGON {
                    return None;
                }
                polygons.push(reader.polygon()?);
            }
            Some(MultiPolygon(polygons))
        }
        _ => None,
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.bytes.split_first_chunk::<N>()?;
        self.bytes = tail;
        Some(*head)
    }

    fn count(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn header(&mut self) -> Option<u32> {
        let [1] = self.take()? else { return None };
        let kind = self.count()?;
        if kind & EWKB_HAS_SRID != 0 {
            self.count()?;
        }
        Some(kind & !EWKB_HAS_SRID)
    }

    fn polygon(&mut self) -> Option<Polygon<f64>> {
        let rings = self.count()?;
        let mut read = Vec::new();
        for _ in 0..rings {
            read.push(self.ring()?);
        }
        if read.is_empty() {
            return Some(Polygon::new(LineString(vec![]), vec![]));
        }
        let exterior = read.remove(0);
        Some(Polygon::new(exterior, read))
    }

    fn ring(&mut self) -> Option<LineString<f64>> {
        let points = self.count()?;
        let mut ring = Vec::new();
        for _ in 0..points {
            let x = f64::from_le_bytes(self.take()?);
            let y = f64::from_le_bytes(self.take()?);
            ring.push(Coord { x, y });
        }
        Some(LineString(ring))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn polygon() -> impl Strategy<Value = Polygon<f64>> {
        let ring = proptest::collection::vec((-180.0..180.0, -90.0..90.0), 3..9)
            .prop_map(|points| LineString::from(points.into_iter().map(|(x, y)| Coord { x, y }).collect::<Vec<_>>()));
        (ring.clone(), proptest::collection::vec(ring, 0..3)).prop_map(|(outer, holes)| Polygon::new(outer, holes))
    }

    proptest! {
        #[test]
        fn a_shape_comes_back_from_its_own_bytes_unchanged(polygons in proptest::collection::vec(polygon(), 0..4)) {
            let shape = MultiPolygon(polygons);
            let mut bytes = Vec::new();
            push_ewkb(&mut bytes, &shape);
            prop_assert_eq!(from_wkb(&bytes), Some(shape));
        }

        #[test]
        fn bytes_cut_short_or_of_another_kind_are_no_shape(cut in 0usize..80, bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let square = Polygon::new(LineString::from(vec![(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0)]), vec![]);
            let mut whole = Vec::new();
            push_ewkb(&mut whole, &MultiPolygon(vec![square]));
            prop_assert_eq!(from_wkb(&whole[..cut]), None);
            // Hostile bytes end in an answer, never in a panic.
            let _ = from_wkb(&bytes);
        }
    }
}
