// Both languages say the same things, and say them.
import { describe, expect, it } from 'vitest';
import { en } from '../src/text/en';
import { zh } from '../src/text/zh';

/** Words that name data: an unknown one is shown as it came, so the tables may differ in what they know. */
const OPEN = ['units'];

function keys(table: object, path = ''): string[] {
  return Object.entries(table).flatMap(([key, value]) => {
    const here = path ? `${path}.${key}` : key;
    if (OPEN.includes(here)) return [];
    return typeof value === 'object' && value !== null ? keys(value as object, here) : [here];
  });
}

function leaves(table: object): [string, string][] {
  return Object.entries(table).flatMap(([key, value]): [string, string][] => {
    if (typeof value === 'function') return [[key, String((value as (...words: string[]) => string)('1', '2', '3'))]];
    if (typeof value === 'object' && value !== null) return leaves(value as object);
    return [[key, String(value)]];
  });
}

describe('the two text tables', () => {
  it('have the same keys', () => {
    expect(keys(en).sort()).toEqual(keys(zh).sort());
  });

  it('leave nothing blank', () => {
    for (const table of [zh, en]) {
      const { units: _, ...rest } = table;
      expect(leaves(rest).filter(([, words]) => words.trim() === '')).toEqual([]);
    }
  });

  it('hold no Chinese in English but the name of the other language', () => {
    const { units: _, otherLanguage: __, ...rest } = en;
    expect(leaves(rest).filter(([, words]) => /\p{Script=Han}/u.test(words))).toEqual([]);
  });

  it('hold Chinese in every Chinese sentence', () => {
    const sentences = leaves(zh).filter(([, words]) => words.length > 12);
    expect(sentences.length).toBeGreaterThan(20);
    expect(sentences.filter(([, words]) => !/\p{Script=Han}/u.test(words))).toEqual([]);
  });

  it('translate every Chinese unit', () => {
    expect(Object.keys(zh.units).filter((unit) => !(unit in en.units))).toEqual([]);
  });
});
