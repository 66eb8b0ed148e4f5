// Letters can be read on their colours, and the grades can be told apart by people who see fewer colours.
import { describe, expect, it } from 'vitest';
import { GRADE, TIER } from '../src/map/palette';

type Rgb = [number, number, number];

const linear = (hex: string): Rgb => {
  const part = (at: number) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [part(1), part(3), part(5)];
};
const luminance = ([r, g, b]: Rgb) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
const contrast = (one: string, other: string) => {
  const [low, high] = [luminance(linear(one)), luminance(linear(other))].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
};

/** Viénot, Brettel and Mollon (1999): linear colour as seen without the long or the middle cones. */
const SEEN: Record<string, (rgb: Rgb) => Rgb> = {
  'every cone': (rgb) => rgb,
  'no long cones': ([r, g, b]) => [0.11238 * r + 0.88762 * g, 0.11238 * r + 0.88762 * g, 0.00401 * r - 0.00401 * g + b],
  'no middle cones': ([r, g, b]) => [0.29275 * r + 0.70725 * g, 0.29275 * r + 0.70725 * g, -0.02234 * r + 0.02234 * g + b],
};

function lab([r, g, b]: Rgb): Rgb {
  const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
const distance = (one: Rgb, other: Rgb) => Math.hypot(...one.map((value, at) => value - (other[at] ?? 0)));

describe('the palette', () => {
  it('gives every letter a contrast of 4.5 to 1', () => {
    for (const { fill, ink } of [...Object.values(GRADE), ...Object.values(TIER)]) {
      expect(contrast(fill, ink), fill).toBeGreaterThanOrEqual(4.5);
    }
  });

  it.each(Object.entries(SEEN))('keeps the grades apart with %s', (_, seen) => {
    const colours = Object.entries(GRADE).map(([grade, { fill }]) => [grade, lab(seen(linear(fill)))] as const);
    for (const [one, first] of colours) {
      for (const [other, second] of colours) {
        // Twenty is about ten times what can just be noticed side by side.
        if (one < other) expect(distance(first, second), `${one} against ${other}`).toBeGreaterThan(20);
      }
    }
  });
});
