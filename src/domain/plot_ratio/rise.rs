//! Whether the plot ratio of a parcel may rise (提容): what caps it today, what the rise may be referred to, which procedure
//! it takes, and that a rise has the contract signed again (seed 004). The references are no caps: beyond them nothing is
//! forbidden, and nothing is given without a special approval either. It knows no table.

use crate::domain::quantity::PlotRatio;
use crate::domain::zoning::verdict::Verdict;
use chrono::NaiveDate;
use serde::Serialize;

/// The setting of a district by which existing plots rise through a simplified procedure.
pub const SIMPLIFIED_PROCEDURE: &str = "plot-ratio-simplified-procedure";

/// What the newest contract of a parcel, or the newest of its supplements that says so, agrees to at most.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContractLimit {
    /// The number of that contract.
    pub number: String,
    /// When it was signed.
    pub signed_on: NaiveDate,
    /// The highest plot ratio agreed; nothing where none is stated.
    pub high: Option<PlotRatio>,
}

/// The reference of a class of land, a dated value of the rulebook.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reference {
    /// The plot ratio.
    pub ratio: PlotRatio,
    /// Since when it is in force.
    pub effective_from: NaiveDate,
    /// Where it was read.
    pub source: String,
}

/// Which plots are of the same area as a parcel.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum SameArea {
    /// Those of the planning unit that holds a point of the parcel.
    PlanUnit {
        /// Its code.
        code: String,
        /// Its name.
        name: String,
    },
    /// Those near it: no planning unit is on record for it.
    Distance {
        /// How near, m.
        within_m: f64,
    },
}

/// An office or commercial plot nearby.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Neighbour {
    /// Its code.
    pub parcel: String,
    /// Its use.
    pub land_use: String,
    /// The highest plot ratio of its plan condition.
    pub allowed: PlotRatio,
    /// How far away its land is, m.
    pub distance_m: f64,
}

/// What a district has set about its simplified procedure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Procedure {
    /// Whether there is one.
    pub is_open: bool,
    /// The document that says so.
    pub document: String,
    /// Since when.
    pub since: NaiveDate,
}

/// Everything that the rules look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation {
    /// The day of the question.
    pub day: NaiveDate,
    /// The plot ratio asked for.
    pub to: PlotRatio,
    /// Whether the use has a class with a reference at all, in force or not.
    pub has_class: bool,
    /// Whether nothing is built on the land and no contract given: its ratio is set for the first time.
    pub is_new: bool,
    /// What the contract agrees to; nothing where none is on record.
    pub contract: Option<ContractLimit>,
    /// The highest plot ratio of the plan condition; nothing where none is on record.
    pub plan: Option<PlotRatio>,
    /// The reference of the class on the day.
    pub reference: Option<Reference>,
    /// Office and commercial plots of the same area, the nearest first.
    pub neighbours: Vec<Neighbour>,
    /// By which figure several of them are referred to.
    pub neighbours_by: Figure,
    /// What the district has set; nothing where no document is on record.
    pub procedure: Option<Procedure>,
}

/// One figure for several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// The middle one.
    Middle,
    /// The mean.
    Mean,
}

/// The key of the figure by which neighbours are referred to: 1 for the middle one, 0 for the mean.
pub const NEIGHBOUR_MIDDLE: &str = "plot-ratio-neighbour-middle";

/// Which of the two limits binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Binding {
    /// The contract, being the lower or the only one.
    Contract,
    /// The plan condition, being the lower or the only one.
    Plan,
    /// Both say the same.
    Both,
    /// Neither is on record: nothing allows anything yet.
    NotOnRecord,
}

impl Binding {
    /// The word used on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Plan => "plan",
            Self::Both => "both",
            Self::NotOnRecord => "not-on-record",
        }
    }
}

/// What caps a parcel today: both limits, and the one that binds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cap {
    /// Of the contract.
    pub contract: Option<PlotRatio>,
    /// Of the plan condition.
    pub plan: Option<PlotRatio>,
    /// Which binds.
    pub binding: Binding,
    /// The lower of both.
    pub ratio: Option<PlotRatio>,
}

impl Cap {
    /// The cap of these two limits.
    pub fn of(contract: Option<PlotRatio>, plan: Option<PlotRatio>) -> Self {
        let (binding, ratio) = match (contract, plan) {
            (None, None) => (Binding::NotOnRecord, None),
            (Some(_), None) => (Binding::Contract, contract),
            (None, Some(_)) => (Binding::Plan, plan),
            (Some(low), Some(high)) if low < high => (Binding::Contract, contract),
            (Some(high), Some(low)) if low < high => (Binding::Plan, plan),
            _ => (Binding::Both, plan),
        };
        Self { contract, plan, binding, ratio }
    }
}

/// What a rise takes before it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Requirement {
    /// The ratio of a new plot is set in the procedure of its project.
    SetInProjectProcedure,
    /// The district's simplified procedure, by its document.
    SimplifiedProcedure {
        /// The document that opened it.
        document: String,
    },
    /// A change of the detailed plan with a special approval on record.
    SpecialApproval,
    /// The contract is signed again: a supplementary contract with the higher ratio.
    SignContractAgain {
        /// The contract; nothing where none is on record and one has to be recorded first.
        contract: Option<String>,
    },
}

impl Requirement {
    /// In words, Chinese and English.
    pub fn words(&self) -> [String; 2] {
        match self {
            Self::SetInProjectProcedure => [
                "在建设项目审批程序中确定容积率".into(),
                "the ratio is set in the administrative procedure of the project".into(),
            ],
            Self::SimplifiedProcedure { document } => [
                format!("按本区简化程序办理（{document}）"),
                format!("through the district's simplified procedure ({document})"),
            ],
            Self::SpecialApproval => [
                "调整详细规划，并取得专项批准".into(),
                "a change of the detailed plan, with a special approval on record".into(),
            ],
            Self::SignContractAgain { contract: Some(number) } => [
                format!("重新签订合同：就 {number} 签订补充合同"),
                format!("contract {number} is signed again, as a supplement to it"),
            ],
            Self::SignContractAgain { contract: None } => [
                "登记中无土地合同：先补录，再重新签订".into(),
                "no contract is on record: record it, then sign it again".into(),
            ],
        }
    }
}

/// The rules, one of which answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Nothing rises: contract and plan allow it already.
    WithinCap,
    /// The plan allows it, the contract does not.
    WithinPlan,
    /// No rule was read for this use.
    UseWithoutRule,
    /// The rule was not in force yet.
    NotInForce,
    /// Beyond every reference.
    AboveReferences,
    /// A new plot within a reference.
    NewPlot,
    /// An existing plot within a reference, in a district with a simplified procedure.
    ExistingPlot,
    /// An existing plot in a district that has closed its simplified procedure.
    ProcedureClosed,
    /// An existing plot in a district of which no document is on record.
    ProcedureNotOnRecord,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 9] = [
        Self::WithinCap,
        Self::WithinPlan,
        Self::UseWithoutRule,
        Self::NotInForce,
        Self::AboveReferences,
        Self::NewPlot,
        Self::ExistingPlot,
        Self::ProcedureClosed,
        Self::ProcedureNotOnRecord,
    ];

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::WithinCap => "within-cap",
            Self::WithinPlan => "within-plan",
            Self::UseWithoutRule => "use-without-rule",
            Self::NotInForce => "not-in-force",
            Self::AboveReferences => "above-references",
            Self::NewPlot => "new-plot",
            Self::ExistingPlot => "existing-plot",
            Self::ProcedureClosed => "procedure-closed",
            Self::ProcedureNotOnRecord => "procedure-not-on-record",
        }
    }

    /// What it says to a rise.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::WithinCap | Self::WithinPlan | Self::NewPlot | Self::ExistingPlot => Verdict::Allowed,
            _ => Verdict::NeedsSpecialApproval,
        }
    }

    /// Why, Chinese and English.
    pub fn words(self) -> [&'static str; 2] {
        match self {
            Self::WithinCap => ["未超过现行合同和规划条件", "contract and plan condition allow it already"],
            Self::WithinPlan => ["规划条件允许，但超过合同约定", "the plan condition allows it, the contract does not"],
            Self::UseWithoutRule => ["该用途没有读到提容规则", "no rule on a rise was read for land of this use"],
            Self::NotInForce => ["该日提容规则尚未生效", "the rule on a rise was not in force on the day"],
            Self::AboveReferences => [
                "超过类别参考值和周边商务商业地块的参考值；参考值不是上限",
                "beyond the reference of the class and that of office and commercial plots nearby, which are no caps",
            ],
            Self::NewPlot => ["新供地块，在参考值以内", "a new plot, within a reference"],
            Self::ExistingPlot => [
                "存量地块，在参考值以内，本区有简化程序",
                "an existing plot within a reference, in a district with a simplified procedure",
            ],
            Self::ProcedureClosed => {
                ["存量地块，本区没有简化程序", "an existing plot in a district without a simplified procedure"]
            }
            Self::ProcedureNotOnRecord => [
                "存量地块，登记中没有本区简化程序的文件",
                "an existing plot; no document on the district's simplified procedure is on record",
            ],
        }
    }
}

/// The answer to a rise.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruling {
    /// Which rule answers.
    pub rule: Rule,
    /// What caps the parcel today.
    pub cap: Cap,
    /// The reference by neighbours: one figure for their plan conditions.
    pub neighbour_reference: Option<PlotRatio>,
    /// What the rise takes.
    pub requirements: Vec<Requirement>,
}

/// One figure for the neighbours' plan conditions; of two middle ones the lower.
pub fn neighbour_reference(neighbours: &[Neighbour], figure: Figure) -> Option<PlotRatio> {
    let mut ratios: Vec<f64> = neighbours.iter().map(|one| one.allowed.value()).collect();
    ratios.sort_by(f64::total_cmp);
    let last = ratios.len().checked_sub(1)?;
    Some(PlotRatio(match figure {
        Figure::Middle => ratios[last / 2],
        #[expect(clippy::cast_precision_loss, reason = "a few hundred at most")]
        Figure::Mean => ratios.iter().sum::<f64>() / ratios.len() as f64,
    }))
}

/// Rules on a rise; the first rule that fits answers.
pub fn may(situation: &Situation) -> Ruling {
    let contract = situation.contract.as_ref().and_then(|contract| contract.high);
    let cap = Cap::of(contract, situation.plan);
    let neighbour_reference = neighbour_reference(&situation.neighbours, situation.neighbours_by);
    let is_within = |limit: Option<PlotRatio>| limit.is_some_and(|limit| situation.to <= limit);
    let within_plan = is_within(situation.plan);
    // Without a contract the plan alone speaks; a contract that states no ratio leaves it to the plan, until it rises.
    let within_contract = is_within(contract) || contract.is_none() && within_plan;
    let class = situation.reference.as_ref().map(|reference| reference.ratio);
    let rule = if is_within(cap.ratio) {
        Rule::WithinCap
    } else if within_plan {
        Rule::WithinPlan
    } else if !situation.has_class {
        Rule::UseWithoutRule
    } else if class.is_none() {
        Rule::NotInForce
    } else if !is_within(class) && !is_within(neighbour_reference) {
        Rule::AboveReferences
    } else if situation.is_new {
        Rule::NewPlot
    } else {
        match &situation.procedure {
            Some(procedure) if procedure.is_open => Rule::ExistingPlot,
            Some(_) => Rule::ProcedureClosed,
            None => Rule::ProcedureNotOnRecord,
        }
    };
    let mut requirements = match (rule, &situation.procedure) {
        (Rule::WithinCap | Rule::WithinPlan, _) => Vec::new(),
        (Rule::NewPlot, _) => vec![Requirement::SetInProjectProcedure],
        (Rule::ExistingPlot, Some(procedure)) => {
            vec![Requirement::SimplifiedProcedure { document: procedure.document.clone() }]
        }
        _ => vec![Requirement::SpecialApproval],
    };
    if !situation.is_new && !within_contract {
        let contract = situation.contract.as_ref().map(|contract| contract.number.clone());
        requirements.push(Requirement::SignContractAgain { contract });
    }
    Ruling { rule, cap, neighbour_reference, requirements }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn neighbour(allowed: f64) -> Neighbour {
        Neighbour { parcel: "n".into(), land_use: "B2".into(), allowed: PlotRatio(allowed), distance_m: 1.0 }
    }

    fn ratio() -> impl Strategy<Value = PlotRatio> {
        (1_u32..60).prop_map(|tenths| PlotRatio(f64::from(tenths) / 10.0))
    }

    prop_compose! {
        fn situation()(
            to in ratio(), has_class in any::<bool>(), is_new in any::<bool>(),
            contract in proptest::option::of(proptest::option::of(ratio())), plan in proptest::option::of(ratio()),
            reference in proptest::option::of(ratio()), near in proptest::collection::vec(ratio(), 0..4),
            procedure in proptest::option::of(any::<bool>()), is_middle in any::<bool>(),
        ) -> Situation {
            let day = NaiveDate::from_ymd_opt(2026, 6, 30).expect("a day");
            Situation {
                day, to, has_class, is_new, plan,
                contract: contract.filter(|_| !is_new).map(|high| ContractLimit { number: "H".into(), signed_on: day, high }),
                reference: reference.filter(|_| has_class)
                    .map(|ratio| Reference { ratio, effective_from: day, source: "s".into() }),
                neighbours: near.into_iter().map(|ratio| neighbour(ratio.value())).collect(),
                neighbours_by: if is_middle { Figure::Middle } else { Figure::Mean },
                procedure: procedure.map(|is_open| Procedure { is_open, document: "d".into(), since: day }),
            }
        }
    }

    proptest! {
        #[test]
        fn less_is_never_harder_to_get_than_more(situation in situation()) {
            let less = Situation { to: PlotRatio(situation.to.value() / 2.0), ..situation.clone() };
            prop_assert!(may(&less).rule.verdict() <= may(&situation).rule.verdict());
        }

        #[test]
        fn whatever_exceeds_the_contract_of_an_existing_plot_has_it_signed_again(situation in situation()) {
            let again = may(&situation).requirements.iter().any(|one| matches!(one, Requirement::SignContractAgain { .. }));
            let high = situation.contract.as_ref().and_then(|contract| contract.high);
            if !situation.is_new && high.is_some_and(|high| situation.to > high) {
                prop_assert!(again);
            }
            if situation.is_new || high.is_some_and(|high| situation.to <= high) {
                prop_assert!(!again);
            }
        }

        #[test]
        fn a_reference_forbids_nothing(situation in situation()) {
            prop_assert!(may(&situation).rule.verdict() < Verdict::Forbidden);
        }
    }

    #[test]
    fn the_cap_is_the_lower_of_both_and_says_which() {
        let cap = |contract: Option<f64>, plan: Option<f64>| {
            let cap = Cap::of(contract.map(PlotRatio), plan.map(PlotRatio));
            (cap.binding, cap.ratio.map(PlotRatio::value))
        };
        assert_eq!(cap(Some(1.5), Some(2.0)), (Binding::Contract, Some(1.5)));
        assert_eq!(cap(Some(2.5), Some(2.0)), (Binding::Plan, Some(2.0)));
        assert_eq!(cap(Some(2.0), Some(2.0)), (Binding::Both, Some(2.0)));
        assert_eq!(cap(None, Some(2.0)), (Binding::Plan, Some(2.0)));
        assert_eq!(cap(Some(1.5), None), (Binding::Contract, Some(1.5)));
        assert_eq!(cap(None, None), (Binding::NotOnRecord, None));
    }

    #[test]
    fn neighbours_are_referred_to_by_the_middle_one_or_by_their_mean() {
        let by = |figure, ratios: &[f64]| {
            let neighbours: Vec<Neighbour> = ratios.iter().copied().map(neighbour).collect();
            neighbour_reference(&neighbours, figure).map(PlotRatio::value)
        };
        let of = |ratios: &[f64]| by(Figure::Middle, ratios);
        assert_eq!(by(Figure::Mean, &[]), None);
        assert_eq!(by(Figure::Mean, &[1.0, 2.0, 6.0]), Some(3.0));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[4.0]), Some(4.0));
        assert_eq!(of(&[4.0, 1.0]), Some(1.0));
        assert_eq!(of(&[9.0, 1.0, 3.5]), Some(3.5));
    }
}
