// Industrial bases and communities: a tint that is off until asked for, so that grades stay the first thing seen.
import type { Map } from 'maplibre-gl';
import { FONT, tiles, wholeTiles } from './base';
import { BASE, TIER } from './palette';

const LAYER = 'zones';
/** Coarse enough that hardly a zone is cut, fine enough that none is dropped. */
const NAME_ZOOM = 8;
const LAYERS = ['zone-tint', 'zone-edge', 'zone-lock', 'zone-names'];

const colour = ['match', ['get', 'tier'], 'base', TIER.base.fill, TIER.community.fill] as never;

export function addZones(map: Map): void {
  map.addSource(LAYER, tiles(LAYER));
  map.addLayer({
    id: 'zone-tint',
    type: 'fill',
    source: LAYER,
    'source-layer': LAYER,
    layout: { visibility: 'none' },
    paint: { 'fill-color': colour, 'fill-opacity': 0.2 },
  });
}

/** Edges and names lie above the parcels, the tint below them. */
export function addZoneEdges(map: Map): void {
  map.addSource('zone-names', wholeTiles(LAYER, NAME_ZOOM));
  map.addLayer({
    id: 'zone-edge',
    type: 'line',
    source: LAYER,
    'source-layer': LAYER,
    layout: { visibility: 'none', 'line-join': 'round' },
    paint: { 'line-color': colour, 'line-width': ['interpolate', ['linear'], ['zoom'], 8, 1, 14, 2.4] },
  });
  map.addLayer({
    id: 'zone-lock',
    type: 'line',
    source: LAYER,
    'source-layer': LAYER,
    // Lock 1: a second, inner line says that the plan reserves this land.
    filter: ['in', ['to-string', ['get', 'locked']], ['literal', ['true', '1']]],
    minzoom: 11,
    layout: { visibility: 'none', 'line-join': 'round' },
    paint: { 'line-color': colour, 'line-width': 1, 'line-offset': 4 },
  });
  map.addLayer({
    id: 'zone-names',
    type: 'symbol',
    source: 'zone-names',
    'source-layer': LAYER,
    minzoom: 12,
    layout: {
      visibility: 'none',
      'text-field': ['get', 'name'],
      'text-font': FONT,
      'text-size': 13,
      'text-padding': 12,
    },
    paint: { 'text-color': colour, 'text-halo-color': BASE.halo, 'text-halo-width': 1.8 },
  });
}

export function showZones(map: Map, shown: boolean): void {
  for (const id of LAYERS) {
    if (map.getLayer(id)) map.setLayoutProperty(id, 'visibility', shown ? 'visible' : 'none');
  }
}
