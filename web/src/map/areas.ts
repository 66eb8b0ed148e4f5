// Renewal areas: candidates that lie together, each outlined as one, with its rank.
import type { GeoJSONSource, Map } from 'maplibre-gl';
import type { RenewalAreas } from '../api/wire';
import { FONT } from './base';
import { BASE, MARK } from './palette';

const SOURCE = 'renewal-areas';

/** Above the parcels, so that an outline is seen around the grades. */
export function addAreas(map: Map): void {
  map.addSource(SOURCE, { type: 'geojson', data: { type: 'FeatureCollection', features: [] } });
  map.addLayer({
    id: 'area-halo',
    type: 'line',
    source: SOURCE,
    layout: { 'line-join': 'round' },
    paint: { 'line-color': BASE.halo, 'line-width': ['interpolate', ['linear'], ['zoom'], 9, 3, 15, 7], 'line-opacity': 0.9 },
  });
  map.addLayer({
    id: 'area-edge',
    type: 'line',
    source: SOURCE,
    layout: { 'line-join': 'round' },
    paint: { 'line-color': MARK.area, 'line-width': ['interpolate', ['linear'], ['zoom'], 9, 1.4, 15, 3.4] },
  });
  map.addLayer({
    id: 'area-ranks',
    type: 'symbol',
    source: SOURCE,
    layout: {
      'text-field': ['to-string', ['get', 'rank']],
      'text-font': FONT,
      'text-size': 14,
      // The largest land first: where two names collide, the lower rank gives way.
      'symbol-sort-key': ['get', 'rank'],
    },
    paint: { 'text-color': MARK.area, 'text-halo-color': BASE.halo, 'text-halo-width': 2.2 },
  });
}

export function showAreas(map: Map, areas: RenewalAreas | null): void {
  // An area whose parcels have no shape any more is listed, and not on the map.
  const features = (areas?.features ?? []).flatMap((one) => (one.geometry ? [{ ...one, geometry: one.geometry }] : []));
  map.getSource<GeoJSONSource>(SOURCE)?.setData({ type: 'FeatureCollection', features });
}
