//! Land-use codes by scheme: whether a code is one that its scheme has. It says nothing of what may be built there.

use serde::Deserialize;

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
        // Of a main class (M) the finer ones are listed; of a middle class (M1) any finer one is taken.
        let has = |known: &String| {
            code == known
                || known.len() > 1
                    && code
                        .strip_prefix(known.as_str())
                        .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
        };
        if scheme.open || scheme.codes.iter().any(has) { Known::Yes } else { Known::No }
    }

    /// The names of the schemes.
    pub fn schemes(&self) -> impl Iterator<Item = &str> {
        self.schemes.iter().map(|scheme| scheme.name.as_str())
    }
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
}
