// Every colour of the map and of what explains it, in one place. Grades run from blue to red, which stays apart for the
// common kinds of colour blindness; the letter always stands beside the colour.
import type { GradeKey, Tier } from '../api/wire';

export interface Ink {
  fill: string;
  /** Text on the fill, at least 4.5 to 1. */
  ink: string;
}

export const GRADE: Record<GradeKey, Ink> = {
  A: { fill: '#1c69ad', ink: '#ffffff' },
  B: { fill: '#79b9df', ink: '#0d2a3d' },
  C: { fill: '#f3a83f', ink: '#3a2400' },
  D: { fill: '#c2281b', ink: '#ffffff' },
  T: { fill: '#9aa1a8', ink: '#14181c' },
  none: { fill: '#d9dcdf', ink: '#2a3036' },
};

export const TIER: Record<Tier, Ink> = {
  base: { fill: '#1d7a6f', ink: '#ffffff' },
  community: { fill: '#7a5bb0', ink: '#ffffff' },
  fragmented: { fill: '#7a6d5d', ink: '#ffffff' },
};

export const BASE = {
  beyond: '#e3e8ea',
  land: '#f8f7f3',
  border: '#9fa9b0',
  name: '#56626b',
  halo: '#ffffff',
};

export const MARK = {
  drawn: '#0b2f4a' as const,
  hover: '#12181d',
  area: '#8a1457' as const,
  chosen: '#0b0f12',
  chosenHalo: '#ffe14d',
};
