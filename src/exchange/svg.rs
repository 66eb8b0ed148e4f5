//! A picture of land among the layers of the plan, as SVG: small, without script, and legible in black and white, because
//! it is printed into files. It knows strokes and patterns, and nothing of what makes a tier.

use super::write::{Staging, WriteError};
use crate::domain::geometry::metres_per_degree;
use geo::{Area as _, BoundingRect as _, InteriorPoint as _};
use geo_types::{MultiPolygon, Rect, coord};
use std::fmt::Write as _;
use std::path::Path;

/// How an area of the plan is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Style {
    /// A community: dots.
    Community,
    /// A base that is not locked: a plain tone.
    Base,
    /// A locked base: hatched.
    LockedBase,
    /// A legacy area: an outline of dashes and dots.
    Legacy,
    /// A planning unit: a dashed outline.
    PlanUnit,
}

impl Style {
    const ALL: [Self; 5] = [Self::Community, Self::Base, Self::LockedBase, Self::Legacy, Self::PlanUnit];

    /// What the legend calls it.
    fn words(self) -> [&'static str; 2] {
        match self {
            Self::Community => ["产业社区", "community"],
            Self::Base => ["产业基地（未锁定）", "base, not locked"],
            Self::LockedBase => ["产业基地（锁定）", "base, locked"],
            Self::Legacy => ["104、195、198 区域", "legacy area"],
            Self::PlanUnit => ["规划单元", "planning unit"],
        }
    }

    /// Its strokes and fills, one path for each.
    fn strokes(self) -> &'static [&'static str] {
        match self {
            Self::Community => &[r##"fill="#fdf3e1""##, r##"fill="url(#dots)" stroke="#8a5a14" stroke-width="1.2""##],
            Self::Base => &[r##"fill="#dde8f4" stroke="#1d4f82" stroke-width="1.6""##],
            Self::LockedBase => &[r##"fill="#dde8f4""##, r##"fill="url(#hatch)" stroke="#1d4f82" stroke-width="2""##],
            Self::Legacy => &[r##"fill="none" stroke="#444" stroke-width="1.2" stroke-dasharray="10 3 2 3""##],
            Self::PlanUnit => &[r##"fill="none" stroke="#22663a" stroke-width="1.4" stroke-dasharray="5 3""##],
        }
    }
}

/// An area of the plan, as much of it as is in view.
#[derive(Debug, Clone)]
pub struct Area {
    /// How it is drawn.
    pub style: Style,
    /// What stands on it where there is room.
    pub label: String,
    /// What stands on it where there is little.
    pub code: String,
    /// Its land in longitude and latitude.
    pub shape: MultiPolygon<f64>,
}

/// What is drawn. Words come in Chinese and English, line by line.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The head line.
    pub title: String,
    /// Below it: of which day and revision, and whose data.
    pub moment: String,
    /// What is in view: west, south, east, north.
    pub view: [f64; 4],
    /// The layers.
    pub areas: Vec<Area>,
    /// The land that is asked about, where it has an area.
    pub land: Option<MultiPolygon<f64>>,
    /// The place that is asked about, where it has none.
    pub point: Option<[f64; 2]>,
    /// The figures beside the map: words, number and, for parts of the land, per cent.
    pub figures: Vec<[String; 3]>,
    /// What someone must know before relying on them.
    pub remarks: Vec<String>,
}

/// The sheet and the map on it, in the units of the picture.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 660.0;
const MAP: [f64; 4] = [20.0, 74.0, 640.0, 620.0];
/// Where the column beside the map begins.
const COLUMN: f64 = 660.0;
/// How many units of this width fit beside the map.
const LINE: f64 = 280.0;

/// Around a place the view reaches so far at least, m.
const LEAST_REACH_M: f64 = 150.0;

/// What is in view around a box of land: as wide and high as the map is, the land well inside.
pub fn view_around([west, south, east, north]: [f64; 4]) -> [f64; 4] {
    let middle = [(west + east) / 2.0, (south + north) / 2.0];
    let metres = metres_per_degree(middle[1]);
    let half = |degrees: f64, metres: f64| (degrees / 2.0 * metres * 1.6).max(LEAST_REACH_M);
    let (mut across, mut along) = (half(east - west, metres[0]), half(north - south, metres[1]));
    let shape = (MAP[2] - MAP[0]) / (MAP[3] - MAP[1]);
    across = across.max(along * shape);
    along = along.max(across / shape);
    let [x, y] = [across / metres[0], along / metres[1]];
    [middle[0] - x, (middle[1] - y).max(-90.0), middle[0] + x, (middle[1] + y).min(90.0)]
}

/// From degrees to places on the sheet.
struct Frame {
    west: f64,
    north: f64,
    per_degree: [f64; 2],
    metres_per_unit: f64,
}

impl Frame {
    fn of([west, south, east, north]: [f64; 4]) -> Self {
        let [across, along] = metres_per_degree((south + north) / 2.0);
        let metres_per_unit =
            ((east - west) * across / (MAP[2] - MAP[0])).max((north - south) * along / (MAP[3] - MAP[1]));
        let metres_per_unit = metres_per_unit.max(f64::MIN_POSITIVE);
        Self { west, north, per_degree: [across / metres_per_unit, along / metres_per_unit], metres_per_unit }
    }

    fn place(&self, x: f64, y: f64) -> [f64; 2] {
        [MAP[0] + (x - self.west) * self.per_degree[0], MAP[1] + (self.north - y) * self.per_degree[1]]
    }

    /// The rings as one path.
    fn path(&self, shape: &MultiPolygon<f64>) -> String {
        let mut path = String::new();
        for ring in shape.iter().flat_map(|one| std::iter::once(one.exterior()).chain(one.interiors())) {
            let mut last = None;
            // The first point is repeated by closing the ring.
            for point in ring.0.iter().take(ring.0.len().saturating_sub(1)) {
                let place = self.place(point.x, point.y).map(|unit| (unit * 10.0).round() / 10.0);
                if last != Some(place) {
                    // Writing into a String never fails.
                    let _ = write!(path, "{}{} {}", if last.is_none() { 'M' } else { 'L' }, place[0], place[1]);
                    last = Some(place);
                }
            }
            if last.is_some() {
                path.push('Z');
            }
        }
        path
    }
}

/// Draws the picture.
pub fn draw(picture: &Picture) -> String {
    let frame = Frame::of(picture.view);
    let mut svg = opened([0.0, 0.0, WIDTH, HEIGHT], &picture.title);
    text(&mut svg, [MAP[0], 34.0], r#"font-size="18" font-weight="bold""#, &picture.title);
    text(&mut svg, [MAP[0], 58.0], r##"fill="#333""##, &picture.moment);
    let areas = map_of(&mut svg, &frame, picture, true);
    beside(&mut svg, picture, &areas);
    svg.push_str("</svg>\n");
    svg
}

/// Draws the map of the picture alone, with north and scale; it is too small for words on the land.
pub fn draw_map(picture: &Picture) -> String {
    let mut svg = opened([MAP[0] - 1.0, MAP[1] - 1.0, MAP[2] - MAP[0] + 2.0, MAP[3] - MAP[1] + 2.0], &picture.title);
    map_of(&mut svg, &Frame::of(picture.view), picture, false);
    svg.push_str("</svg>\n");
    svg
}

/// The beginning of a document of which this box is shown: left, top, width, height.
fn opened([left, top, wide, high]: [f64; 4], title: &str) -> String {
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left} {top} {wide} {high}" width="{wide}" height="{high}" role="img" font-family="'Noto Sans CJK SC','PingFang SC','Microsoft YaHei','SimSun',sans-serif" font-size="12" fill="#111">
<title>{}</title>
<defs>
<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0V7" stroke="#1d4f82" stroke-width="1.5"/></pattern>
<pattern id="dots" width="9" height="9" patternUnits="userSpaceOnUse"><circle cx="3" cy="3" r="1.1" fill="#8a5a14"/></pattern>
<clipPath id="map"><rect x="{}" y="{}" width="{}" height="{}"/></clipPath>
</defs>
<rect x="{left}" y="{top}" width="{wide}" height="{high}" fill="#fff"/>
"##,
        escape(title),
        MAP[0],
        MAP[1],
        MAP[2] - MAP[0],
        MAP[3] - MAP[1],
    )
}

/// The map: layers, land, words on it where they can be read, frame, north and scale. Answers the layers in the order of
/// their drawing.
fn map_of<'a>(svg: &mut String, frame: &Frame, picture: &'a Picture, with_words: bool) -> Vec<&'a Area> {
    svg.push_str("<g clip-path=\"url(#map)\" fill-rule=\"evenodd\" stroke-linejoin=\"round\">\n");
    let mut areas: Vec<&Area> = picture.areas.iter().collect();
    areas.sort_by_key(|area| area.style);
    for area in &areas {
        let path = frame.path(&area.shape);
        for stroke in area.style.strokes() {
            let _ = writeln!(svg, "<path d=\"{path}\" {stroke}/>");
        }
    }
    if let Some(land) = &picture.land {
        let path = frame.path(land);
        let _ = writeln!(
            svg,
            "<path d=\"{path}\" fill=\"#fff\" fill-opacity=\"0.45\" stroke=\"#fff\" stroke-width=\"6\"/>"
        );
        let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"#b3261e\" stroke-width=\"3\"/>");
    }
    if let Some([x, y]) = picture.point {
        let [x, y] = frame.place(x, y);
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"7\" fill=\"#fff\" stroke=\"#b3261e\" stroke-width=\"3\"/>"
        );
    }
    if with_words {
        labels(svg, frame, &areas, picture.point);
    }
    svg.push_str("</g>\n");
    let _ = writeln!(
        svg,
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#111\"/>",
        MAP[0],
        MAP[1],
        MAP[2] - MAP[0],
        MAP[3] - MAP[1]
    );
    north(svg);
    scale(svg, frame.metres_per_unit);
    areas
}

/// Writes a drawn picture to its place, whole or not at all.
pub fn write(path: &Path, svg: &str) -> Result<(), WriteError> {
    let staging = Staging::begin(path)?;
    std::fs::write(staging.path(), svg).map_err(|error| staging.io(error))?;
    staging.finish()
}

/// Words on the areas, each where it meets no other and stays on its own land; an area without room for its words goes
/// without.
fn labels(svg: &mut String, frame: &Frame, areas: &[&Area], point: Option<[f64; 2]>) {
    const HIGH: f64 = 15.0;
    let mark = |[x, y]: [f64; 2]| Rect::new(coord! {x: x - 11.0, y: y - 11.0}, coord! {x: x + 11.0, y: y + 11.0});
    let mut taken: Vec<Rect<f64>> = point.map(|[x, y]| mark(frame.place(x, y))).into_iter().collect();
    for area in areas {
        let largest = area.shape.iter().max_by(|a, b| a.unsigned_area().total_cmp(&b.unsigned_area()));
        let Some((inside, bounds)) = largest.and_then(|one| one.interior_point().zip(one.bounding_rect())) else {
            continue;
        };
        let [x, middle] = frame.place(inside.x(), inside.y());
        let [left, top] = frame.place(bounds.min().x, bounds.max().y);
        let [right, bottom] = frame.place(bounds.max().x, bounds.min().y);
        let (left, right) = (left.max(MAP[0]), right.min(MAP[2]));
        let fitting = [&area.label, &area.code].into_iter().find(|words| width(words, 11.0) + 8.0 <= right - left);
        let Some(label) = fitting else { continue };
        let wide = width(label, 11.0) + 4.0;
        let x = x.clamp(left + wide / 2.0, right - wide / 2.0);
        let place = |line: f64| {
            let y = middle + line * HIGH;
            Rect::new(coord! {x: x - wide / 2.0, y: y - HIGH / 2.0}, coord! {x: x + wide / 2.0, y: y + HIGH / 2.0})
        };
        let free = |spot: &Rect<f64>| {
            spot.min().y > top.max(MAP[1])
                && spot.max().y < bottom.min(MAP[3])
                && taken.iter().all(|other| {
                    spot.max().x <= other.min().x
                        || other.max().x <= spot.min().x
                        || spot.max().y <= other.min().y
                        || other.max().y <= spot.min().y
                })
        };
        let lines = [0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 5.0, -5.0, 8.0, -8.0];
        let Some(spot) = lines.into_iter().map(place).find(free) else { continue };
        text(
            svg,
            [x, spot.center().y + 4.0],
            r##"font-size="11" text-anchor="middle" stroke="#fff" stroke-width="3" paint-order="stroke" stroke-linejoin="round""##,
            label,
        );
        taken.push(spot);
    }
}

fn north(svg: &mut String) {
    let [x, y] = [MAP[2] - 26.0, MAP[1] + 14.0];
    let _ = writeln!(
        svg,
        "<g><circle cx=\"{x}\" cy=\"{}\" r=\"21\" fill=\"#fff\" stroke=\"#111\"/><path d=\"M{x} {y}l8 24l-8 -5l-8 5z\"/></g>",
        y + 15.0
    );
    text(svg, [x, y + 33.0], r#"font-size="9" text-anchor="middle""#, "北 N");
}

/// A bar of a round number of metres, about a quarter of the map long.
fn scale(svg: &mut String, metres_per_unit: f64) {
    let wanted = (MAP[2] - MAP[0]) / 4.0 * metres_per_unit;
    let power = 10_f64.powf(wanted.log10().floor());
    let metres = [5.0, 2.0, 1.0].map(|step| step * power).into_iter().find(|step| *step <= wanted).unwrap_or(power);
    let [x, y, long] = [MAP[0] + 14.0, MAP[3] - 16.0, metres / metres_per_unit];
    let _ = writeln!(
        svg,
        "<g><rect x=\"{}\" y=\"{}\" width=\"{:.1}\" height=\"34\" fill=\"#fff\" fill-opacity=\"0.85\"/>\
         <rect x=\"{x}\" y=\"{y}\" width=\"{:.2}\" height=\"6\"/>\
         <rect x=\"{x}\" y=\"{y}\" width=\"{long:.2}\" height=\"6\" fill=\"none\" stroke=\"#111\"/></g>",
        x - 8.0,
        y - 20.0,
        long.max(64.0) + 56.0,
        long / 2.0,
    );
    let said = if metres >= 1_000.0 { format!("{} 千米 km", metres / 1_000.0) } else { format!("{metres} 米 m") };
    text(svg, [x, y - 5.0], r#"font-size="11""#, "0");
    text(svg, [x + long, y - 5.0], r#"font-size="11" text-anchor="middle""#, &said);
}

/// The legend, the figures and the remarks.
fn beside(svg: &mut String, picture: &Picture, areas: &[&Area]) {
    let mut y = MAP[1] + 12.0;
    let head = |svg: &mut String, y: f64, words: &str| text(svg, [COLUMN, y], r#"font-weight="bold""#, words);
    head(svg, y, "图例 Legend");
    y += 14.0;
    for style in Style::ALL.into_iter().filter(|style| areas.iter().any(|area| area.style == *style)) {
        for stroke in style.strokes() {
            let _ = writeln!(svg, "<rect x=\"{COLUMN}\" y=\"{y}\" width=\"34\" height=\"18\" {stroke}/>");
        }
        let [zh, en] = style.words();
        text(svg, [COLUMN + 44.0, y + 13.0], "", &format!("{zh}  {en}"));
        y += 26.0;
    }
    let stroke = r##"fill="#fff" stroke="#b3261e" stroke-width="3""##;
    let words = if picture.land.is_some() {
        let _ = writeln!(svg, "<rect x=\"{COLUMN}\" y=\"{y}\" width=\"34\" height=\"18\" {stroke}/>");
        "所查土地  the land asked about"
    } else {
        let _ = writeln!(svg, "<circle cx=\"{}\" cy=\"{}\" r=\"7\" {stroke}/>", COLUMN + 17.0, y + 9.0);
        "所查地点  the place asked about"
    };
    text(svg, [COLUMN + 44.0, y + 13.0], "", words);
    y += 44.0;
    head(svg, y, "面积与占比 Areas and shares");
    y += 20.0;
    for [words, figure, percent] in &picture.figures {
        text(svg, [COLUMN, y], "", words);
        let end = if percent.is_empty() { WIDTH - 20.0 } else { WIDTH - 88.0 };
        text(svg, [end, y], r#"text-anchor="end""#, figure);
        text(svg, [WIDTH - 20.0, y], r#"text-anchor="end""#, percent);
        y += 19.0;
    }
    y += 12.0;
    for remark in &picture.remarks {
        for line in wrap(remark, LINE, 11.0) {
            if y > HEIGHT - 14.0 {
                return;
            }
            text(svg, [COLUMN, y], r##"font-size="11" fill="#7a1a14""##, &line);
            y += 15.0;
        }
        y += 5.0;
    }
}

fn text(svg: &mut String, [x, y]: [f64; 2], how: &str, words: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" {how}>{}</text>", escape(words));
}

/// About how wide words are: a Chinese character is as wide as it is high, others are about half of that.
fn width(words: &str, size: f64) -> f64 {
    words.chars().map(|c| if u32::from(c) >= 0x2e80 { size } else { size * 0.56 }).sum()
}

/// Breaks a sentence into lines: Chinese anywhere, other words at blanks.
fn wrap(words: &str, room: f64, size: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut rest = words;
    while let Some(first) = rest.chars().next() {
        let cut = if u32::from(first) >= 0x2e80 {
            first.len_utf8()
        } else {
            let end = rest.find(|c: char| c == ' ' || u32::from(c) >= 0x2e80).unwrap_or(rest.len());
            if rest[end..].starts_with(' ') { end + 1 } else { end }
        };
        let (piece, others) = rest.split_at(cut.max(first.len_utf8()));
        let full = lines
            .last()
            .is_some_and(|line| !line.is_empty() && width(line, size) + width(piece.trim_end(), size) > room);
        // A mark that ends a clause, or a unit, stays with what it belongs to; a bracket goes with what it opens.
        if full && !matches!(first, '、' | '，' | '。' | '；' | '）' | '%') && !piece.starts_with("m²") {
            let bracket = lines.last_mut().filter(|line| line.ends_with('（')).and_then(String::pop);
            lines.push(bracket.map(String::from).unwrap_or_default());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(piece);
        }
        rest = others;
    }
    lines
}

/// Other people's words: they must neither end the text nor break the document.
pub(super) fn escape(words: &str) -> String {
    let mut escaped = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_as_wide_and_high_as_the_map_and_has_the_land_inside() {
        for land in [[121.5, 31.1, 121.501, 31.102], [121.0, 30.8, 122.0, 31.5], [121.5, 31.2, 121.5, 31.2]] {
            let [west, south, east, north] = view_around(land);
            assert!(west < land[0] && south < land[1] && east > land[2] && north > land[3], "{land:?}");
            let frame = Frame::of([west, south, east, north]);
            let [right, bottom] = frame.place(east, south);
            assert!((right - MAP[2]).abs() < 0.5 && (bottom - MAP[3]).abs() < 0.5, "{land:?}: {right} {bottom}");
        }
    }

    #[test]
    fn a_degree_at_shanghai_is_as_long_as_the_ellipsoid_has_it() {
        // geod +a=6378137 +rf=298.257222101: a hundredth of a degree east and north of 121.5 31.2.
        let [across, along] = metres_per_degree(31.2);
        assert!((across * 0.01 - 953.06).abs() < 0.1, "{across}");
        assert!((along * 0.01 - 1_108.7).abs() < 0.1, "{along}");
    }

    #[test]
    fn lines_break_at_blanks_and_between_characters_and_lose_nothing() {
        let words = "跨界：产业基地 70.00 %，须人工核定 lies across a border, and someone should look";
        let lines = wrap(words, 120.0, 11.0);
        // A blank, a unit and the mark behind it may stand over.
        let most = 120.0 + width(" %，", 11.0);
        assert!(lines.len() > 3 && lines.iter().all(|line| width(line.trim_end(), 11.0) <= most), "{lines:?}");
        assert_eq!(lines.concat(), words);
    }

    #[test]
    fn words_of_others_are_shown_and_never_obeyed() {
        assert_eq!(escape("<script>&\"\u{8}"), "&lt;script&gt;&amp;&quot;\u{fffd}");
    }
}
