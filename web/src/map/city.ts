// The map of the city: makes it, stacks the layers, and tells the page what the pointer did.
import type { MultiPolygon } from 'geojson';
import * as maplibregl from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import 'maplibre-gl/dist/maplibre-gl.css';
import type { Bounds, City, GradeKey, RenewalAreas, Selection } from '../api/wire';
import { addAreas, showAreas } from './areas';
import { base } from './base';
import { addBorders, addLand, type Language, nameDistricts } from './districts';
import { createDrawing, type Drawing, type Mode } from './drawing';
import { addParcelMarks, addParcels, markChosen, markHover, parcelAt, type ParcelUnderPointer, showGrades } from './parcels';
import { addZoneEdges, addZones, showZones } from './zones';

maplibregl.setWorkerUrl(workerUrl);

export interface MapEvents {
  hovered(parcel: ParcelUnderPointer | null, at: { x: number; y: number }): void;
  clicked(code: string | null): void;
  drawn(selection: Selection): void;
  crossed(): void;
  busy(busy: boolean): void;
  failed(message: string): void;
}

export interface CityMap {
  setMode(mode: Mode): void;
  showSelection(selection: Selection, move: boolean): void;
  clearSelection(): void;
  hover(code: string | null): void;
  choose(code: string | null): void;
  showGrades(hidden: ReadonlySet<GradeKey>): void;
  showZones(shown: boolean): void;
  showAreas(areas: RenewalAreas | null): void;
  speak(language: Language): void;
  /** The data changed: tiles are asked for anew. */
  refresh(): void;
  fit(bounds: Bounds): void;
  fitLand(land: MultiPolygon): void;
  /** What can be seen beside the panel. */
  view(): Bounds;
  zoom(by: 1 | -1): void;
  remove(): void;
}

declare global {
  interface Window {
    /** For the browser test: the map, and whether everything asked for has been drawn. */
    __map?: maplibregl.Map;
    __idle?: boolean;
  }
}

/** Where Shanghai lies, for a city that has no parcels yet. */
const SHANGHAI: Bounds = [120.86, 30.68, 121.98, 31.87];
/** The panel covers the left: what is fitted or centred goes to the part that can be seen. */
const PANEL = 444;
const EDGE = 56;

export function createCityMap(container: HTMLElement, city: City, language: Language, events: MapEvents): CityMap {
  const map = new maplibregl.Map({
    container,
    style: base,
    bounds: city.bounds ?? SHANGHAI,
    fitBoundsOptions: { padding: { top: EDGE, bottom: EDGE, right: EDGE, left: PANEL } },
    hash: 'map',
    minZoom: 6,
    maxZoom: 20,
    // Past their last zoom tiles are enlarged, never cut again: a cut polygon would be named in every piece.
    zoomLevelsToOverscale: 20,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    // The browser draws the letters itself; this is the family it takes for Chinese.
    localIdeographFontFamily: '"Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif',
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new maplibregl.ScaleControl({ unit: 'metric', maxWidth: 110 }), 'bottom-right');

  let drawing: Drawing | null = null;
  let mode: Mode = 'look';
  let removed = false;
  const idle = (is: boolean) => {
    window.__idle = is;
    document.documentElement.dataset['idle'] = String(is);
    events.busy(!is);
  };
  window.__map = map;
  idle(false);

  const whenReady: (() => void)[] = [];
  /** Changes what is shown, now or as soon as there are layers; the map is not at rest until that is drawn. */
  const ready = (act: () => void) => {
    if (!drawing) return void whenReady.push(act);
    idle(false);
    act();
    map.triggerRepaint();
  };
  map.on('idle', () => drawing && idle(true));
  map.on('movestart', () => idle(false));
  map.on('dataloading', () => idle(false));
  map.on('error', (event) => events.failed(event.error.message));

  map.on('load', () => {
    addLand(map);
    addZones(map);
    addParcels(map);
    addBorders(map, language);
    addZoneEdges(map);
    addAreas(map);
    addParcelMarks(map);
    drawing = createDrawing(map, {
      drawn: (selection) => {
        mode = 'look';
        drawing?.start('look');
        events.drawn(selection);
      },
      crossed: () => events.crossed(),
    });
    for (const act of whenReady.splice(0)) act();
  });

  let frame = 0;
  map.on('mousemove', ({ point }) => {
    if (mode !== 'look' || frame) return;
    // Once a frame is as often as anything can be seen.
    frame = requestAnimationFrame(() => {
      frame = 0;
      if (removed || mode !== 'look') return;
      const parcel = parcelAt(map, point);
      map.getCanvas().style.cursor = parcel ? 'pointer' : '';
      markHover(map, parcel?.code ?? null);
      events.hovered(parcel, point);
    });
  });
  map.on('mouseout', () => {
    markHover(map, null);
    events.hovered(null, { x: 0, y: 0 });
  });
  // The click that ends a drawing comes to the map as well, after the mode has gone back to looking: what was pressed
  // while drawing asks about no parcel.
  let pressedIn: Mode = 'look';
  map.on('mousedown', () => (pressedIn = mode));
  map.on('touchstart', () => (pressedIn = mode));
  map.on('click', ({ point }) => {
    if (mode === 'look' && pressedIn === 'look') events.clicked(parcelAt(map, point)?.code ?? null);
  });

  const fit = (bounds: Bounds, maxZoom = 16) =>
    map.fitBounds(bounds, {
      padding: { top: EDGE + 20, bottom: EDGE, right: EDGE + 20, left: PANEL },
      maxZoom,
      duration: matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 700,
    });

  return {
    setMode(next) {
      ready(() => {
        mode = next;
        drawing?.start(next);
        markHover(map, null);
        events.hovered(null, { x: 0, y: 0 });
        if (next === 'look') map.getCanvas().style.cursor = '';
      });
    },
    showSelection(selection, move) {
      ready(() => {
        drawing?.show(selection);
        if (move) fit(boundsOf(selection));
      });
    },
    clearSelection: () => ready(() => drawing?.clear()),
    hover: (code) => markHover(map, code),
    choose: (code) => ready(() => markChosen(map, code)),
    showGrades: (hidden) => ready(() => showGrades(map, hidden)),
    showZones: (shown) => ready(() => showZones(map, shown)),
    showAreas: (areas) => ready(() => showAreas(map, areas)),
    speak: (next) => ready(() => nameDistricts(map, next)),
    refresh: () =>
      ready(() => {
        for (const id of Object.keys(map.getStyle().sources)) {
          const source = map.getSource(id);
          if (source instanceof maplibregl.VectorTileSource && source.url) source.setUrl(source.url);
        }
      }),
    fit,
    fitLand(land) {
      const bounds = new maplibregl.LngLatBounds();
      for (const [x, y] of land.coordinates.flat(2)) bounds.extend([x ?? 0, y ?? 0]);
      fit([bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()]);
    },
    view() {
      const { clientWidth, clientHeight } = map.getContainer();
      const topLeft = map.unproject([PANEL - 12, 0]);
      const bottomRight = map.unproject([clientWidth, clientHeight]);
      const round = (degrees: number) => Number(degrees.toFixed(6));
      return [round(topLeft.lng), round(bottomRight.lat), round(bottomRight.lng), round(topLeft.lat)];
    },
    zoom: (by) => void map.zoomTo(map.getZoom() + by),
    remove() {
      removed = true;
      map.remove();
    },
  };
}

function boundsOf(selection: Selection): Bounds {
  if (selection.kind === 'box') return selection.bounds;
  const bounds = new maplibregl.LngLatBounds();
  for (const [x, y] of selection.polygon.coordinates[0] ?? []) bounds.extend([x ?? 0, y ?? 0]);
  return [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
}
