//! Column headers as people write them: brackets, blanks, full-width letters, units. It says which words two headers
//! share and which unit one names; which field they mean is the mapping's business.

/// A header taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its letters and digits in lower case, brackets and their content left out; equal for headers that differ only
    /// in case, blanks, punctuation and width.
    pub key: String,
    /// The last known unit in brackets, or else what stands in the last pair that holds no mere remark ("(必填)",
    /// "(2024年)"), or behind a slash where that is a unit.
    pub unit: Option<String>,
}

/// A factor kept as a fraction, so that 元 → 万元 divides by ten thousand and does not multiply by an inexact 0.0001.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factor {
    numerator: f64,
    denominator: f64,
}

impl Factor {
    /// A plain factor.
    pub fn times(numerator: f64) -> Self {
        Self { numerator, denominator: 1.0 }
    }

    /// The value in the field's own unit.
    pub fn apply(self, value: f64) -> f64 {
        value * self.numerator / self.denominator
    }

    /// Whether it changes nothing.
    pub fn is_one(self) -> bool {
        self.numerator == self.denominator
    }
}

type Units = &'static [(&'static str, f64, f64)];

/// The unit that ends a field's name, and how the units that people write turn into it. The longest ending first.
const DIMENSIONS: &[(&str, Units)] = &[
    (
        "_wan_yuan",
        &[
            ("万元", 1.0, 1.0),
            ("万元人民币", 1.0, 1.0),
            ("wanyuan", 1.0, 1.0),
            ("元", 1.0, 1e4),
            ("yuan", 1.0, 1e4),
            ("rmb", 1.0, 1e4),
            ("千元", 1.0, 10.0),
            ("百万元", 100.0, 1.0),
            ("亿元", 1e4, 1.0),
        ],
    ),
    ("_percent", &[("%", 1.0, 1.0), ("百分比", 1.0, 1.0), ("percent", 1.0, 1.0), ("‰", 1.0, 10.0)]),
    ("_years", &[("年", 1.0, 1.0), ("years", 1.0, 1.0), ("个月", 1.0, 12.0), ("月", 1.0, 12.0)]),
    (
        "_tce",
        &[
            ("吨标煤", 1.0, 1.0),
            ("吨标准煤", 1.0, 1.0),
            ("tce", 1.0, 1.0),
            ("万吨标煤", 1e4, 1.0),
            ("万吨标准煤", 1e4, 1.0),
            ("千克标准煤", 1.0, 1e3),
            ("kgce", 1.0, 1e3),
        ],
    ),
    (
        "_m2",
        &[
            ("平方米", 1.0, 1.0),
            ("m2", 1.0, 1.0),
            ("平米", 1.0, 1.0),
            ("sqm", 1.0, 1.0),
            // 1 mu is exactly 10,000/15 m².
            ("亩", 1e4, 15.0),
            ("mu", 1e4, 15.0),
            ("公顷", 1e4, 1.0),
            ("ha", 1e4, 1.0),
            ("hm2", 1e4, 1.0),
            ("万平方米", 1e4, 1.0),
            ("平方公里", 1e6, 1.0),
            ("平方千米", 1e6, 1.0),
            ("km2", 1e6, 1.0),
            // The international foot is exactly 0.3048 m.
            ("平方英尺", 9_290_304.0, 1e8),
            ("ft2", 9_290_304.0, 1e8),
            ("sqft", 9_290_304.0, 1e8),
        ],
    ),
    (
        "_kwh",
        &[
            ("千瓦时", 1.0, 1.0),
            ("度", 1.0, 1.0),
            ("kwh", 1.0, 1.0),
            ("kw·h", 1.0, 1.0),
            ("万千瓦时", 1e4, 1.0),
            ("万度", 1e4, 1.0),
            ("万kwh", 1e4, 1.0),
            ("兆瓦时", 1e3, 1.0),
            ("mwh", 1e3, 1.0),
        ],
    ),
    // A tonne of water is taken for a cubic metre.
    (
        "_m3",
        &[
            ("立方米", 1.0, 1.0),
            ("m3", 1.0, 1.0),
            ("吨", 1.0, 1.0),
            ("t", 1.0, 1.0),
            ("万立方米", 1e4, 1.0),
            ("万m3", 1e4, 1.0),
            ("万吨", 1e4, 1.0),
        ],
    ),
    ("_t", &[("吨", 1.0, 1.0), ("t", 1.0, 1.0), ("万吨", 1e4, 1.0), ("千克", 1.0, 1e3), ("kg", 1.0, 1e3)]),
    ("_m", &[("米", 1.0, 1.0), ("m", 1.0, 1.0), ("厘米", 1.0, 100.0), ("cm", 1.0, 100.0)]),
];

/// What a unit means for a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum UnitFit {
    /// The field has no unit of its own, or the header names none: nothing to convert.
    Silent,
    /// It converts.
    Converts(Factor),
    /// It is a unit of something else.
    Foreign,
    /// Nobody knows it.
    Unknown,
}

/// The unit at the end of a field's name, without the underscore; `None` for counts, codes and words.
pub fn unit_of(field: &str) -> Option<&'static str> {
    DIMENSIONS.iter().find(|(ending, _)| field.ends_with(ending)).map(|(ending, _)| &ending[1..])
}

/// How a unit in a header fits a field.
pub fn fit(field: &str, unit: Option<&str>) -> UnitFit {
    let (Some(unit), Some((_, units))) = (unit, DIMENSIONS.iter().find(|(ending, _)| field.ends_with(ending))) else {
        return UnitFit::Silent;
    };
    let named = |units: Units| units.iter().find(|(name, ..)| *name == unit).copied();
    match named(units) {
        Some((_, numerator, denominator)) => UnitFit::Converts(Factor { numerator, denominator }),
        None if DIMENSIONS.iter().any(|(_, units)| named(units).is_some()) => UnitFit::Foreign,
        None => UnitFit::Unknown,
    }
}

/// Takes a header apart.
pub fn parse(header: &str) -> Header {
    let plain: String = header.chars().flat_map(narrow).collect();
    let (mut outside, mut bracketed, mut depth) = (String::new(), Vec::new(), 0_u32);
    for c in plain.chars() {
        match c {
            '(' | '[' | '【' | '〔' | '{' => {
                depth += 1;
                if depth == 1 {
                    bracketed.push(String::new());
                }
            }
            ')' | ']' | '】' | '〕' | '}' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {
                if let Some(inside) = bracketed.last_mut() {
                    inside.push(c);
                }
            }
            _ => outside.push(c),
        }
    }
    let words: Vec<String> = bracketed
        .iter()
        .rev()
        .map(|text| unit_word(text))
        .filter(|text| !text.is_empty() && !is_remark(text))
        .collect();
    let mut unit = words.iter().find(|word| is_unit(word)).or(words.first()).cloned();
    if unit.is_none()
        && let Some((name, tail)) = outside.rsplit_once('/')
        && is_unit(&unit_word(tail))
    {
        unit = Some(unit_word(tail));
        outside = name.to_owned();
    }
    let mut key = key(&outside);
    if key.is_empty() {
        // "(Area)": the brackets hold the name.
        key = self::key(&plain);
        unit = None;
    }
    Header { key, unit }
}

/// The words of the units that turn into that of a field.
pub fn units(field: &str) -> Vec<&'static str> {
    let found = DIMENSIONS.iter().find(|(ending, _)| field.ends_with(ending));
    found.map_or_else(Vec::new, |(_, units)| units.iter().map(|(name, ..)| *name).collect())
}

/// Whether the word in brackets tells people how to fill in the column, or of which year it is, and names no unit.
fn is_remark(word: &str) -> bool {
    let year = word.trim_end_matches("年度").trim_end_matches('年');
    ["必填", "必填项", "选填", "可选", "可不填", "required", "optional"].contains(&word)
        || (year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_unit(text: &str) -> bool {
    DIMENSIONS.iter().any(|(_, units)| units.iter().any(|(name, ..)| *name == text))
}

/// The words that two headers are compared by.
fn key(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn unit_word(text: &str) -> String {
    let word: String = text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    word.trim_start_matches("单位").trim_start_matches(':').to_owned()
}

/// Full-width forms to plain ones, and the squared and cubed signs to digits.
fn narrow(c: char) -> impl Iterator<Item = char> {
    let (first, second) = match c {
        '\u{FF01}'..='\u{FF5E}' => (char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c), None),
        '\u{3000}' | '\u{FEFF}' | '\u{A0}' => (' ', None),
        '㎡' => ('m', Some('2')),
        '²' => ('2', None),
        '³' => ('3', None),
        '㎏' => ('k', Some('g')),
        '㎞' => ('k', Some('m')),
        c => (c, None),
    };
    std::iter::once(first).chain(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_in_brackets_is_told_from_the_name() {
        let header = parse("成交价款 （ 单位：万元 ）");
        assert_eq!((header.key.as_str(), header.unit.as_deref()), ("成交价款", Some("万元")));
        assert_eq!(parse("建筑面积(㎡)").unit.as_deref(), Some("m2"));
        assert_eq!(parse("出让面积/亩"), Header { key: "出让面积".into(), unit: Some("亩".into()) });
        assert_eq!(parse("geo\\time"), Header { key: "geotime".into(), unit: None });
        assert_eq!(parse("(Area)").key, "area");
        assert_eq!(parse("工业总产值(万元)(必填)").unit.as_deref(), Some("万元"));
        assert_eq!(parse("实缴税收(2024年)").unit, None);
        assert_eq!(parse("工业总产值(万元)(含税)").unit.as_deref(), Some("万元"));
    }

    #[test]
    fn mu_hectares_and_yuan_turn_into_the_unit_of_the_field() {
        let convert = |field, unit, value| match fit(field, Some(unit)) {
            UnitFit::Converts(factor) => factor.apply(value),
            other => panic!("{other:?}"),
        };
        assert_eq!(convert("registered_area_m2", "亩", 1.5), 1000.0);
        assert_eq!(convert("registered_area_m2", "公顷", 2.0), 20_000.0);
        assert_eq!(convert("price_wan_yuan", "元", 123_456.0), 12.3456);
        assert_eq!(convert("output_wan_yuan", "亿元", 1.0), 10_000.0);
        assert_eq!(fit("price_wan_yuan", Some("亩")), UnitFit::Foreign);
        assert_eq!(fit("price_wan_yuan", Some("美元")), UnitFit::Unknown);
        assert_eq!(fit("staff", Some("人")), UnitFit::Silent);
    }
}
