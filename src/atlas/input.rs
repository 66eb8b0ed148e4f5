//! Why a snapshot could not be built.

/// Why a snapshot could not be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BuildError {
    /// Codes did not rise.
    #[error("parcel {code} came after {before}; the atlas takes each parcel once, in rising order of code")]
    Order {
        /// The code that came.
        code: String,
        /// The code before it.
        before: String,
    },
    /// A coordinate is no place on earth.
    #[error(
        "{thing} {code} has the coordinate ({x}, {y}), expected a longitude of -180 to 180 and a latitude of -90 to 90"
    )]
    Place {
        /// Parcel or area.
        thing: &'static str,
        /// Its code.
        code: String,
        /// The longitude.
        x: f64,
        /// The latitude.
        y: f64,
    },
    /// More than the indices of a snapshot can count.
    #[error("the city has more than {limit} {what}; load it as several cities")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        limit: u64,
    },
}
