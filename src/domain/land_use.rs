//! Land-use codes by scheme: whether a code is one that its scheme has, and of which class it is for the two locks. It says
//! nothing of what may be built there.

use serde::{Deserialize, Serialize};

/// What kind of use a code means to the locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UseClass {
    /// 工业: manufacturing.
    Industrial,
    /// 研发: research and development for industry.
    Research,
    /// 仓储: storage and logistics.
    Storage,
    /// Anything else, and whatever nobody can read.
    Other,
}

impl UseClass {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Industrial, Self::Research, Self::Storage, Self::Other];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Industrial => "industrial",
            Self::Research => "research",
            Self::Storage => "storage",
            Self::Other => "other",
        }
    }

    /// The class of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == word)
    }
}

/// The codes of all known schemes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LandUses {
    #[serde(rename = "scheme")]
    schemes: Vec<Scheme>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scheme {
    name: String,
    /// For people.
    #[serde(rename = "title")]
    _title: String,
    codes: Vec<String>,
    #[serde(default)]
    industrial: Vec<String>,
    #[serde(default)]
    research: Vec<String>,
    #[serde(default)]
    storage: Vec<String>,
    /// The beginnings of the codes of office and commercial plots, where they are known.
    #[serde(default)]
    office_and_commerce: Vec<String>,
    /// Where the classes were read.
    #[serde(rename = "classes_source")]
    _classes_source: String,
    /// Whether they follow the names alone.
    #[serde(rename = "assumption")]
    _assumption: bool,
    /// Whether the scheme's codes are open, and any is taken.
    #[serde(default)]
    open: bool,
}

/// What is known of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Its scheme has it.
    Yes,
    /// Its scheme has none like it.
    No,
    /// Nobody knows the scheme.
    NoScheme,
}

impl LandUses {
    /// Reads the lists.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Looks a code up.
    pub fn look_up(&self, scheme: &str, code: &str) -> Known {
        let Some(scheme) = self.schemes.iter().find(|known| known.name == scheme) else { return Known::NoScheme };
        if scheme.open || scheme.codes.iter().any(|listed| is_of(code, listed)) { Known::Yes } else { Known::No }
    }

    /// The codes that a scheme lists.
    pub fn codes(&self, scheme: &str) -> Vec<&str> {
        let listed = self.schemes.iter().filter(|known| known.name == scheme).flat_map(|known| &known.codes);
        listed.map(String::as_str).collect()
    }

    /// The class of a code. What its scheme lists in no class, and every code of an unknown scheme, is another use.
    pub fn class(&self, scheme: &str, code: &str) -> UseClass {
        let listed = self.classes().find(|(name, listed, _)| *name == scheme && is_of(code, listed));
        listed.map_or(UseClass::Other, |(_, _, class)| class)
    }

    /// Every code that is listed in a class: its scheme, itself, the class.
    pub fn classes(&self) -> impl Iterator<Item = (&str, &str, UseClass)> {
        self.schemes.iter().flat_map(|scheme| {
            let lists = [
                (UseClass::Industrial, &scheme.industrial),
                (UseClass::Research, &scheme.research),
                (UseClass::Storage, &scheme.storage),
            ];
            lists.into_iter().flat_map(move |(class, codes)| {
                codes.iter().map(move |code| (scheme.name.as_str(), code.as_str(), class))
            })
        })
    }

    /// The beginnings of the codes that mean office and commerce, with their schemes.
    pub fn office_and_commerce(&self) -> impl Iterator<Item = (&str, &str)> {
        self.schemes
            .iter()
            .flat_map(|scheme| scheme.office_and_commerce.iter().map(|code| (scheme.name.as_str(), code.as_str())))
    }

    /// The names of the schemes.
    pub fn schemes(&self) -> impl Iterator<Item = &str> {
        self.schemes.iter().map(|scheme| scheme.name.as_str())
    }
}

/// Whether a code is the listed one or finer. Of a main class (M) the finer ones are listed; of a middle class (M1) any
/// finer one is taken.
fn is_of(code: &str, listed: &str) -> bool {
    let finer = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
    code == listed || listed.len() > 1 && code.strip_prefix(listed).is_some_and(finer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_in_its_scheme_with_its_finer_classes_and_nowhere_else() {
        let known = LandUses::parse(include_str!("../../data/land_use.toml")).expect("well formed");
        for (scheme, code, expected) in [
            ("GB50137-SH", "M1", Known::Yes),
            ("GB50137-SH", "M", Known::Yes),
            ("GB50137-SH", "M4", Known::Yes),
            ("GB50137-SH", "C65", Known::Yes),
            ("GB50137-SH", "U11", Known::Yes),
            ("GB50137-SH", "M7", Known::No),
            ("GB50137-SH", "X9", Known::No),
            ("GB50137-SH", "工业用地", Known::No),
            ("GB50137-SH", "0601", Known::No),
            ("GB/T21010", "0601", Known::Yes),
            ("YDYH", "100102", Known::Yes),
            ("nobody's", "M1", Known::NoScheme),
        ] {
            assert_eq!(known.look_up(scheme, code), expected, "{scheme} {code}");
        }
    }

    #[test]
    fn a_code_has_the_class_of_its_scheme_and_one_class_only() {
        let known = LandUses::parse(include_str!("../../data/land_use.toml")).expect("well formed");
        for (scheme, code, expected) in [
            ("GB50137-SH", "M", UseClass::Industrial),
            ("GB50137-SH", "M11", UseClass::Industrial),
            ("GB50137-SH", "M4", UseClass::Research),
            ("GB50137", "M4", UseClass::Other),
            ("GB50137-SH", "C65", UseClass::Research),
            ("GB50137-SH", "W2", UseClass::Storage),
            ("GB50137-SH", "R2", UseClass::Other),
            ("YDYH", "100102", UseClass::Industrial),
            ("GB/T21010", "0601", UseClass::Industrial),
            ("nobody's", "M1", UseClass::Other),
        ] {
            assert_eq!(known.class(scheme, code), expected, "{scheme} {code}");
        }
        for (scheme, code, class) in known.classes() {
            let mut fitting = known.classes().filter(|one| one.0 == scheme && is_of(code, one.1));
            assert!(fitting.all(|one| one.2 == class), "{scheme} {code} is of two classes");
        }
    }
}
