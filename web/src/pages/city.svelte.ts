// What the city page knows at a moment: the city, the area asked about, the open parcel. It asks the server and draws
// nothing; the newest question wins over any that is still on its way.
import { SvelteSet } from 'svelte/reactivity';
import { city as askCity, dossier as askDossier, renewalAreas as askAreas, search } from '../api/client';
import { isAbort, type Problem, problemOf } from '../api/problem';
import type { City, Dossier, GradeKey, ParcelFeature, RenewalAreas, Selection, Summary } from '../api/wire';
import type { Mode } from '../map/drawing';
import { toasts } from '../parts/notices.svelte';

interface Found {
  revision: number;
  summary: Summary;
}

export class CityState {
  city = $state.raw<City | null>(null);
  cityProblem = $state.raw<Problem | null>(null);

  mode = $state<Mode>('look');
  zones = $state(false);
  /** Whether renewal areas are asked for; `areas` are there once they came. */
  areasShown = $state(false);
  areas = $state.raw<RenewalAreas | null>(null);
  areasProblem = $state.raw<Problem | null>(null);
  readonly hidden = new SvelteSet<GradeKey>();

  selection = $state.raw<Selection | null>(null);
  found = $state.raw<Found | null>(null);
  rows = $state.raw<ParcelFeature[]>([]);
  next = $state<string | null>(null);
  searching = $state(false);
  loadingMore = $state(false);
  /** Pages of different revisions were read: the list and the figures no longer show one moment. */
  stale = $state(false);
  searchProblem = $state.raw<Problem | null>(null);

  code = $state<string | null>(null);
  dossier = $state.raw<Dossier | null>(null);
  dossierProblem = $state.raw<Problem | null>(null);

  #search: AbortController | null = null;
  #dossier: AbortController | null = null;
  #areas: AbortController | null = null;

  async load(): Promise<void> {
    this.cityProblem = null;
    try {
      this.city = await askCity();
    } catch (thrown) {
      this.cityProblem = problemOf(thrown);
    }
  }

  /** The data moved on while the page was open: the city's own figures follow. */
  async renew(): Promise<void> {
    try {
      this.city = await askCity();
    } catch (thrown) {
      toasts.problem(problemOf(thrown));
    }
  }

  async select(selection: Selection): Promise<void> {
    this.selection = selection;
    this.close();
    const control = this.#renewSearch();
    this.found = null;
    this.rows = [];
    this.next = null;
    this.stale = false;
    this.searchProblem = null;
    this.searching = true;
    try {
      const page = await search(selection, null, control.signal);
      this.found = { revision: page.revision, summary: page.summary };
      this.rows = page.features;
      this.next = page.next;
      if (page.revision !== this.city?.revision) void this.renew();
    } catch (thrown) {
      if (isAbort(thrown)) return;
      this.searchProblem = problemOf(thrown);
    }
    this.searching = false;
  }

  async more(): Promise<void> {
    if (!this.selection || this.next === null || this.loadingMore) return;
    const control = this.#search ?? this.#renewSearch();
    this.loadingMore = true;
    try {
      const page = await search(this.selection, this.next, control.signal);
      this.rows = [...this.rows, ...page.features];
      this.next = page.next;
      if (page.revision !== this.found?.revision) this.stale = true;
    } catch (thrown) {
      if (!isAbort(thrown)) toasts.problem(problemOf(thrown));
    }
    this.loadingMore = false;
  }

  clear(): void {
    this.#search?.abort();
    this.#search = null;
    this.selection = null;
    this.found = null;
    this.rows = [];
    this.next = null;
    this.searching = false;
    this.searchProblem = null;
  }

  async open(code: string): Promise<void> {
    this.#dossier?.abort();
    const control = new AbortController();
    this.#dossier = control;
    this.code = code;
    this.dossierProblem = null;
    // The dossier before stays until the next is there, so that the panel does not flicker.
    try {
      this.dossier = await askDossier(code, control.signal);
    } catch (thrown) {
      if (isAbort(thrown)) return;
      this.dossier = null;
      this.dossierProblem = problemOf(thrown);
    }
  }

  close(): void {
    this.#dossier?.abort();
    this.#dossier = null;
    this.code = null;
    this.dossier = null;
    this.dossierProblem = null;
  }

  /** Shows the renewal areas of the city's run, or hides them. */
  async showAreas(shown: boolean): Promise<void> {
    this.#areas?.abort();
    this.areasShown = shown;
    this.areasProblem = null;
    const run = this.city?.run?.id;
    if (!shown || run === undefined) {
      this.areas = null;
      return;
    }
    const control = new AbortController();
    this.#areas = control;
    try {
      this.areas = await askAreas(run, control.signal);
    } catch (thrown) {
      if (isAbort(thrown)) return;
      this.areas = null;
      this.areasProblem = problemOf(thrown);
    }
  }

  toggleGrade(grade: GradeKey): void {
    if (!this.hidden.delete(grade)) this.hidden.add(grade);
  }

  #renewSearch(): AbortController {
    this.#search?.abort();
    this.#search = new AbortController();
    return this.#search;
  }
}
