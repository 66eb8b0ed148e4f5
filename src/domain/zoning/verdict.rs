//! What may happen where: a deed is asked about, and a ruling answers with its verdict, the rule, its citation and the
//! facts. The same function answers the map, the proposal, the importer and the command.

use super::lockup::{Lockup, Situation};
use super::standing::{Remark, Standing};
use crate::domain::land_use::UseClass;
use crate::domain::quantity::SquareMetres;
use crate::domain::review::scheme::Words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What a rule says to a deed. Ordered from the mildest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing stands against it.
    Allowed,
    /// Only with a special approval on record.
    NeedsSpecialApproval,
    /// Not at all.
    Forbidden,
}

impl Verdict {
    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::NeedsSpecialApproval => "needs-special-approval",
            Self::Forbidden => "forbidden",
        }
    }

    /// The field's own word.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Allowed => "准许",
            Self::NeedsSpecialApproval => "须专项批准",
            Self::Forbidden => "不准",
        }
    }
}

/// The kinds of deeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeedKind {
    /// 新增产业项目: land for someone who does not hold it.
    NewProject,
    /// A further contract with whoever holds the land: supplementary, lease then grant, renewal.
    Continuation,
    /// 存量企业自有建设: works of whoever holds the land.
    OwnWorks,
    /// 改变用途.
    ChangeOfUse,
    /// The use that a renewal proposes (更新).
    Renewal,
    /// 基地边界调整: a base is drawn, locked or dated differently.
    BoundaryChange,
    /// 分割、合并、界址调整、注销: a parcel is drawn differently, or ends.
    Division,
}

impl DeedKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::NewProject,
        Self::Continuation,
        Self::OwnWorks,
        Self::ChangeOfUse,
        Self::Renewal,
        Self::BoundaryChange,
        Self::Division,
    ];

    /// The word used in data and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::NewProject => "new-project",
            Self::Continuation => "continuation",
            Self::OwnWorks => "own-works",
            Self::ChangeOfUse => "change-of-use",
            Self::Renewal => "renewal",
            Self::BoundaryChange => "boundary-change",
            Self::Division => "division",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }
}

/// What someone wants to do with land, with the facts that are its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Deed {
    /// A contract with someone who does not hold the land, for a use.
    NewProject {
        /// What it is for.
        to: UseClass,
    },
    /// A further contract with whoever holds the land.
    Continuation {
        /// What it is for.
        to: UseClass,
    },
    /// Works of whoever holds the land.
    OwnWorks {
        /// The use, which stays.
        to: UseClass,
    },
    /// Another use.
    ChangeOfUse {
        /// The class of use that is law.
        from: UseClass,
        /// The class of use that would be.
        to: UseClass,
    },
    /// The use that a renewal proposes.
    Renewal {
        /// The class of use that is law.
        from: UseClass,
        /// The class of use that is proposed.
        to: UseClass,
    },
    /// A base is drawn, locked or dated differently.
    BoundaryChange {
        /// How much land would no longer be locked, m².
        freed: SquareMetres,
    },
    /// Parcels are drawn differently, or end.
    Division {
        /// How much land would no longer be part of a locked parcel, m².
        freed: SquareMetres,
    },
}

impl Deed {
    /// Its kind.
    pub fn kind(&self) -> DeedKind {
        match self {
            Self::NewProject { .. } => DeedKind::NewProject,
            Self::Continuation { .. } => DeedKind::Continuation,
            Self::OwnWorks { .. } => DeedKind::OwnWorks,
            Self::ChangeOfUse { .. } => DeedKind::ChangeOfUse,
            Self::Renewal { .. } => DeedKind::Renewal,
            Self::BoundaryChange { .. } => DeedKind::BoundaryChange,
            Self::Division { .. } => DeedKind::Division,
        }
    }

    /// The situation that this deed makes of a standing. Of land that would come out of the lock what counts is the land
    /// itself, and for all else what decides of the parcel.
    pub fn situation(&self, standing: &Standing, tolerance: SquareMetres) -> Situation {
        let (from, to) = match *self {
            Self::NewProject { to } | Self::Continuation { to } | Self::OwnWorks { to } => (to, to),
            Self::ChangeOfUse { from, to } | Self::Renewal { from, to } => (from, to),
            Self::BoundaryChange { .. } | Self::Division { .. } => (UseClass::Industrial, UseClass::Industrial),
        };
        let (locked, frees) = match *self {
            Self::BoundaryChange { freed } | Self::Division { freed } => {
                (standing.locked.area_m2 > tolerance, freed > tolerance)
            }
            _ => (standing.is_locked, false),
        };
        Situation {
            deed: self.kind(),
            tier: standing.tier,
            locked,
            plan_known: standing.plan_is_known,
            frees,
            from,
            to,
        }
    }
}

/// What the rulebook of the day says in figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measures {
    /// Locked land that a new boundary may leave out, m².
    pub tolerance_m2: SquareMetres,
    /// Compensating land over the locked land that is taken.
    pub compensation_share: f64,
}

/// What a special approval must bring.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Requirement {
    /// Locked land that is taken, m².
    pub taken_m2: SquareMetres,
    /// Compensating land that the rulebook asks for, m².
    pub compensation_m2: SquareMetres,
    /// Officers who must act: one proposes, another confirms.
    pub officers: u8,
}

/// The answer to a deed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ruling {
    /// What it says.
    pub verdict: Verdict,
    /// The rule that says so.
    pub rule: String,
    /// The version of the table it stands in.
    pub version: String,
    /// The first day on which the rule is in force.
    pub effective_from: NaiveDate,
    /// The text it was read in, or why it is an assumption.
    pub citation: String,
    /// Whether it is landcycle's own proposal.
    pub assumption: bool,
    /// What it says, in words.
    pub title: Words,
    /// What would help, in words.
    pub remedy: Words,
    /// What a special approval would have to bring, where one is needed.
    pub requirement: Option<Requirement>,
    /// Code of the finding that says so, where the rule has one.
    pub finding: Option<String>,
    /// What the rule looked at.
    pub situation: Situation,
    /// What someone should look at besides: where the plan is unknown, or the land lies across a border.
    pub remarks: Vec<Remark>,
}

/// What is to be said where nobody drew the land as it would be: the ruling is about the worst of it.
pub fn worst_case(freed: SquareMetres) -> Remark {
    let m2 = freed.value();
    Remark {
        code: "worst-case",
        zh: format!("未附拟定图形，按全部锁定土地（{m2:.2} 平方米）脱离锁定判定"),
        en: format!(
            "the land as it would be was not drawn: judged as if all its locked land ({m2:.2} m²) came out of the lock"
        ),
    }
}

/// Judges a deed on land that stands so. Nothing on a day before the first rule of the table.
pub fn judge(lockup: &Lockup, measures: &Measures, deed: &Deed, standing: &Standing) -> Option<Ruling> {
    let situation = deed.situation(standing, measures.tolerance_m2);
    let row = lockup.row(&situation, standing.day)?;
    let requirement = (row.verdict == Verdict::NeedsSpecialApproval).then(|| {
        let taken_m2 = match *deed {
            Deed::BoundaryChange { freed } | Deed::Division { freed } => freed,
            _ => standing.locked.area_m2,
        };
        let compensation_m2 = SquareMetres(taken_m2.value() * measures.compensation_share);
        Requirement { taken_m2, compensation_m2, officers: 2 }
    });
    Some(Ruling {
        verdict: row.verdict,
        rule: row.id.clone(),
        version: lockup.version.clone(),
        effective_from: row.effective_from,
        citation: row.citation.clone(),
        assumption: row.assumption,
        title: row.title.clone(),
        remedy: row.remedy.clone(),
        requirement,
        finding: row.finding.clone(),
        situation,
        remarks: standing.remarks(),
    })
}
