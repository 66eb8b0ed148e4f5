// Figures as people read them.
import { describe, expect, it } from 'vitest';
import { area, day, decimal, fixed, hectares, NOTHING, percent, squareKilometres, whole } from '../src/text/numbers';

describe('numbers', () => {
  it('group thousands in both languages', () => {
    expect(whole('zh', 48501)).toBe('48,501');
    expect(whole('en', 48501)).toBe('48,501');
  });

  it('say nothing rather than zero where there is no figure', () => {
    for (const write of [whole, decimal, fixed, area]) {
      expect(write('zh', null)).toBe(NOTHING);
      expect(write('en', undefined)).toBe(NOTHING);
    }
    expect(whole('zh', 0)).toBe('0');
    expect(percent('zh', 0, 0)).toBe(NOTHING);
    expect(day('zh', null)).toBe(NOTHING);
  });

  it('keep columns at a fixed number of decimals', () => {
    expect(fixed('en', 54, 1)).toBe('54.0');
    expect(decimal('en', 54, 1)).toBe('54');
  });

  it('write areas with fewer decimals as they grow', () => {
    expect(area('en', 22.0912)).toBe('22.09');
    expect(area('en', 379.54)).toBe('379.5');
    expect(area('en', 41333.4)).toBe('41,333');
  });

  it('convert square metres exactly', () => {
    expect(hectares(15_000)).toBe(1.5);
    expect(squareKilometres(728_000_000)).toBe(728);
  });

  it('write shares of a whole', () => {
    expect(percent('en', 1, 8)).toBe('12.5%');
  });
});

describe('days', () => {
  it('are written as each language does, whatever the time zone', () => {
    expect(day('zh', '2026-06-30')).toBe('2026-06-30');
    expect(day('en', '2026-06-30')).toBe('30 Jun 2026');
    expect(day('en', '2026-07-01T23:59:59+08:00')).toBe('1 Jul 2026');
  });

  it('that are no days are shown as they came', () => {
    expect(day('en', 'soon')).toBe('soon');
  });
});
