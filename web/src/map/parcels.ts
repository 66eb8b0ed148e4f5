// The parcels, coloured by grade; which one the pointer is on and which one is open.
import type { FilterSpecification, Map, MapGeoJSONFeature } from 'maplibre-gl';
import { GRADES, type GradeKey } from '../api/wire';
import { FONT, tiles, wholeTiles } from './base';
import { GRADE, MARK } from './palette';

const LAYER = 'parcels';
/** Two zooms coarser than where letters begin: a quarter of the cuts a side, and one or two tiles a view. */
const LETTER_ZOOM = 13;

export interface ParcelUnderPointer {
  code: string;
  grade: GradeKey;
  tier: string;
}

const grade = ['coalesce', ['get', 'grade'], 'none'];
const colour = [
  'match',
  grade,
  ...GRADES.filter((key) => key !== 'none').flatMap((key) => [key, GRADE[key].fill]),
  GRADE.none.fill,
] as never;

const isCode = (code: string): FilterSpecification => ['==', ['get', 'code'], code];

export function addParcels(map: Map): void {
  map.addSource(LAYER, tiles(LAYER));
  map.addLayer({
    id: 'parcels',
    type: 'fill',
    source: LAYER,
    'source-layer': LAYER,
    paint: { 'fill-color': colour, 'fill-opacity': 0.9 },
  });
  map.addLayer({
    id: 'parcel-edges',
    type: 'line',
    source: LAYER,
    'source-layer': LAYER,
    minzoom: 12.5,
    paint: {
      'line-color': '#ffffff',
      'line-width': ['interpolate', ['linear'], ['zoom'], 12.5, 0.3, 16, 1.4],
      'line-opacity': 0.9,
    },
  });
}

/** Marks and letters, above the borders. */
export function addParcelMarks(map: Map): void {
  map.addSource('parcel-letters', wholeTiles(LAYER, LETTER_ZOOM));
  map.addLayer({
    id: 'parcel-letters',
    type: 'symbol',
    source: 'parcel-letters',
    'source-layer': LAYER,
    minzoom: 15,
    layout: { 'text-field': ['get', 'grade'], 'text-font': FONT, 'text-size': 13 },
    paint: { 'text-color': '#ffffff', 'text-halo-color': 'rgba(20, 24, 28, 0.75)', 'text-halo-width': 1.4 },
  });
  const line = (id: string, color: string, width: number) =>
    map.addLayer({
      id,
      type: 'line',
      source: LAYER,
      'source-layer': LAYER,
      filter: isCode(''),
      layout: { 'line-join': 'round' },
      paint: { 'line-color': color, 'line-width': width },
    });
  line('parcel-hover', MARK.hover, 2);
  line('parcel-chosen-halo', MARK.chosenHalo, 7);
  line('parcel-chosen', MARK.chosen, 2.4);
}

/** Shows only some grades. */
export function showGrades(map: Map, hidden: ReadonlySet<GradeKey>): void {
  const shown = GRADES.filter((key) => !hidden.has(key));
  const filter: FilterSpecification | null =
    hidden.size === 0 ? null : (['in', grade, ['literal', shown]] as unknown as FilterSpecification);
  for (const id of ['parcels', 'parcel-edges', 'parcel-letters']) if (map.getLayer(id)) map.setFilter(id, filter);
}

export function markHover(map: Map, code: string | null): void {
  if (map.getLayer('parcel-hover')) map.setFilter('parcel-hover', isCode(code ?? ''));
}

export function markChosen(map: Map, code: string | null): void {
  for (const id of ['parcel-chosen-halo', 'parcel-chosen']) if (map.getLayer(id)) map.setFilter(id, isCode(code ?? ''));
}

/** The parcel at a place on the screen, if one is shown there. */
export function parcelAt(map: Map, point: { x: number; y: number }): ParcelUnderPointer | null {
  if (!map.getLayer('parcels')) return null;
  const found: MapGeoJSONFeature | undefined = map.queryRenderedFeatures([point.x, point.y], { layers: ['parcels'] })[0];
  if (!found) return null;
  const { code, grade: letter, tier } = found.properties as Record<string, unknown>;
  return typeof code === 'string' ? { code, grade: (letter ?? 'none') as GradeKey, tier: String(tier ?? '') } : null;
}
