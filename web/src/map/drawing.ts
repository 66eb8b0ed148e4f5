// Drawing a box or a polygon, one mode at a time. It hands over an area and knows nothing of what is asked about it.
import type { Map } from 'maplibre-gl';
import type { Polygon, Position } from 'geojson';
import { TerraDraw, TerraDrawPolygonMode, TerraDrawRectangleMode, ValidateNotSelfIntersecting } from 'terra-draw';
import { TerraDrawMapLibreGLAdapter } from 'terra-draw-maplibre-gl-adapter';
import type { Bounds, Selection } from '../api/wire';
import { MARK } from './palette';

export type Mode = 'look' | 'box' | 'polygon';

const TOOL = { box: 'rectangle', polygon: 'polygon' } as const;
/** Ten centimetres: what is drawn, asked and kept in the address is then one and the same area. */
const PRECISION = 6;

export interface Drawing {
  /** Starts a mode, giving up what was half drawn. */
  start(mode: Mode): void;
  /** Puts an area on the map that was not drawn by hand. */
  show(selection: Selection): void;
  clear(): void;
}

export interface DrawingEvents {
  drawn(selection: Selection): void;
  crossed(): void;
}

const ring = ([west, south, east, north]: Bounds): Position[] => [
  [west, south],
  [east, south],
  [east, north],
  [west, north],
  [west, south],
];

function boundsOf(polygon: Polygon): Bounds {
  const positions = polygon.coordinates[0] ?? [];
  const xs = positions.map((position) => position[0] ?? 0);
  const ys = positions.map((position) => position[1] ?? 0);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

export function createDrawing(map: Map, events: DrawingEvents): Drawing {
  const polygonStyles = {
    fillColor: MARK.drawn,
    fillOpacity: 0.05,
    outlineColor: MARK.drawn,
    outlineWidth: 2.5,
    closingPointColor: MARK.drawn,
    closingPointWidth: 5,
    closingPointOutlineColor: '#ffffff',
    closingPointOutlineWidth: 2,
  } as const;
  const boxStyles = {
    fillColor: MARK.drawn,
    fillOpacity: 0.05,
    outlineColor: MARK.drawn,
    outlineWidth: 2.5,
  } as const;
  const draw = new TerraDraw({
    adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: PRECISION }),
    modes: [
      new TerraDrawRectangleMode({ drawInteraction: 'click-move-or-drag', styles: boxStyles }),
      new TerraDrawPolygonMode({
        styles: polygonStyles,
        // Every kind of update is checked: checked at the end only, a crossing edge could already be placed.
        validation: (feature, context) => {
          const verdict = ValidateNotSelfIntersecting(feature);
          if (!verdict.valid && context.updateType !== 'provisional') events.crossed();
          return verdict;
        },
      }),
    ],
  });
  draw.start();
  draw.setMode('static');

  draw.on('finish', (id) => {
    const feature = draw.getSnapshotFeature(id);
    if (feature?.geometry.type !== 'Polygon') return;
    const polygon: Polygon = { type: 'Polygon', coordinates: feature.geometry.coordinates };
    const isBox = feature.properties['mode'] === TOOL.box;
    // The mode that finished is still handling the event: leave it before the next one is set.
    queueMicrotask(() =>
      events.drawn(isBox ? { kind: 'box', bounds: boundsOf(polygon) } : { kind: 'polygon', polygon }),
    );
  });

  return {
    start(mode) {
      draw.setMode('static');
      if (mode === 'look') return;
      draw.clear();
      draw.setMode(TOOL[mode]);
    },
    show(selection) {
      draw.clear();
      const coordinates = selection.kind === 'box' ? [ring(selection.bounds)] : selection.polygon.coordinates;
      draw.addFeatures([
        { type: 'Feature', geometry: { type: 'Polygon', coordinates }, properties: { mode: TOOL[selection.kind] } },
      ]);
    },
    clear() {
      draw.setMode('static');
      draw.clear();
    },
  };
}
