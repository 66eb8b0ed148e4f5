//! Identities: the codes by which the field names its things. They check structure only; whether a thing exists is
//! the register's business.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a code was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// The text has the wrong number of characters.
    #[error("{what} {code:?} has {found} characters, expected {expected}")]
    Length {
        /// What kind of code it is.
        what: &'static str,
        /// The text as given.
        code: String,
        /// How many characters it has.
        found: usize,
        /// How many it may have.
        expected: &'static str,
    },
    /// A character stands where the structure allows another kind only.
    #[error("{what} {code:?} has {found:?} at position {position}, expected {expected}")]
    Character {
        /// What kind of code it is.
        what: &'static str,
        /// The text as given.
        code: String,
        /// The offending character.
        found: char,
        /// Its place, counted from 1.
        position: usize,
        /// What may stand there.
        expected: &'static str,
    },
}

/// A parcel code (宗地代码, 19 characters) or a real-estate unit code (不动产单元代码, 28 characters) whose first 19
/// name the parcel.
///
/// Structure (`domain.md` §11, GB/T 37346): 6 digits county, 3 cadastral district, 3 sub-district, a right letter
/// (G state, J collective, Z undetermined), a feature letter, 5 digits serial, and for a unit a fixture letter
/// (F, L, Q, W) and 8 digits. There is no check digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ParcelCode(String);

const PARCEL: &str = "parcel code";

impl ParcelCode {
    /// Reads a code of 19 or 28 characters; surrounding blanks are dropped, lower case letters are raised.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let code = text.trim().to_ascii_uppercase();
        let found = code.chars().count();
        if found != 19 && found != 28 {
            return Err(CodeError::Length { what: PARCEL, code, found, expected: "19 or 28" });
        }
        for (index, found) in code.chars().enumerate() {
            let (allowed, expected): (bool, &'static str) = match index {
                12 => (matches!(found, 'G' | 'J' | 'Z'), "G, J or Z"),
                13 => (matches!(found, 'A'..='H' | 'S' | 'W' | 'X' | 'Y'), "a feature letter A-H, S, W, X or Y"),
                19 => (matches!(found, 'F' | 'L' | 'Q' | 'W'), "F, L, Q or W"),
                _ => (found.is_ascii_digit(), "a digit"),
            };
            if !allowed {
                return Err(CodeError::Character { what: PARCEL, code, found, position: index + 1, expected });
            }
        }
        Ok(Self(code))
    }

    /// The code as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 19 characters that name the parcel.
    pub fn parcel(&self) -> &str {
        &self.0[..19]
    }

    /// The 9 characters of fixture and number, where the code names a unit on the parcel.
    pub fn unit(&self) -> Option<&str> {
        self.0.get(19..).filter(|rest| !rest.is_empty())
    }

    /// The six digits of the county or district.
    pub fn district(&self) -> DistrictCode {
        DistrictCode(self.0[..6].to_owned())
    }
}

impl fmt::Display for ParcelCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The six digits of a county or district (县级行政区划代码); Shanghai's start with 31.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DistrictCode(String);

impl DistrictCode {
    /// Reads six digits.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let code = text.trim().to_owned();
        let found = code.chars().count();
        if found != 6 {
            return Err(CodeError::Length { what: "district code", code, found, expected: "6" });
        }
        if let Some((index, found)) = code.chars().enumerate().find(|(_, c)| !c.is_ascii_digit()) {
            return Err(CodeError::Character {
                what: "district code",
                code,
                found,
                position: index + 1,
                expected: "a digit",
            });
        }
        Ok(Self(code))
    }

    /// The code as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DistrictCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parcel_code_of_19_characters_names_a_parcel() {
        let code = ParcelCode::parse("340123002004GB00011").expect("the example of domain.md §11");
        assert_eq!(code.parcel(), "340123002004GB00011");
        assert_eq!(code.unit(), None);
        assert_eq!(code.district().as_str(), "340123");
    }

    #[test]
    fn a_unit_code_of_28_characters_names_its_parcel_and_its_unit() {
        let code = ParcelCode::parse("310115002004GB00011F00010001").expect("well formed");
        assert_eq!(code.parcel(), "310115002004GB00011");
        assert_eq!(code.unit(), Some("F00010001"));
    }

    #[test]
    fn a_code_with_a_wrong_letter_is_refused_with_its_position() {
        let error = ParcelCode::parse("310115002004QB00011").expect_err("Q is no right letter");
        assert_eq!(error.to_string(), "parcel code \"310115002004QB00011\" has 'Q' at position 13, expected G, J or Z");
        assert!(ParcelCode::parse("310115002004GB00011X00010001").is_err());
        assert!(ParcelCode::parse("31011500200４GB00011").is_err());
    }

    #[test]
    fn a_code_of_another_length_is_refused() {
        for text in ["", "310115002004GB0001", "310115002004GB000111", "1700500020012003"] {
            assert!(matches!(ParcelCode::parse(text), Err(CodeError::Length { .. })), "{text}");
        }
    }
}
