//! Shapes in a filter: well-known text of every kind and boxes, read from tokens, and what makes a shape sound. Heights are
//! read and left out, since relations are those of the plane.

use super::read::Reader;
use super::token::Token;
use super::tree::Shape;
use super::{FilterError, MAX_VERTICES, Place, build::refuse};
use geo::Validation as _;
use geo_types::{
    Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon, Rect,
    coord,
};

const NAMES: [&str; 8] =
    ["point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "bbox"];

/// Whether a word begins a shape.
pub(super) fn is_name(word: &str) -> bool {
    NAMES.iter().any(|name| word.eq_ignore_ascii_case(name))
}

/// Reads what stands behind the name of a shape.
pub(super) fn read(reader: &mut Reader<'_>, name: &str) -> Result<Shape, FilterError> {
    let place = reader.place();
    if name.eq_ignore_ascii_case("bbox") {
        let numbers = brackets(reader, number)?;
        return boxed(&numbers, &place);
    }
    let geometry = tagged(reader, name)?;
    sound(&geometry, &place)?;
    Ok(Shape { geometry, bbox: None })
}

fn tagged(reader: &mut Reader<'_>, name: &str) -> Result<Geometry<f64>, FilterError> {
    reader.take_word("z");
    Ok(match name.to_ascii_lowercase().as_str() {
        "point" => {
            reader.need_sign("(")?;
            let point = Point(vertex(reader)?);
            reader.need_sign(")")?;
            Geometry::Point(point)
        }
        "linestring" => Geometry::LineString(line(reader)?),
        "polygon" => Geometry::Polygon(polygon(reader)?),
        "multipoint" => Geometry::MultiPoint(MultiPoint(brackets(reader, |reader| {
            let bracket = reader.take_sign("(");
            let point = Point(vertex(reader)?);
            if bracket {
                reader.need_sign(")")?;
            }
            Ok(point)
        })?)),
        "multilinestring" => Geometry::MultiLineString(MultiLineString(brackets(reader, line)?)),
        "multipolygon" => Geometry::MultiPolygon(MultiPolygon(brackets(reader, polygon)?)),
        _ => {
            Geometry::GeometryCollection(GeometryCollection(brackets(reader, |reader| match reader.peek().clone() {
                Token::Word(word) if is_name(&word) && !word.eq_ignore_ascii_case("bbox") => {
                    reader.step();
                    reader.deeper(|reader| tagged(reader, &word))
                }
                _ => Err(reader.refuse("a shape, such as POINT(121.5 31.2)")),
            })?))
        }
    })
}

/// One or more things between brackets, with commas.
fn brackets<T>(
    reader: &mut Reader<'_>,
    next: impl Fn(&mut Reader<'_>) -> Result<T, FilterError>,
) -> Result<Vec<T>, FilterError> {
    reader.need_sign("(")?;
    let mut all = vec![next(reader)?];
    while reader.take_sign(",") {
        all.push(next(reader)?);
    }
    reader.need_sign(")")?;
    Ok(all)
}

fn line(reader: &mut Reader<'_>) -> Result<LineString<f64>, FilterError> {
    brackets(reader, vertex).map(LineString)
}

fn polygon(reader: &mut Reader<'_>) -> Result<Polygon<f64>, FilterError> {
    let place = reader.place();
    polygon_of(brackets(reader, line)?, &place)
}

pub(super) fn polygon_of(mut rings: Vec<LineString<f64>>, place: &Place) -> Result<Polygon<f64>, FilterError> {
    if rings.iter().any(|ring| ring.0.len() < 4 || ring.0.first() != ring.0.last()) {
        return refuse(place, "a ring that is not closed", "four or more points, the last of them the first");
    }
    let inner = rings.split_off(1);
    Ok(Polygon::new(rings.remove(0), inner))
}

fn number(reader: &mut Reader<'_>) -> Result<f64, FilterError> {
    let minus = reader.take_sign("-");
    if !minus {
        reader.take_sign("+");
    }
    let Token::Number(number) = *reader.peek() else {
        return Err(reader.refuse("a number"));
    };
    reader.step();
    Ok(if minus { -number } else { number })
}

fn vertex(reader: &mut Reader<'_>) -> Result<Coord<f64>, FilterError> {
    reader.vertices += 1;
    if reader.vertices > MAX_VERTICES {
        return refuse(&reader.place(), "one point more", format!("at most {MAX_VERTICES} points in all shapes"));
    }
    let (x, y) = (number(reader)?, number(reader)?);
    // A height is of no account.
    if !reader.is_sign(",") && !reader.is_sign(")") {
        number(reader)?;
    }
    Ok(coord! { x: x, y: y })
}

/// West, south, east and north, with or without heights. What is west of its east end goes around the back of the world.
pub(super) fn boxed(numbers: &[f64], place: &Place) -> Result<Shape, FilterError> {
    let [west, south, east, north] = match *numbers {
        [west, south, east, north] | [west, south, _, east, north, _] => [west, south, east, north],
        _ => {
            let found = format!("{} numbers", numbers.len());
            return refuse(place, found, "west, south, east and north, such as BBOX(121.4,31.1,121.6,31.3)");
        }
    };
    if south > north {
        return refuse(place, "a south above the north", "west, south, east and north in this order");
    }
    let flat =
        |west: f64, east: f64| Rect::new(coord! { x: west, y: south }, coord! { x: east, y: north }).to_polygon();
    let geometry = if west > east {
        if west > 180.0 || east < -180.0 {
            return refuse(place, "a west beyond the east", "west, south, east and north in this order");
        }
        Geometry::MultiPolygon(MultiPolygon(vec![flat(west, 180.0), flat(-180.0, east)]))
    } else if west == east && south == north {
        Geometry::Point(Point::new(west, south))
    } else if west == east || south == north {
        Geometry::LineString(LineString::from(vec![(west, south), (east, north)]))
    } else {
        Geometry::Polygon(flat(west, east))
    };
    sound(&geometry, place)?;
    Ok(Shape { geometry, bbox: Some([west, south, east, north]) })
}

pub(super) fn sound(geometry: &Geometry<f64>, place: &Place) -> Result<(), FilterError> {
    match geometry.check_validation() {
        Ok(()) => Ok(()),
        Err(fault) => refuse(place, format!("a shape that is not valid ({fault})"), "a valid shape"),
    }
}
