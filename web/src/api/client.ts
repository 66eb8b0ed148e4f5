// The few questions this page asks the server. It computes nothing and keeps nothing.
import { decodeProblem, ProblemError } from './problem';
import type { City, Dossier, RenewalAreas, SearchPage, Selection } from './wire';

async function ask<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(path, { ...init, headers: { accept: 'application/json', ...init.headers } });
  const body = await response.text();
  if (!response.ok) throw new ProblemError(decodeProblem(response.status, response.headers.get('content-type'), body));
  try {
    return JSON.parse(body) as Answer;
  } catch {
    throw new ProblemError({ type: 'unreadable', status: response.status, title: '', detail: path, findings: [] });
  }
}

export const city = (signal?: AbortSignal): Promise<City> => ask('/api/v1/city', signal ? { signal } : {});

export const dossier = (code: string, signal: AbortSignal): Promise<Dossier> =>
  ask(`/api/v1/parcels/${encodeURIComponent(code)}`, { signal });

/** The largest renewal areas of a run, as many as can be told apart on a map. */
export const renewalAreas = (run: number, signal: AbortSignal): Promise<RenewalAreas> =>
  ask(`/api/v1/reviews/${run}/clusters?limit=500`, { signal });

/** One page of what touches the selection; `after` is the token of the page before. */
export function search(selection: Selection, after: string | null, signal: AbortSignal): Promise<SearchPage> {
  const where = selection.kind === 'box' ? { bbox: selection.bounds } : { area: selection.polygon };
  return ask('/api/v1/parcels/search', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...where, limit: 100, ...(after === null ? {} : { after }) }),
    signal,
  });
}
