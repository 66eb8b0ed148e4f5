// The JSON that the server speaks, field by field. It knows no component and no map.
import type { Feature, MultiPolygon, Polygon } from 'geojson';

/** West, south, east, north in degrees. */
export type Bounds = [number, number, number, number];

/** A grade; `none` stands in summaries for parcels that no run has looked at. */
export type Grade = 'A' | 'B' | 'C' | 'D' | 'T';
export type GradeKey = Grade | 'none';
export const GRADES: readonly GradeKey[] = ['A', 'B', 'C', 'D', 'T', 'none'];

export type Tier = 'base' | 'community' | 'fragmented';
export const TIERS: readonly Tier[] = ['base', 'community', 'fragmented'];

export interface Bilingual {
  zh: string;
  en: string;
}

export interface Run {
  id: number;
  scheme: string;
  scheme_title: Bilingual;
  as_of: string;
  state: string;
  by_grade: Partial<Record<GradeKey, number>>;
}

export interface District {
  code: string;
  name: string;
  name_en: string | null;
}

export interface City {
  name: string;
  name_en: string | null;
  made_up: boolean;
  note: Bilingual | null;
  revision: number;
  bounds: Bounds | null;
  parcels: number;
  run: Run | null;
  districts: District[];
}

export interface Share {
  count: number;
  area_m2: number;
}

export interface Summary {
  count: number;
  area_m2: number;
  area_mu: number;
  floor_area_m2: number | null;
  plot_ratio: { built: number | null; allowed: number | null };
  by_grade: Partial<Record<GradeKey, Share>>;
  by_tier: Partial<Record<Tier, Share>>;
  by_land_use: Record<string, Share>;
  by_district: Record<string, Share>;
  by_outcome: Record<string, Share>;
  expiring: { within_18_months: number };
}

export interface ParcelProperties {
  parcel_code: string;
  district: string;
  park: string | null;
  tier: Tier;
  locked: boolean;
  land_use: string;
  area_m2: number;
  area_mu: number;
  plot_ratio_built: number | null;
  plot_ratio_allowed: number | null;
  grade: Grade | null;
  score: number | null;
  outcome: string | null;
  term_end: string | null;
}

/** Candidates of a run that lie together, as one piece of land. */
export interface RenewalArea {
  rank: number;
  parcels: number;
  area_m2: number;
  districts: string[];
  holders: number;
}
export type RenewalAreaFeature = Feature<MultiPolygon | null, RenewalArea>;

export interface RenewalAreas {
  type: 'FeatureCollection';
  revision: number;
  run: number;
  within_m: number;
  candidates: number;
  large_enough: number;
  /** The rank after which more would follow; nothing where these are all. */
  next: number | null;
  features: RenewalAreaFeature[];
}

export type ParcelFeature = Feature<Polygon | MultiPolygon, ParcelProperties>;

export interface SearchPage {
  revision: number;
  summary: Summary;
  features: ParcelFeature[];
  next: string | null;
}

/** What is asked: a box or a polygon, never both. */
export type Selection = { kind: 'box'; bounds: Bounds } | { kind: 'polygon'; polygon: Polygon };

export interface Obligation {
  number: string;
  kind: string;
  due_on: string | null;
  target: number | null;
  unit: string | null;
  comparator: string | null;
  met_on: string | null;
  achieved: number | null;
  excuse: string | null;
  late_days: number | null;
  clock: { state: string; state_zh: string; days: number | null; how: Bilingual };
}

export interface Contract {
  number: string;
  kind: string;
  holder: string | null;
  holder_name: string | null;
  signed_on: string | null;
  term_starts_on: string | null;
  term_ends_on: string | null;
  price_wan_yuan: number | null;
  plot_ratio_low: number | null;
  plot_ratio_high: number | null;
  performance_terms: boolean | null;
  responsible_unit: string | null;
  apply_to_renew_by: string | null;
  obligations: Obligation[];
}

export interface Indicator {
  key: string;
  title: Bilingual;
  unit: string;
  value: number | null;
  benchmark: number | null;
  weight: number;
  points: number | null;
  missing: boolean;
}

export interface Review {
  run_id: number;
  scheme: string;
  as_of: string;
  state: string;
  grade: Grade;
  score: number | null;
  rank: number | null;
  peer_group: string | null;
  outcome: string | null;
  channel: string | null;
  legal_ground: { zh: string; en: string } | null;
  evidence_required: { zh: string; en: string } | null;
  explanation: { zh: string[]; en: string[] };
  indicators: Indicator[];
  receipt: string | null;
}

/** One thing that happened to a parcel, or will. */
export interface Happening {
  on: string;
  kind: string;
  zh: string;
  en: string;
  reference: string | null;
  document: string | null;
  to_come: boolean;
  /** Of a state, the rule that led to it. */
  rule?: { id: string; version: string; trigger: Bilingual; source: string };
  /** Of a state, what that cost or gave back. */
  money?: { kind: string; fen: number | null; is: string; zh: string; en: string }[];
}

export interface Dossier {
  revision: number;
  parcel: {
    code: string;
    district: string;
    district_name: string | null;
    park: string | null;
    park_name: string | null;
    tier: Tier;
    locked: boolean;
    land_use: string;
    land_use_scheme: string | null;
    registered_area_m2: number | null;
    area_m2: number;
    area_mu: number;
    plot_ratio_built: number | null;
    plot_ratio_allowed: number | null;
    plot_ratio_reference: { value: number; basis: string; assumption: boolean } | null;
    address: string | null;
    valid_from: string | null;
    geometry: Polygon | MultiPolygon;
    bounds: Bounds | null;
  };
  versions: { valid_from: string; valid_to: string | null; recorded_from: string; recorded_to: string | null }[];
  zones: { code: string; name: string; tier: Tier; locked: boolean; share: number }[];
  buildings: {
    count: number;
    footprint_m2: number | null;
    floor_area_m2: number | null;
    used_floor_area_m2: number | null;
  };
  contracts: Contract[];
  life: { title: Bilingual; since: string } | null;
  timeline: Happening[];
  occupancies: {
    enterprise: string;
    name: string | null;
    industry: string | null;
    role: string;
    floor_area_m2: number | null;
    from: string | null;
    to: string | null;
    tax_is_local: boolean | null;
  }[];
  returns: {
    year: number;
    output_wan_yuan: number | null;
    tax_wan_yuan: number | null;
    value_added_wan_yuan: number | null;
    staff: number | null;
    energy_tce: number | null;
  }[];
  review: Review | null;
}
