// The districts: the land itself, their borders and names.
import type { ExpressionSpecification, Map } from 'maplibre-gl';
import { FONT, tiles, wholeTiles } from './base';
import { BASE } from './palette';

const LAYER = 'districts';
/** All of Shanghai lies in one tile of this zoom. */
const NAME_ZOOM = 6;

export type Language = 'zh' | 'en';

const nameIn = (language: Language): ExpressionSpecification =>
  language === 'zh' ? ['get', 'name'] : ['coalesce', ['get', 'name_en'], ['get', 'name']];

/** The ground, below all else. */
export function addLand(map: Map): void {
  map.addSource(LAYER, tiles(LAYER));
  map.addLayer({
    id: 'land',
    type: 'fill',
    source: LAYER,
    'source-layer': LAYER,
    paint: { 'fill-color': BASE.land, 'fill-antialias': false },
  });
}

/** Borders and names, above the parcels where they would hide. */
export function addBorders(map: Map, language: Language): void {
  map.addLayer({
    id: 'district-borders',
    type: 'line',
    source: LAYER,
    'source-layer': LAYER,
    layout: { 'line-join': 'round' },
    paint: {
      'line-color': BASE.border,
      'line-width': ['interpolate', ['linear'], ['zoom'], 8, 0.8, 12, 1.6, 16, 2.4],
      'line-dasharray': [4, 2],
    },
  });
  map.addSource('district-names', wholeTiles(LAYER, NAME_ZOOM));
  map.addLayer({
    id: 'district-names',
    type: 'symbol',
    source: 'district-names',
    'source-layer': LAYER,
    maxzoom: 13.5,
    layout: {
      'text-field': nameIn(language),
      'text-font': FONT,
      'text-size': ['interpolate', ['linear'], ['zoom'], 8, 12, 12, 17],
      'text-letter-spacing': 0.08,
      'text-padding': 8,
    },
    paint: { 'text-color': BASE.name, 'text-halo-color': BASE.halo, 'text-halo-width': 1.6 },
  });
}

export function nameDistricts(map: Map, language: Language): void {
  if (map.getLayer('district-names')) map.setLayoutProperty('district-names', 'text-field', nameIn(language));
}
