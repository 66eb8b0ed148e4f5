//! What makes a figure of an annual return doubtful (存疑). Doubts warn and never block. The thresholds are data; it knows
//! no earlier return, which the register compares.

use super::finding::Fault;
use super::performance::Return;
use super::review::scheme::{SchemeError, Words};
use serde::Deserialize;

/// What can be doubted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// A figure differs from that of a neighbouring year by more than so many times.
    FigureJumps,
    /// More tax than output.
    TaxExceedsOutput,
    /// More value added than output.
    ValueAddedExceedsOutput,
    /// More research than revenue.
    RdExceedsRevenue,
    /// Nobody works there, and yet there is output.
    StaffZeroWithOutput,
    /// No energy is used, and yet there is output.
    EnergyZeroWithOutput,
    /// No electricity is used, and yet there is output.
    ElectricityZeroWithOutput,
    /// Electricity alone holds more energy than all that is used.
    ElectricityExceedsEnergy,
    /// One pollutant weighs more than all together.
    CodExceedsEmissions,
}

impl Doubt {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::FigureJumps,
        Self::TaxExceedsOutput,
        Self::ValueAddedExceedsOutput,
        Self::RdExceedsRevenue,
        Self::StaffZeroWithOutput,
        Self::EnergyZeroWithOutput,
        Self::ElectricityZeroWithOutput,
        Self::ElectricityExceedsEnergy,
        Self::CodExceedsEmissions,
    ];

    /// The code of its findings.
    pub fn code(self) -> &'static str {
        match self {
            Self::FigureJumps => "figure-jumps",
            Self::TaxExceedsOutput => "tax-exceeds-output",
            Self::ValueAddedExceedsOutput => "value-added-exceeds-output",
            Self::RdExceedsRevenue => "rd-exceeds-revenue",
            Self::StaffZeroWithOutput => "staff-zero-with-output",
            Self::EnergyZeroWithOutput => "energy-zero-with-output",
            Self::ElectricityZeroWithOutput => "electricity-zero-with-output",
            Self::ElectricityExceedsEnergy => "electricity-exceeds-energy",
            Self::CodExceedsEmissions => "cod-exceeds-emissions",
        }
    }

    fn unit(self) -> Unit {
        match self {
            Self::FigureJumps => Unit::Times,
            Self::TaxExceedsOutput
            | Self::ValueAddedExceedsOutput
            | Self::RdExceedsRevenue
            | Self::CodExceedsEmissions => Unit::Percent,
            Self::StaffZeroWithOutput | Self::EnergyZeroWithOutput | Self::ElectricityZeroWithOutput => Unit::WanYuan,
            Self::ElectricityExceedsEnergy => Unit::KilowattHoursPerTce,
        }
    }
}

/// The units of limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// One figure over the other.
    Times,
    /// Parts of a hundred.
    Percent,
    /// 万元.
    WanYuan,
    /// kWh for one tonne of coal equivalent.
    KilowattHoursPerTce,
}

/// From where on a figure is doubted.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// What is doubted.
    pub code: Doubt,
    /// What the limit says.
    pub title: Words,
    /// Above this.
    pub limit: f64,
    /// Its unit.
    pub unit: Unit,
    /// The figure at fault must be at least this in its own unit, or nothing is said.
    pub least: f64,
    /// Where it was read.
    pub source: String,
    /// Whether it is landcycle's own.
    pub assumption: bool,
}

/// All limits.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plausibility {
    limit: Vec<Limit>,
}

impl Plausibility {
    /// Reads the limits; each doubt has one, in its own unit, with a source.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        let book: Self = toml::from_str(text)?;
        for doubt in Doubt::ALL {
            let refuse =
                |problem: &str| Err(SchemeError::Value { place: doubt.code().to_owned(), problem: problem.to_owned() });
            let mut own = book.limit.iter().filter(|limit| limit.code == doubt);
            match (own.next(), own.next()) {
                (Some(limit), None) if limit.unit != doubt.unit() => return refuse("has the unit of another limit"),
                (Some(limit), None) if limit.source.trim().is_empty() => return refuse("has no source"),
                // Not the other way round, so that what is no number is refused too.
                (Some(limit), None) if limit.limit >= 0.0 && limit.least >= 0.0 => {}
                (Some(_), None) => return refuse("is not a number of at least 0"),
                (None, _) => return refuse("is missing"),
                (Some(_), Some(_)) => return refuse("comes twice"),
            }
        }
        Ok(book)
    }

    /// The limit of a doubt.
    pub fn limit(&self, doubt: Doubt) -> Option<&Limit> {
        self.limit.iter().find(|limit| limit.code == doubt)
    }

    /// What is doubtful in one return by itself.
    pub fn doubts(&self, it: &Return) -> Vec<Fault> {
        let mut found = Vec::new();
        let year = it.year;
        let parts = [
            (Doubt::TaxExceedsOutput, ("tax_wan_yuan", it.tax_wan_yuan), ("output_wan_yuan", it.output_wan_yuan)),
            (
                Doubt::ValueAddedExceedsOutput,
                ("value_added_wan_yuan", it.value_added_wan_yuan),
                ("output_wan_yuan", it.output_wan_yuan),
            ),
            (Doubt::RdExceedsRevenue, ("rd_wan_yuan", it.rd_wan_yuan), ("revenue_wan_yuan", it.revenue_wan_yuan)),
            (Doubt::CodExceedsEmissions, ("cod_t", it.cod_t), ("emissions_t", it.emissions_t)),
        ];
        for (doubt, (field, part), (of, whole)) in parts {
            let (Some(limit), Some(part), Some(whole)) = (self.limit(doubt), part, whole) else { continue };
            if part >= limit.least && part > whole * limit.limit / 100.0 {
                let expected =
                    format!("at most {} % of {of} = {whole} of {year}, or a word that it is right", limit.limit);
                found.push(Fault::error(doubt.code(), Some(field), Some(&part.to_string()), expected).as_warning());
            }
        }
        if let (Some(limit), Some(electricity), Some(energy)) =
            (self.limit(Doubt::ElectricityExceedsEnergy), it.electricity_kwh, it.energy_tce)
            && electricity >= limit.least
            // That no energy is used at all has a doubt of its own.
            && energy > 0.0
            && electricity > energy * limit.limit
        {
            let expected = format!(
                "at most {} kWh for each tce of energy_tce = {energy} of {year}; look at the unit of both columns",
                limit.limit
            );
            let (code, value) = (Doubt::ElectricityExceedsEnergy.code(), electricity.to_string());
            found.push(Fault::error(code, Some("electricity_kwh"), Some(&value), expected).as_warning());
        }
        let zeros = [
            (Doubt::StaffZeroWithOutput, "staff", it.staff),
            (Doubt::EnergyZeroWithOutput, "energy_tce", it.energy_tce),
            (Doubt::ElectricityZeroWithOutput, "electricity_kwh", it.electricity_kwh),
        ];
        for (doubt, field, figure) in zeros {
            let (Some(limit), Some(figure), Some(output)) = (self.limit(doubt), figure, it.output_wan_yuan) else {
                continue;
            };
            if figure == 0.0 && output > limit.limit && output >= limit.least {
                let expected = format!(
                    "more than 0 beside output_wan_yuan = {output} of {year}; an empty cell where it is unknown"
                );
                found.push(Fault::error(doubt.code(), Some(field), Some("0"), expected).as_warning());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../data/plausibility.toml");

    fn of(year: i32, set: impl FnOnce(&mut Return)) -> Vec<(&'static str, Option<&'static str>)> {
        let mut it = Return {
            enterprise: "E".into(),
            year,
            output_wan_yuan: Some(1000.0),
            revenue_wan_yuan: Some(900.0),
            tax_wan_yuan: Some(60.0),
            value_added_wan_yuan: Some(250.0),
            fixed_assets_wan_yuan: None,
            energy_tce: Some(40.0),
            emissions_t: None,
            rd_wan_yuan: Some(30.0),
            staff: Some(25.0),
            staff_local: None,
            electricity_kwh: Some(200_000.0),
            water_m3: None,
            cod_t: None,
            veto: None,
            veto_cleared_on: None,
        };
        set(&mut it);
        let faults = Plausibility::parse(SHIPPED).expect("well formed").doubts(&it);
        assert!(faults.iter().all(|fault| fault.severity == crate::domain::finding::Severity::Warning));
        faults.into_iter().map(|fault| (fault.code, fault.field)).collect()
    }

    #[test]
    fn every_doubt_is_raised_by_one_case_and_not_by_its_neighbour() {
        assert_eq!(of(2025, |_| ()), []);
        assert_eq!(of(2025, |it| it.tax_wan_yuan = Some(1001.0)), [("tax-exceeds-output", Some("tax_wan_yuan"))]);
        assert_eq!(of(2025, |it| it.tax_wan_yuan = Some(1000.0)), []);
        assert_eq!(
            of(2025, |it| it.value_added_wan_yuan = Some(1200.0)),
            [("value-added-exceeds-output", Some("value_added_wan_yuan"))]
        );
        assert_eq!(of(2025, |it| it.rd_wan_yuan = Some(901.0)), [("rd-exceeds-revenue", Some("rd_wan_yuan"))]);
        assert_eq!(of(2025, |it| it.staff = Some(0.0)), [("staff-zero-with-output", Some("staff"))]);
        assert_eq!(of(2025, |it| it.staff = None), []);
        assert_eq!(of(2025, |it| it.energy_tce = Some(0.0)), [("energy-zero-with-output", Some("energy_tce"))]);
        assert_eq!(
            of(2025, |it| it.electricity_kwh = Some(0.0)),
            [("electricity-zero-with-output", Some("electricity_kwh"))]
        );
        // 40 tce are 325,680 kWh at 8,142 kWh a tonne.
        assert_eq!(of(2025, |it| it.electricity_kwh = Some(325_680.0)), []);
        let too_much = of(2025, |it| it.electricity_kwh = Some(325_681.0));
        assert_eq!(too_much, [("electricity-exceeds-energy", Some("electricity_kwh"))]);
        let dirt = |cod| of(2025, |it| (it.cod_t, it.emissions_t) = (Some(cod), Some(3.0)));
        assert_eq!((dirt(3.0), dirt(3.1)), (vec![], vec![("cod-exceeds-emissions", Some("cod_t"))]));
        let closed = |it: &mut Return| {
            (it.output_wan_yuan, it.tax_wan_yuan, it.value_added_wan_yuan) = (Some(0.0), Some(5.0), None);
            (it.staff, it.energy_tce, it.electricity_kwh) = (Some(0.0), Some(0.0), Some(0.0));
        };
        assert_eq!(of(2025, closed), [], "a works that stands still is no riddle");
    }

    #[test]
    fn limits_that_lack_a_source_come_twice_or_have_another_unit_are_refused() {
        for (from, to, problem) in [
            ("source = \"assumption: a slip", "source = \"\"\n# \"", "no source"),
            ("code = \"figure-jumps\"", "code = \"tax-exceeds-output\"", "is missing"),
            ("unit = \"times\"", "unit = \"percent\"", "unit of another"),
            ("limit = 10.0", "limit = -1.0", "at least 0"),
        ] {
            let error = Plausibility::parse(&SHIPPED.replacen(from, to, 1)).expect_err(problem).to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
