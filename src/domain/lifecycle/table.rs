//! The table of moves: which deed leads from which state to which, what triggers it in law, and where that was read. The
//! database keeps the same table and refuses what is not in it; a test holds the two together.

/// A move that a parcel's life knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// The state it starts from.
    pub from: &'static str,
    /// The deed.
    pub deed: &'static str,
    /// The state it leads to.
    pub to: &'static str,
    /// The legal trigger in Chinese.
    pub trigger_zh: &'static str,
    /// The legal trigger in English.
    pub trigger_en: &'static str,
    /// Where the trigger was read.
    pub source: &'static str,
}

macro_rules! moves {
    ($($deed:literal: $($from:literal)|+ => $to:literal, $zh:literal, $en:literal, $source:expr;)+) => {
        &[$($(Move {
            from: $from, deed: $deed, to: $to, trigger_zh: $zh, trigger_en: $en, source: $source,
        }),+),+]
    };
}

const IMPLEMENTING_REGULATION: &str = "Regulation on the Implementation of the Land Administration Law (2021) art. 16";
const BUSINESS_ENVIRONMENT: &str = "Shanghai Regulation on Optimising the Business Environment (2024) art. 40";
const GRANT_RULE: &str = "沪规划资源规〔2021〕6号 arts. 1-2";
const PARCEL_RECORDS: &str = "Parcel records of the Shanghai land market, Minhang 2024 and Baoshan 2024";
const ORDER_53: &str = "Measures on the Disposal of Idle Land (MLR Order 53), as reported";
const REAL_ESTATE_26: &str = "Urban Real Estate Law art. 26";
const SHANGHAI_MEASURES: &str = "Shanghai measures on the Land Administration Law arts. 37-39";
const REAL_ESTATE_22: &str = "Urban Real Estate Law art. 22";
const THREE_TO_FIVE_YEARS: &str = "Press conference of 7 May 2018, news material: review every 3-5 years in use";
const THREE_YEAR_ROUND: &str = "Three-year round of comprehensive assessment (2024), as reported";
const URBAN_RENEWAL: &str = "Shanghai Urban Renewal Regulation (2021) arts. 41, 50";
const INEFFICIENT_LAND: &str = "Shanghai guidance of 2018 on inefficient land: reduction, purchase and storage, market compensation, park repurchase";
const LAND_LAW_58: &str = "Land Administration Law art. 58";
const CADASTRE: &str = "older cadastral rule, as reported in an examination question: a number that was given up is not used again (the text of GB/T 37346 was not read)";

/// Every move. The triggers follow `domain.md` (c); where a state has more ways out than its text names, the way is the
/// plain reading of the deed.
pub const MOVES: &[Move] = moves! {
    "begin_assessment": "reserved" => "pre_assessed",
        "启动区域评估", "the assessments of the base or community begin", BUSINESS_ENVIRONMENT;
    "announce": "pre_assessed" => "announced",
        "区域评估完成，公告供地条件", "the assessments are complete and the supply plan is published", IMPLEMENTING_REGULATION;
    "fail_to_sell": "announced" => "reserved",
        "未成交", "no deal was made", IMPLEMENTING_REGULATION;
    "sign": "announced" => "contracted",
        "签订合同", "the contract is signed", GRANT_RULE;
    "rescind": "contracted" => "reserved",
        "逾期未缴款或保证金，解除合同", "payment or bond stays away after demand, and the contract is rescinded", PARCEL_RECORDS;
    "hand_over": "contracted" => "delivered",
        "付清价款后交地", "the land is handed over after full payment", PARCEL_RECORDS;
    "start": "delivered" | "delayed" | "idle" => "building",
        "开工", "the criterion of a start is met", ORDER_53;
    "miss_date": "delivered" | "building" | "completed" | "in_production" => "delayed",
        "约定期限已过", "an agreed day is missed", PARCEL_RECORDS;
    "extend": "delayed" => "delayed",
        "批准延期", "a later day is approved, with ground and document", PARCEL_RECORDS;
    "investigate_idleness": "delayed" | "building" => "idle",
        "闲置土地调查", "idleness is looked into", ORDER_53;
    "recognise_idleness": "idle" => "idle",
        "认定闲置土地", "idleness is recognised", ORDER_53;
    "remedy_idleness": "idle" => "delayed",
        "延期、置换等处置方案", "a remedy such as extension or swap is agreed", SHANGHAI_MEASURES;
    "accept": "building" | "delayed" => "completed",
        "竣工验收", "the works are accepted", PARCEL_RECORDS;
    "produce": "completed" | "delayed" => "in_production",
        "认定投产", "production is recognised", PARCEL_RECORDS;
    "reach_targets": "in_production" | "delayed" => "operating",
        "达产评估通过", "the promised figures are reached", THREE_TO_FIVE_YEARS;
    "rectify": "in_production" | "operating" => "rectifying",
        "C 类或未达约定，限期整改", "grade C or missed terms: time to mend", THREE_YEAR_ROUND;
    "pass_reassessment": "rectifying" | "listed" => "operating",
        "复评通过", "the re-assessment is passed", THREE_YEAR_ROUND;
    "list": "in_production" | "operating" | "rectifying" => "listed",
        "列入低效用地清单", "put on the list of inefficient land", THREE_YEAR_ROUND;
    "renew": "operating" | "listed" => "renewing",
        "规划调整，更新或提容", "the plan is adjusted for renewal", URBAN_RENEWAL;
    "amend_contract": "renewing" => "building",
        "签订变更或补充合同", "the contract is amended or supplemented", URBAN_RENEWAL;
    "near_expiry": "completed" | "in_production" | "operating" | "rectifying" | "listed" => "expiring",
        "剩余年期不足一年", "a year or less of the term is left", REAL_ESTATE_22;
    "renew_term": "expiring" => "operating",
        "续期获批", "renewal is approved", REAL_ESTATE_22;
    "lapse": "expiring" => "taken_back",
        "期满未续，无偿收回", "the term ends without renewal and the right reverts", REAL_ESTATE_22;
    "decide_disposal": "delayed" => "disposing",
        "解除合同、收回决定", "rescission and take-back are decided", PARCEL_RECORDS;
    "decide_disposal": "idle" => "disposing",
        "收回决定", "take-back is decided", REAL_ESTATE_26;
    "decide_disposal": "listed" => "disposing",
        "处置决定，载明法律依据", "a disposal is decided and names its legal ground", INEFFICIENT_LAND;
    "uphold_objection": "disposing" => "delayed",
        "异议成立", "an objection is upheld", SHANGHAI_MEASURES;
    "uphold_objection": "disposing" => "idle",
        "异议成立", "an objection is upheld", SHANGHAI_MEASURES;
    "uphold_objection": "disposing" => "listed",
        "异议成立", "an objection is upheld", SHANGHAI_MEASURES;
    "take_back": "disposing" => "taken_back",
        "公告期满，收回", "public notice has run and the land is taken back", SHANGHAI_MEASURES;
    "store": "disposing" => "stored",
        "公告期满，收储", "public notice has run and the land is bought into the reserve", INEFFICIENT_LAND;
    "reduce": "disposing" => "reduced",
        "公告期满，减量", "public notice has run and the land is given back to other use", INEFFICIENT_LAND;
    "reserve": "taken_back" | "stored" => "reserved",
        "纳入储备，明确规划", "taken into the reserve with its plan set", IMPLEMENTING_REGULATION;
    "leave_industry": "taken_back" | "stored" | "reduced" => "non_industrial",
        "退出产业用地", "the land is industrial no more", LAND_LAW_58;
    "succeed": "reserved" | "pre_assessed" | "announced" | "contracted" | "delivered" | "building" | "delayed" | "idle" | "completed" | "in_production" | "operating" | "rectifying" | "listed" | "renewing" | "expiring" | "disposing" | "taken_back" | "stored" | "reduced" => "succeeded",
        "分割、合并，原宗地代码注销", "split or merged: successors inherit the duties and the code is retired", CADASTRE;
    "retire": "reserved" | "pre_assessed" | "announced" | "contracted" | "delivered" | "building" | "delayed" | "idle" | "completed" | "in_production" | "operating" | "rectifying" | "listed" | "renewing" | "expiring" | "disposing" | "taken_back" | "stored" | "reduced" => "retired",
        "宗地注销，无承继宗地", "retired without successor: what lay on it is discharged and the code is given up", CADASTRE;
};

/// The moves that start from a state.
pub fn moves_from(state: &str) -> impl Iterator<Item = &'static Move> {
    MOVES.iter().filter(move |one| one.from == state)
}

/// The states with their names in Chinese and English.
pub(super) const STATES: [(&str, (&str, &str)); 22] = [
    ("reserved", ("储备", "in reserve")),
    ("pre_assessed", ("区域评估", "under area assessment")),
    ("announced", ("公告", "announced")),
    ("contracted", ("签约", "under contract")),
    ("delivered", ("交地", "handed over")),
    ("building", ("在建", "being built")),
    ("delayed", ("延期", "delayed")),
    ("idle", ("闲置", "idle")),
    ("completed", ("竣工", "completed")),
    ("in_production", ("投产", "in production")),
    ("operating", ("达产运营", "operating")),
    ("rectifying", ("整改", "mending")),
    ("listed", ("低效", "listed as inefficient")),
    ("renewing", ("更新、提容", "being renewed")),
    ("expiring", ("到期评估", "near the end of its term")),
    ("disposing", ("处置中", "under disposal")),
    ("taken_back", ("收回", "taken back")),
    ("stored", ("收储", "bought into the reserve")),
    ("reduced", ("减量", "reduced")),
    ("succeeded", ("分割、合并", "split or merged")),
    ("retired", ("注销", "retired")),
    ("non_industrial", ("非产业用地", "no industrial land")),
];

/// What a state is called in Chinese and English.
pub(super) fn title(state: &str) -> (&'static str, &'static str) {
    STATES.iter().find(|(name, _)| *name == state).map_or(("", ""), |(_, title)| *title)
}
