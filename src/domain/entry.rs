//! Entry of a new project (准入): whether the two locks admit it to its land, whether its park leads with its industry, and
//! whether what it promises keeps to the bottom line of average efficiency (seeds 003 and 004). What cannot be judged is no
//! pass.

use super::basis::Basis;
use super::quantity::WanYuanPerMu;
use super::review::indicator::Indicator;
use super::zoning::Tier;
use super::zoning::verdict::{self, Verdict};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use std::collections::BTreeMap;

/// The key of the digits of GB/T 4754 by which peers are told.
pub const PEER_DIGITS: &str = "entry-peer-digits";

/// A project that asks for land.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Its industry, two to four digits of GB/T 4754.
    pub industry: String,
    /// Tax it promises a year.
    pub tax: Option<WanYuanPerMu>,
    /// Output it promises a year.
    pub output: Option<WanYuanPerMu>,
    /// Fixed assets it promises in all.
    pub investment: Option<WanYuanPerMu>,
}

impl Project {
    /// What it promises of each figure that is held against its peers.
    pub fn promises(&self) -> [(Indicator, Option<WanYuanPerMu>); 3] {
        [(Indicator::TaxInt, self.tax), (Indicator::OutInt, self.output), (Indicator::InvInt, self.investment)]
    }
}

/// The park that the land lies in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Park {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: Option<String>,
    /// The classes it leads with, at most three; empty where it has named none.
    pub leading_industries: Vec<String>,
}

/// The land that a project asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// What the two locks say to a new project on it.
    pub lock: verdict::Ruling,
    /// Its park; nothing outside all parks.
    pub park: Option<Park>,
}

impl Place {
    /// Where it stands; nothing where no plan is on record for the day.
    pub fn tier(&self) -> Option<Tier> {
        self.lock.situation.plan_known.then_some(self.lock.situation.tier)
    }
}

/// The mean of a figure over peers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mean {
    /// The mean, 万元/亩.
    pub value: f64,
    /// Over how many parcels.
    pub peers: u64,
}

/// A published review, as far as it concerns the peers of a project.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The run.
    pub run: i64,
    /// The day it judged.
    pub as_of: NaiveDate,
    /// Who published it.
    pub published_by: String,
    /// When.
    pub published_at: DateTime<Utc>,
    /// The division of the peers.
    pub division: String,
    /// Their means.
    pub means: BTreeMap<Indicator, Mean>,
}

/// What is asked of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// New projects go where the two locks let them: the table of the locks answers.
    Tier,
    /// A park leads with at most three industries.
    LeadingIndustries,
    /// Tax a mu keeps to the mean.
    AverageTax,
    /// Output a mu keeps to the mean.
    AverageOutput,
    /// Fixed assets a mu keep to the mean.
    AverageInvestment,
}

impl Rule {
    /// Those that are cited here: what the locks say is cited by their own table.
    pub const CITED: [Self; 4] =
        [Self::LeadingIndustries, Self::AverageTax, Self::AverageOutput, Self::AverageInvestment];

    /// The word used on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tier => "tier",
            Self::LeadingIndustries => "leading-industries",
            Self::AverageTax => "average-tax",
            Self::AverageOutput => "average-output",
            Self::AverageInvestment => "average-investment",
        }
    }
}

/// Why a rule could not be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unknown {
    /// No zone is law on the day.
    NoPlanOnRecord,
    /// The park has named no leading industry.
    NoLeadingIndustries,
    /// No review is published.
    NoPublishedReview,
    /// Too few peers have the figure.
    TooFewPeers,
    /// The project does not promise the figure.
    NothingPromised,
}

impl Unknown {
    /// What is said where nobody can say more.
    pub const ANSWER: &'static str = "cannot-be-judged";

    /// In words, Chinese and English.
    pub fn words(self) -> [&'static str; 2] {
        match self {
            Self::NoPlanOnRecord => ["该日登记中没有产业基地和社区", "no base or community is on record for the day"],
            Self::NoLeadingIndustries => ["园区未登记主导产业", "the park has named no leading industry"],
            Self::NoPublishedReview => ["没有已公布的评估", "no review is published; landcycle review publish does it"],
            Self::TooFewPeers => ["同行业同层级样本不足", "too few peers of its division and tier have the figure"],
            Self::NothingPromised => ["项目未承诺该指标", "the project does not promise the figure"],
        }
    }

    /// The word used on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoPlanOnRecord => "no-plan-on-record",
            Self::NoLeadingIndustries => "no-leading-industries",
            Self::NoPublishedReview => "no-published-review",
            Self::TooFewPeers => "too-few-peers",
            Self::NothingPromised => "nothing-promised",
        }
    }
}

/// The answer of one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// What it says, or why it can't.
    pub answer: Result<Verdict, Unknown>,
    /// Where the rule was read.
    pub citation: String,
    /// Whether it is landcycle's own, in part or whole.
    pub assumption: bool,
    /// The ruling of the two locks, where it is theirs; without a plan on record they refuse nothing, which is no pass.
    pub lock: Option<verdict::Ruling>,
    /// What was promised, where it is about a figure.
    pub promised: Option<WanYuanPerMu>,
    /// What it was held against.
    pub mean: Option<Mean>,
}

/// The answer to a project.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruling {
    /// The strictest verdict; nothing where none forbids and something could not be judged.
    pub verdict: Option<Verdict>,
    /// What each rule says.
    pub findings: Vec<Finding>,
}

/// Rules on a project, on a day. A mean rests on at least so many peers.
pub fn check(
    project: &Project,
    place: &Place,
    published: Option<&Published>,
    least_peers: u64,
    (basis, day): (&Basis, NaiveDate),
) -> Ruling {
    let cited = |rule: Rule| {
        // Reading lets no rule be without one.
        basis.on(rule.name(), day).map_or((String::new(), true), |one| (one.text.clone(), one.assumption))
    };
    let tier = Finding {
        rule: Rule::Tier,
        answer: place.tier().map(|_| place.lock.verdict).ok_or(Unknown::NoPlanOnRecord),
        citation: place.lock.citation.clone(),
        assumption: place.lock.assumption,
        lock: Some(place.lock.clone()),
        promised: None,
        mean: None,
    };
    let leading = match &place.park {
        // The rule is about parks; land outside all of them has no list to keep to.
        None => Ok(Verdict::Allowed),
        Some(park) if park.leading_industries.is_empty() => Err(Unknown::NoLeadingIndustries),
        Some(park) if park.leading_industries.iter().any(|class| is_of(&project.industry, class)) => {
            Ok(Verdict::Allowed)
        }
        Some(_) => Ok(Verdict::NeedsSpecialApproval),
    };
    let (citation, assumption) = cited(Rule::LeadingIndustries);
    let leading = Finding {
        rule: Rule::LeadingIndustries,
        answer: leading,
        citation,
        assumption,
        lock: None,
        promised: None,
        mean: None,
    };
    let mut findings = vec![tier, leading];
    for (indicator, promised) in project.promises() {
        let rule = match indicator {
            Indicator::TaxInt => Rule::AverageTax,
            Indicator::OutInt => Rule::AverageOutput,
            _ => Rule::AverageInvestment,
        };
        let mean = published.and_then(|published| published.means.get(&indicator)).copied();
        let answer = match (published, mean, promised) {
            (None, ..) => Err(Unknown::NoPublishedReview),
            (_, None, _) => Err(Unknown::TooFewPeers),
            (_, Some(mean), _) if mean.peers < least_peers => Err(Unknown::TooFewPeers),
            (_, _, None) => Err(Unknown::NothingPromised),
            (_, Some(mean), Some(promised)) if promised.value() < mean.value => Ok(Verdict::Forbidden),
            _ => Ok(Verdict::Allowed),
        };
        // A mean of few would show a single enterprise's figures.
        let mean = mean.filter(|mean| mean.peers >= least_peers);
        let (citation, assumption) = cited(rule);
        findings.push(Finding { rule, answer, citation, assumption, lock: None, promised, mean });
    }
    let known = findings.iter().filter_map(|finding| finding.answer.ok()).max();
    let is_open = findings.iter().any(|finding| finding.answer.is_err());
    Ruling { verdict: known.filter(|verdict| !is_open || *verdict == Verdict::Forbidden), findings }
}

/// Whether an industry belongs to a class: the same digits, or more of them.
fn is_of(industry: &str, class: &str) -> bool {
    industry.starts_with(class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::land_use::UseClass;
    use crate::domain::quantity::SquareMetres;
    use crate::domain::zoning::lockup::Lockup;
    use crate::domain::zoning::standing::{self, Measured, Part, Standing};
    use crate::domain::zoning::verdict::{Deed, Measures, judge};
    use proptest::prelude::*;

    fn published(mean: f64, peers: u64) -> Published {
        let means =
            [Indicator::TaxInt, Indicator::OutInt, Indicator::InvInt].map(|one| (one, Mean { value: mean, peers }));
        Published {
            run: 1,
            as_of: NaiveDate::default(),
            published_by: "cli:b".into(),
            published_at: DateTime::<Utc>::default(),
            division: "39".into(),
            means: means.into_iter().collect(),
        }
    }

    fn project(promise: Option<f64>) -> Project {
        let promise = promise.map(WanYuanPerMu);
        Project { industry: "3973".into(), tax: promise, output: promise, investment: promise }
    }

    fn place(tier: Option<Tier>, leading: &[&str]) -> Place {
        let leading_industries = leading.iter().map(|one| (*one).to_owned()).collect();
        let park = Some(Park { code: "P".into(), name: None, leading_industries });
        Place { lock: lock(tier, UseClass::Industrial, NaiveDate::from_ymd_opt(2026, 6, 30).expect("a day")), park }
    }

    /// What the two locks say to a new project on a hectare of one tier; without a tier no plan is on record.
    fn lock(tier: Option<Tier>, to: UseClass, day: NaiveDate) -> verdict::Ruling {
        let part = |share: f64| Part { area_m2: SquareMetres(share * 10_000.0), share };
        let is = |one| part(if tier == Some(one) { 1.0 } else { 0.0 });
        let (base, community) = (is(Tier::Base), is(Tier::Community));
        let zoned = part(base.share + community.share);
        let measured = Measured { area_m2: SquareMetres(10_000.0), base, community, zoned, locked: part(0.0) };
        let rule = standing::Rule { deciding_share: 0.5, border_tolerance: 0.01 };
        let standing = Standing::of(day, &measured, rule, tier.is_some(), Vec::new());
        let lockup = Lockup::parse(include_str!("../../data/rulebook/lockup.toml")).expect("well formed");
        let measures = Measures { tolerance_m2: SquareMetres(10.0), compensation_share: 0.0 };
        judge(&lockup, &measures, &Deed::NewProject { to }, &standing).expect("a rule")
    }

    fn check(project: &Project, place: &Place, published: Option<&Published>, least_peers: u64) -> Ruling {
        let basis = include_str!("../../data/rulebook/entry.toml");
        let basis = Basis::parse(basis, &Rule::CITED.map(Rule::name)).expect("well formed");
        super::check(project, place, published, least_peers, (&basis, place.lock.effective_from))
    }

    fn verdict(project: &Project, place: &Place, published: Option<&Published>) -> Option<Verdict> {
        check(project, place, published, 5).verdict
    }

    #[test]
    fn a_project_at_the_mean_in_a_base_of_its_industry_is_admitted() {
        let good = place(Some(Tier::Base), &["35", "397"]);
        assert_eq!(verdict(&project(Some(40.0)), &good, Some(&published(40.0, 5))), Some(Verdict::Allowed));
        assert_eq!(verdict(&project(Some(39.9)), &good, Some(&published(40.0, 5))), Some(Verdict::Forbidden));
        let other = place(Some(Tier::Community), &["27"]);
        assert_eq!(
            verdict(&project(Some(40.0)), &other, Some(&published(40.0, 5))),
            Some(Verdict::NeedsSpecialApproval)
        );
        let fragmented = place(Some(Tier::Fragmented), &["39"]);
        assert_eq!(verdict(&project(Some(99.0)), &fragmented, None), Some(Verdict::Forbidden));
    }

    #[test]
    fn the_tier_is_what_the_two_locks_say_with_their_rule_and_day() {
        let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a day");
        for (tier, to, day, verdict, rule) in [
            (Tier::Base, UseClass::Industrial, day(2026, 6, 30), Verdict::Allowed, "no-lock"),
            (Tier::Community, UseClass::Storage, day(2026, 6, 30), Verdict::Allowed, "no-lock"),
            (Tier::Fragmented, UseClass::Industrial, day(2018, 5, 7), Verdict::Forbidden, "lock-2-new-project"),
            (Tier::Fragmented, UseClass::Industrial, day(2018, 5, 6), Verdict::Allowed, "no-lock"),
            (
                Tier::Fragmented,
                UseClass::Research,
                day(2026, 6, 30),
                Verdict::Forbidden,
                "lock-2-new-research-or-storage",
            ),
        ] {
            let place = Place { lock: lock(Some(tier), to, day), park: None };
            let ruling = check(&project(None), &place, None, 5);
            let found = &ruling.findings[0];
            assert_eq!((found.rule, found.answer), (Rule::Tier, Ok(verdict)), "{tier:?} {to:?} {day}");
            let lock = found.lock.as_ref().expect("the ruling of the locks");
            assert_eq!((lock.rule.as_str(), lock.verdict), (rule, verdict), "{tier:?} {to:?} {day}");
            assert_eq!(found.citation, lock.citation);
        }
    }

    #[test]
    fn what_cannot_be_judged_is_no_pass_and_says_why() {
        let why = |project: &Project, place: &Place, published: Option<&Published>| {
            let ruling = check(project, place, published, 5);
            assert_eq!(ruling.verdict, None);
            let why = ruling.findings.iter().filter_map(|finding| finding.answer.err());
            why.map(Unknown::name).collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        };
        let good = place(Some(Tier::Base), &["39"]);
        assert_eq!(why(&project(Some(99.0)), &good, None), ["no-published-review"]);
        assert_eq!(why(&project(Some(99.0)), &good, Some(&published(1.0, 4))), ["too-few-peers"]);
        assert_eq!(why(&project(None), &good, Some(&published(1.0, 5))), ["nothing-promised"]);
        assert_eq!(
            why(&project(Some(9.0)), &place(Some(Tier::Base), &[]), Some(&published(1.0, 5))),
            ["no-leading-industries"]
        );
        assert_eq!(why(&project(Some(9.0)), &place(None, &["39"]), Some(&published(1.0, 5))), ["no-plan-on-record"]);
    }

    #[test]
    fn a_mean_of_few_is_not_shown() {
        let ruling = check(&project(Some(9.0)), &place(Some(Tier::Base), &["39"]), Some(&published(7.0, 4)), 5);
        assert!(ruling.findings.iter().all(|finding| finding.mean.is_none()));
    }

    proptest! {
        #[test]
        fn without_a_published_review_no_project_passes(
            promise in proptest::option::of(0.0_f64..1e6), tier in 0_usize..3, leads in any::<bool>(),
        ) {
            let place = place(Some(Tier::ALL[tier]), if leads { &["39"] } else { &["27"] });
            prop_assert_ne!(verdict(&project(promise), &place, None), Some(Verdict::Allowed));
        }
    }
}
