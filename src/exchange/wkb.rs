//! Well-known binary as GDAL writes it (ISO, little-endian): its types, and the bytes in their order. It builds nothing.

pub(super) const POINT: u32 = 1;
pub(super) const LINE: u32 = 2;
pub(super) const POLYGON: u32 = 3;
pub(super) const MULTI_POINT: u32 = 4;
pub(super) const MULTI_LINE: u32 = 5;
pub(super) const MULTI_POLYGON: u32 = 6;
pub(super) const COLLECTION: u32 = 7;
pub(super) const ARCS: u32 = 8;
pub(super) const COMPOUND_CURVE: u32 = 9;
pub(super) const CURVE_POLYGON: u32 = 10;
pub(super) const MULTI_CURVE: u32 = 11;
pub(super) const MULTI_SURFACE: u32 = 12;

/// What a type is called.
pub(super) fn name(kind: u32) -> String {
    match kind {
        1 => "Point".to_owned(),
        2 => "LineString".to_owned(),
        4 => "MultiPoint".to_owned(),
        5 => "MultiLineString".to_owned(),
        7 => "GeometryCollection".to_owned(),
        8 => "CircularString".to_owned(),
        9 => "CompoundCurve".to_owned(),
        10 => "CurvePolygon".to_owned(),
        3 => "Polygon".to_owned(),
        6 => "MultiPolygon".to_owned(),
        11 => "MultiCurve".to_owned(),
        12 => "MultiSurface".to_owned(),
        15 => "PolyhedralSurface".to_owned(),
        16 => "TIN".to_owned(),
        17 => "Triangle".to_owned(),
        other => format!("geometry type {other}"),
    }
}

/// The bytes end before the geometry does, or are of a kind that GDAL does not write.
pub(super) struct Broken;

/// Bytes on their way through a reader.
pub(super) struct Wkb<'a> {
    rest: &'a [u8],
}

impl<'a> Wkb<'a> {
    /// Begins at the front.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Broken)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// What comes next: its type without Z and M, and how many numbers a point of it has.
    pub fn kind(&mut self) -> Result<(u32, usize), Broken> {
        match self.take::<1>()? {
            [1] => {
                let code = u32::from_le_bytes(self.take()?);
                Ok((code % 1000, [2, 3, 3, 4][code as usize / 1000 % 4]))
            }
            _ => Err(Broken),
        }
    }

    /// How many parts or points follow.
    pub fn count(&mut self) -> Result<usize, Broken> {
        usize::try_from(u32::from_le_bytes(self.take()?)).map_err(|_| Broken)
    }

    /// A coordinate.
    pub fn number(&mut self) -> Result<f64, Broken> {
        self.take().map(f64::from_le_bytes)
    }

    /// Passes over what nobody wants.
    pub fn skip(&mut self, bytes: usize) -> Result<(), Broken> {
        self.rest = self.rest.get(bytes..).ok_or(Broken)?;
        Ok(())
    }
}
