// The quiet ground everything lies on: no tiles, glyphs or pictures from anywhere else.
import type { StyleSpecification } from 'maplibre-gl';
import { BASE } from './palette';

/**
 * A tile layer, as the server describes it: zooms, bounds, and an address that names the version of the data, so that
 * browsers may keep tiles and never show an older moment than the figures beside them. Workers have no base address,
 * hence the absolute one.
 */
export const tiles = (layer: string) => ({ type: 'vector' as const, url: `${location.origin}/tiles/${layer}.json` });

/**
 * The same tiles at one zoom only, for names. A polygon cut by tile borders would be named once in each piece; in a
 * coarser tile it is whole, or nearly always so.
 */
export const wholeTiles = (layer: string, zoom: number) => ({ ...tiles(layer), minzoom: zoom, maxzoom: zoom });

/** No `glyphs`: letters of every script are then drawn from the fonts of the machine that looks. */
export const base: StyleSpecification = {
  version: 8,
  sources: {},
  layers: [{ id: 'beyond', type: 'background', paint: { 'background-color': BASE.beyond } }],
};

export const FONT = ['sans-serif'];
