// The quiet ground everything lies on: no tiles, glyphs or pictures from anywhere else.
import type { StyleSpecification } from 'maplibre-gl';
import { BASE } from './palette';

/** Tiles are made by the server between these zooms and enlarged beyond. */
const MIN_ZOOM = 6;
const MAX_ZOOM = 16;

/** A tile layer of the server. The worker that fetches it has no base address, hence the absolute one. */
export function tiles(layer: string, revision: number, zooms: { from: number; to: number } = { from: MIN_ZOOM, to: MAX_ZOOM }) {
  return {
    type: 'vector' as const,
    // The number in the address keeps a browser from showing an older moment than the figures beside it.
    tiles: [`${location.origin}/tiles/${layer}/{z}/{x}/{y}.mvt?revision=${revision}`],
    minzoom: zooms.from,
    maxzoom: zooms.to,
  };
}

/**
 * The same tiles at one zoom only, for names. A polygon cut by tile borders would be named once in each piece; in a
 * coarser tile it is whole, or nearly always so.
 */
export const wholeTiles = (layer: string, revision: number, zoom: number) =>
  tiles(layer, revision, { from: zoom, to: zoom });

/** No `glyphs`: letters of every script are then drawn from the fonts of the machine that looks. */
export const base: StyleSpecification = {
  version: 8,
  sources: {},
  layers: [{ id: 'beyond', type: 'background', paint: { 'background-color': BASE.beyond } }],
};

export const FONT = ['sans-serif'];
