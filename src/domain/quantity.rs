//! Measures as types, unit in the name, and every conversion between them in this one file (`domain.md` §11).
//!
//! 1 mu (亩) = 10,000/15 m² = 666.667 m². 1 万元/亩 = 15 万元/ha = 15 元/m². A measure never converts by accident: a number
//! leaves its type only through a named method.

use serde::{Deserialize, Serialize};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

/// Square metres in a mu: exactly 10,000/15.
const SQUARE_METRES_PER_MU: f64 = 10_000.0 / 15.0;
/// Square metres in a hectare.
const SQUARE_METRES_PER_HECTARE: f64 = 10_000.0;
/// Mu in a hectare.
const MU_PER_HECTARE: f64 = 15.0;

macro_rules! measure {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl $name {
            /// The bare number in the unit that the type names.
            pub fn value(self) -> f64 {
                self.0
            }
        }
        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }
        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }
        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
                values.fold(Self(0.0), Add::add)
            }
        }
    };
}

measure!(
    /// An area of land or floor in square metres (平方米).
    SquareMetres
);
measure!(
    /// An area of land in mu (亩).
    Mu
);
measure!(
    /// An area of land in hectares (公顷).
    Hectares
);
measure!(
    /// Money in ten thousand yuan (万元).
    WanYuan
);
measure!(
    /// Money per land, 万元/亩.
    WanYuanPerMu
);
measure!(
    /// Money per land, 万元/公顷; the same number as 元/m².
    WanYuanPerHectare
);
measure!(
    /// Money per land, 亿元/km².
    YiYuanPerSquareKilometre
);
measure!(
    /// Floor area over land area (容积率), without unit.
    PlotRatio
);

impl SquareMetres {
    /// The same area in mu.
    pub fn to_mu(self) -> Mu {
        Mu(self.0 / SQUARE_METRES_PER_MU)
    }
    /// The same area in hectares.
    pub fn to_hectares(self) -> Hectares {
        Hectares(self.0 / SQUARE_METRES_PER_HECTARE)
    }
}

impl Mu {
    /// The same area in square metres.
    pub fn to_square_metres(self) -> SquareMetres {
        SquareMetres(self.0 * SQUARE_METRES_PER_MU)
    }
}

impl Hectares {
    /// The same area in square metres.
    pub fn to_square_metres(self) -> SquareMetres {
        SquareMetres(self.0 * SQUARE_METRES_PER_HECTARE)
    }
}

impl WanYuan {
    /// Spread over land; nothing where there is no land.
    pub fn per(self, land: SquareMetres) -> Option<WanYuanPerMu> {
        (land.0 > 0.0).then(|| WanYuanPerMu(self.0 / land.to_mu().0))
    }
}

impl WanYuanPerMu {
    /// The same intensity in 万元/公顷.
    pub fn to_wan_yuan_per_hectare(self) -> WanYuanPerHectare {
        WanYuanPerHectare(self.0 * MU_PER_HECTARE)
    }
}

impl WanYuanPerHectare {
    /// The same intensity in 万元/亩.
    pub fn to_wan_yuan_per_mu(self) -> WanYuanPerMu {
        WanYuanPerMu(self.0 / MU_PER_HECTARE)
    }
}

impl YiYuanPerSquareKilometre {
    /// The same intensity in 万元/公顷: 1 亿元/km² is 10,000 万元 over 100 ha.
    pub fn to_wan_yuan_per_hectare(self) -> WanYuanPerHectare {
        WanYuanPerHectare(self.0 * 100.0)
    }
}

/// An area counted exactly, so that accounts close to the last digit: 1 m² = 10,000 of it, which is what four decimals keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct SquareCentimetres(pub i64);

impl SquareCentimetres {
    /// In square metres.
    #[expect(clippy::cast_precision_loss, reason = "a city has fewer than 2^53 square centimetres")]
    pub fn to_square_metres(self) -> SquareMetres {
        SquareMetres(self.0 as f64 / 10_000.0)
    }

    /// In mu.
    pub fn to_mu(self) -> Mu {
        self.to_square_metres().to_mu()
    }
}

impl Add for SquareCentimetres {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}
impl AddAssign for SquareCentimetres {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}
impl Sub for SquareCentimetres {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}
impl Sum for SquareCentimetres {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self(0), Add::add)
    }
}

impl PlotRatio {
    /// Floor area over land area; nothing where there is no land.
    pub fn of(floor: SquareMetres, land: SquareMetres) -> Option<Self> {
        (land.0 > 0.0).then(|| Self(floor.0 / land.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * b.abs().max(1.0)
    }

    #[test]
    fn one_mu_is_a_fifteenth_of_a_hectare() {
        assert!(near(Mu(1.0).to_square_metres().value(), 666.666_666_666_666_6));
        assert!(near(Mu(15.0).to_square_metres().to_hectares().value(), 1.0));
        assert!(near(SquareMetres(864_885.0).to_mu().value(), 1_297.327_5));
    }

    #[test]
    fn one_wan_yuan_per_mu_is_fifteen_per_hectare() {
        assert!(near(WanYuanPerMu(1.0).to_wan_yuan_per_hectare().value(), 15.0));
    }

    #[test]
    fn one_yi_yuan_per_square_kilometre_is_6_667_wan_yuan_per_mu() {
        let per_hectare = YiYuanPerSquareKilometre(1.0).to_wan_yuan_per_hectare();
        assert!(near(per_hectare.value(), 100.0));
        assert!(near(per_hectare.to_wan_yuan_per_mu().value(), 100.0 / 15.0));
    }

    #[test]
    fn the_benchmarks_of_domain_md_convert_to_the_figures_it_states() {
        // §4: 678.99 万元/ha = 45.3 万元/亩; 8,984.3 = 599; 12,984.94 = 866; 58 亿元/km² = 387.
        for (per_hectare, per_mu) in [(678.99, 45.3), (8_984.3, 599.0), (12_984.94, 866.0)] {
            let found = WanYuanPerHectare(per_hectare).to_wan_yuan_per_mu().value();
            assert!((found - per_mu).abs() < 0.5, "{per_hectare} -> {found}");
        }
        let found = YiYuanPerSquareKilometre(58.0).to_wan_yuan_per_hectare().to_wan_yuan_per_mu().value();
        assert!((found - 387.0).abs() < 0.5);
        // §2, Tesla: 14.08 bn yuan on 864,885 m² = 1,085 万元/亩; 2.23 bn of tax = 172.
        let land = SquareMetres(864_885.0);
        let invested = WanYuan(1_408_000.0).per(land).expect("land").value();
        assert!((invested - 1_085.0).abs() < 0.5, "{invested}");
        let tax = WanYuan(223_000.0).per(land).expect("land").value();
        assert!((tax - 172.0).abs() < 0.5, "{tax}");
        // §1: 48,501 parcels on 728 km² have 1.50 ha = 22.5 mu each.
        let mean = SquareMetres(728e6 / 48_501.0);
        assert!((mean.to_hectares().value() - 1.50).abs() < 0.005);
        assert!((mean.to_mu().value() - 22.5).abs() < 0.05);
    }

    #[test]
    fn nothing_is_spread_over_no_land() {
        assert_eq!(WanYuan(1.0).per(SquareMetres(0.0)), None);
        assert_eq!(PlotRatio::of(SquareMetres(1.0), SquareMetres(0.0)), None);
        assert_eq!(PlotRatio::of(SquareMetres(3.0), SquareMetres(2.0)), Some(PlotRatio(1.5)));
    }
}
