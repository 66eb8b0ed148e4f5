// What the server refuses reaches people in words that help.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { search } from '../src/api/client';
import { decodeProblem, problemOf, ProblemError } from '../src/api/problem';
import { en } from '../src/text/en';
import { tell } from '../src/text/problems';

const PROBLEM = 'application/problem+json; charset=utf-8';

afterEach(() => vi.unstubAllGlobals());

describe('a problem document', () => {
  it('is read field by field', () => {
    const body = JSON.stringify({
      type: '/problems/invalid-area',
      title: 'the area is not valid',
      status: 422,
      detail: 'the ring crosses itself at 121.5 31.2',
      findings: [{ code: 'ring-self-intersection', field: 'area', place: [121.5, 31.2] }, 'and again'],
    });
    expect(decodeProblem(422, PROBLEM, body)).toEqual({
      type: '/problems/invalid-area',
      status: 422,
      title: 'the area is not valid',
      detail: 'the ring crosses itself at 121.5 31.2',
      findings: ['ring-self-intersection: field area, place [121.5,31.2]', 'and again'],
    });
  });

  it('may leave everything out', () => {
    expect(decodeProblem(500, PROBLEM, '{}')).toMatchObject({ type: 'about:blank', status: 500, detail: '' });
  });

  it.each([
    ['not JSON at all', 'text/html', '<h1>Bad gateway</h1>'],
    ['cut short', PROBLEM, '{"type":'],
    ['a list', PROBLEM, '[]'],
    ['empty and untyped', null, ''],
  ])('that is %s is told as unreadable', (_, type, body) => {
    expect(decodeProblem(502, type, body)).toMatchObject({ type: 'unreadable', status: 502 });
  });
});

describe('what people are told', () => {
  it('keeps the words of the server beside what to do', () => {
    const problem = decodeProblem(422, PROBLEM, '{"type":"/problems/invalid-area","detail":"the ring crosses itself"}');
    expect(tell(en, problem)).toEqual({
      title: en.problems.invalidArea,
      hint: en.problems.invalidAreaHint,
      detail: 'the ring crosses itself',
    });
  });

  it('names the server, not the drawing, when the server fails', () => {
    expect(tell(en, decodeProblem(500, 'text/html', '')).title).toBe(en.problems.server);
    expect(tell(en, decodeProblem(503, PROBLEM, '{}')).title).toBe(en.problems.starting);
  });

  it('says when nothing answers', () => {
    expect(tell(en, problemOf(new TypeError('fetch failed'))).title).toBe(en.problems.network);
  });
});

describe('a search', () => {
  const selection = { kind: 'box', bounds: [121, 31, 122, 32] } as const;

  it('throws the problem that the server answers', async () => {
    const refuse = async () =>
      new Response('{"type":"/problems/bad-limit","detail":"limit 0"}', { status: 422, headers: { 'content-type': PROBLEM } });
    vi.stubGlobal('fetch', refuse);
    const thrown: unknown = await search({ ...selection, bounds: [...selection.bounds] }, null, new AbortController().signal).catch(
      (error: unknown) => error,
    );
    expect(thrown).toBeInstanceOf(ProblemError);
    expect(problemOf(thrown)).toMatchObject({ type: '/problems/bad-limit', status: 422, detail: 'limit 0' });
  });

  it('asks for a box or an area, and for the next page by its token', async () => {
    const asked: unknown[] = [];
    vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
      asked.push(JSON.parse(String(init.body)));
      return new Response('{"features":[]}', { status: 200, headers: { 'content-type': 'application/json' } });
    });
    const { signal } = new AbortController();
    const polygon = { type: 'Polygon' as const, coordinates: [[[121, 31], [122, 31], [122, 32], [121, 31]]] };
    await search({ kind: 'box', bounds: [121, 31, 122, 32] }, null, signal);
    await search({ kind: 'polygon', polygon }, 'token', signal);
    expect(asked).toEqual([
      { bbox: [121, 31, 122, 32], limit: 100 },
      { area: polygon, limit: 100, after: 'token' },
    ]);
  });
});
