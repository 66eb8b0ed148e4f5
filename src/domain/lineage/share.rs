//! Sharing a sum so that the parts are the whole again, to the last digit. It knows numbers and weights, not what they
//! stand for.

use rust_decimal::Decimal;

/// Decimals of a sum of money in 万元 that reach down to the fen, as the register keeps all its sums.
pub const FEN: u32 = 6;

/// Weights are taken in square millimetres, so that they are whole numbers.
const WEIGHT_SCALE: f64 = 1e6;

/// Shares a total by weight at `places` decimals (or as many more as the total itself has). Each part is rounded down
/// and what is left goes, one last digit each, to the largest remainders; of equal ones to the first. Without any weight
/// all parts weigh the same.
pub fn share(total: Decimal, weights: &[f64], places: u32) -> Vec<Decimal> {
    if weights.is_empty() {
        return Vec::new();
    }
    let total = total.normalize();
    let scale = places.max(total.scale());
    let (sign, magnitude) = (total.is_sign_negative(), total.mantissa().unsigned_abs());
    let units = magnitude * 10_u128.pow(scale - total.scale());
    let mut weights: Vec<u128> = weights.iter().map(|weight| whole(*weight)).collect();
    if weights.iter().all(|weight| *weight == 0) {
        weights.fill(1);
    }
    let all: u128 = weights.iter().sum();
    // units · weight ÷ all in two steps, because their product may not fit: units = q · all + r.
    let (quotient, rest) = (units / all, units % all);
    let mut parts: Vec<(u128, u128)> =
        weights.iter().map(|weight| (quotient * weight + rest * weight / all, rest * weight % all)).collect();
    let given: u128 = parts.iter().map(|(part, _)| part).sum();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| parts[*b].1.cmp(&parts[*a].1).then(a.cmp(b)));
    for (index, _) in order.into_iter().zip(0..units - given) {
        parts[index].0 += 1;
    }
    let decimal = |part: u128| {
        let part = i128::try_from(part).unwrap_or(i128::MAX);
        Decimal::from_i128_with_scale(if sign { -part } else { part }, scale)
    };
    parts.into_iter().map(|(part, _)| decimal(part).normalize()).collect()
}

fn whole(weight: f64) -> u128 {
    if !weight.is_finite() || weight <= 0.0 {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and no land has 2^64 mm²")]
    let scaled = (weight * WEIGHT_SCALE).round() as u64;
    u128::from(scaled.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn the_last_fen_goes_to_the_largest_remainder() {
        // A hundred yuan among three equal lots: 0.003333 + 0.003333 + 0.003334 would do as well; the first gets it.
        assert_eq!(share(money("0.01"), &[1.0, 1.0, 1.0], FEN), ["0.003334", "0.003333", "0.003333"].map(money));
        assert_eq!(share(money("100"), &[3.0, 1.0], FEN), ["75", "25"].map(money));
        assert_eq!(share(money("7"), &[1.0, 1.0, 2.0], 0), ["2", "2", "3"].map(money));
    }

    #[test]
    fn without_any_weight_all_parts_weigh_the_same() {
        assert_eq!(share(money("1"), &[0.0, 0.0], FEN), ["0.5", "0.5"].map(money));
        assert_eq!(share(money("1"), &[], FEN), Vec::<Decimal>::new());
    }

    proptest! {
        #[test]
        fn the_parts_sum_to_the_whole_to_the_last_fen(
            units in 0_i64..1_000_000_000_000_000_000, weights in prop::collection::vec(0.0_f64..5e8, 1..12),
        ) {
            let total = Decimal::new(units, FEN);
            prop_assert_eq!(share(total, &weights, FEN).iter().sum::<Decimal>(), total);
        }

        #[test]
        fn no_part_is_a_last_digit_away_from_its_due(
            units in 0_i64..1_000_000_000_000, weights in prop::collection::vec(1_u32..1_000_000, 1..12),
        ) {
            let all: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
            let land: Vec<f64> = weights.iter().map(|weight| f64::from(*weight)).collect();
            for (part, weight) in share(Decimal::new(units, FEN), &land, FEN).into_iter().zip(&weights) {
                let due = i128::from(units) * i128::from(*weight) / all;
                let mut part = part;
                part.rescale(FEN);
                prop_assert!((0..=1).contains(&(part.mantissa() - due)), "{part} instead of {due}");
            }
        }

        #[test]
        fn persons_are_shared_whole(persons in 0_i64..100_000, weights in prop::collection::vec(0.0_f64..1e6, 1..8)) {
            let parts = share(Decimal::from(persons), &weights, 0);
            prop_assert!(parts.iter().all(|part| part.fract().is_zero()));
            prop_assert_eq!(parts.iter().sum::<Decimal>(), Decimal::from(persons));
        }

        #[test]
        fn the_same_weights_give_the_same_parts_and_a_negative_total_the_negative_parts(
            units in 1_i64..1_000_000_000, weights in prop::collection::vec(0.0_f64..1e6, 1..8),
        ) {
            let total = Decimal::new(units, FEN);
            let parts = share(total, &weights, FEN);
            prop_assert_eq!(&parts, &share(total, &weights, FEN));
            prop_assert_eq!(share(-total, &weights, FEN), parts.iter().map(|part| -part).collect::<Vec<_>>());
        }
    }
}
