// What the address bar remembers beside the view: the area asked about and the parcel that is open.
import type { Bounds, Selection } from '../api/wire';

export interface Remembered {
  selection: Selection | null;
  parcel: string | null;
}

/** A longer outline would make an address that no mail program keeps whole. */
const MOST_CORNERS = 150;

const numbers = (words: string): number[] => words.split(',').map(Number);

export function readAddress(hash: string): Remembered {
  const words = new URLSearchParams(hash.replace(/^#/, ''));
  const box = numbers(words.get('box') ?? '');
  const flat = numbers(words.get('area') ?? '');
  let selection: Selection | null = null;
  if (box.length === 4 && box.every(Number.isFinite)) {
    selection = { kind: 'box', bounds: box as Bounds };
  } else if (flat.length >= 6 && flat.length % 2 === 0 && flat.every(Number.isFinite)) {
    const ring: [number, number][] = [];
    for (let at = 0; at < flat.length; at += 2) ring.push([flat[at] ?? 0, flat[at + 1] ?? 0]);
    const first = ring[0];
    if (first) ring.push([...first]);
    selection = { kind: 'polygon', polygon: { type: 'Polygon', coordinates: [ring] } };
  }
  return { selection, parcel: words.get('parcel') };
}

/** The same address with this selection and parcel; the view, which the map writes itself, is left as it stands. */
export function writeAddress(hash: string, { selection, parcel }: Remembered): string {
  const kept = hash
    .replace(/^#/, '')
    .split('&')
    .filter((word) => word !== '' && !/^(box|area|parcel)=/.test(word));
  if (selection?.kind === 'box') kept.push(`box=${selection.bounds.join(',')}`);
  const corners = selection?.kind === 'polygon' ? (selection.polygon.coordinates[0] ?? []) : [];
  if (corners.length > 0 && corners.length <= MOST_CORNERS) kept.push(`area=${corners.slice(0, -1).flat().join(',')}`);
  if (parcel) kept.push(`parcel=${encodeURIComponent(parcel)}`);
  return kept.length > 0 ? `#${kept.join('&')}` : '';
}
