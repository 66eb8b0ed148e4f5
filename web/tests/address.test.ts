// A link shows what its sender saw.
import { describe, expect, it } from 'vitest';
import { readAddress, writeAddress } from '../src/map/address';

const triangle = [
  [121.3, 31],
  [121.5, 31.02],
  [121.4, 31.2],
];
const polygon = { type: 'Polygon' as const, coordinates: [[...triangle, [121.3, 31]]] };

describe('the address', () => {
  it.each([
    ['nothing', { selection: null, parcel: null }],
    ['a box', { selection: { kind: 'box' as const, bounds: [121, 31, 122, 32] as [number, number, number, number] }, parcel: null }],
    ['a polygon and a parcel', { selection: { kind: 'polygon' as const, polygon }, parcel: '310115002004GB00011' }],
  ])('brings back %s, and keeps the view', (_, remembered) => {
    const address = writeAddress('#map=10/31.2/121.4&box=1,2,3,4', remembered);
    expect(address).toMatch(/^#map=10\/31\.2\/121\.4/);
    expect(readAddress(address)).toEqual(remembered);
  });

  it('is empty when there is nothing to remember', () => {
    expect(writeAddress('', { selection: null, parcel: null })).toBe('');
  });

  it.each(['#box=1,2,3', '#box=a,b,c,d', '#area=121,31', '#area=121,31,122,31,122', '#area='])('ignores the broken %s', (hash) => {
    expect(readAddress(hash).selection).toBeNull();
  });

  it('does not carry an outline too long for a link', () => {
    const ring = Array.from({ length: 400 }, (_, at) => [121 + at / 1e4, 31]);
    const long = { type: 'Polygon' as const, coordinates: [[...ring, [121, 31]]] };
    expect(writeAddress('', { selection: { kind: 'polygon', polygon: long }, parcel: null })).toBe('');
  });
});
