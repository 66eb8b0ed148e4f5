// One walk through the page of a running landcycle, in a real browser: draw, read, compare with PostGIS, open a parcel.
// Usage: npm run browser -- --url http://127.0.0.1:8080 (--database URL [--schema S] [--count-sql SQL] | --expect-file F)
//        [--screenshot PATH]
import { ok, strictEqual as same, notStrictEqual as differs } from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import type { Polygon, Position } from 'geojson';
import { chromium, type Page } from 'playwright-core';
import { countIn, type Database } from './answer';

/** The page leaves its map here; only what the walk needs is named. */
interface PageWindow {
  __idle?: boolean;
  __map: {
    project(place: [number, number]): { x: number; y: number };
    jumpTo(view: { center: [number, number]; zoom: number }): void;
    getContainer(): HTMLElement;
    queryRenderedFeatures(at: unknown, options: { layers: string[] }): { properties: Record<string, unknown> }[];
  };
}

const SIZE = { width: 1440, height: 900 };
const LARGEST_SCREENSHOT = 600_000;
/** What is known now of what holds today. */
const COUNT_SQL = `select count(*) from parcel_version where valid @> current_date and upper_inf(recorded)
  and st_intersects(geom, st_setsrid(st_geomfromgeojson(:polygon), 4490))`;
/** What the page says in each language; read here, so that a lost translation is noticed. */
const WORDS = { zh: { why: '为什么是', unit: '公顷' }, en: { why: 'Why it is graded', unit: 'ha' } };

const say = (words: string) => process.stdout.write(`${words}\n`);

export async function main(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      url: { type: 'string' },
      database: { type: 'string', default: process.env['DATABASE_URL'] ?? '' },
      schema: { type: 'string', default: process.env['LANDCYCLE_SCHEMA'] ?? 'city_310000' },
      'count-sql': { type: 'string', default: COUNT_SQL },
      'expect-file': { type: 'string' },
      screenshot: { type: 'string' },
      browser: { type: 'string', default: '/usr/bin/chromium' },
    },
  });
  if (!values.url) throw new Error('give the address of a running landcycle: --url http://127.0.0.1:8080');
  if (!values.database && !values['expect-file']) {
    throw new Error('there is nothing to compare the count with: give --database URL, or --expect-file with {polygon, count}');
  }
  const database: Database | null = values.database
    ? { url: values.database, schema: values.schema, countSql: values['count-sql'] }
    : null;

  const browser = await chromium.launch({
    executablePath: values.browser,
    headless: true,
    args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--disable-background-networking'],
  });
  try {
    // The reader's own setting must not decide the first language: Chinese is the default everywhere.
    const context = await browser.newContext({ viewport: SIZE, locale: 'en-US' });
    const page = await context.newPage();
    const wrong = watch(page, new URL(values.url).origin);
    await walk(page, values.url, database, values['expect-file'], values.screenshot);
    ok(wrong.length === 0, `the page complained:\n${wrong.join('\n')}`);
    say('no complaint on the console, no request to another host');
  } finally {
    await browser.close();
  }
}

/** Everything a page should not do while it is used. */
function watch(page: Page, origin: string): string[] {
  const wrong: string[] = [];
  page.on('console', (message) => message.type() === 'error' && wrong.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('response', (response) => response.status() >= 400 && wrong.push(`${response.status()} ${response.url()}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.origin !== origin) wrong.push(`a request to another host: ${url.href}`);
  });
  // A tile given up because the map moved on is no fault.
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? '';
    if (reason !== 'net::ERR_ABORTED') wrong.push(`${reason} ${request.url()}`);
  });
  return wrong;
}

async function walk(page: Page, url: string, database: Database | null, expectFile: string | undefined, screenshot: string | undefined) {
  const began = Date.now();
  await page.goto(url);
  await idle(page);
  say(`first complete map after ${Date.now() - began} ms`);
  same(await page.getAttribute('html', 'lang'), 'zh-CN', 'the page should speak Chinese until told otherwise');

  const city = (await (await fetch(new URL('/api/v1/city', url))).json()) as { made_up: boolean; parcels: number };
  if (city.made_up) ok(await page.isVisible('[data-test=made-up]'), 'made-up data must be said to be made up');

  // A half-drawn area is given up by Esc.
  await page.click('[data-test=tool-polygon]');
  await page.mouse.click(900, 500);
  await page.keyboard.press('Escape');
  same(await page.getAttribute('[data-test=tool-polygon]', 'aria-pressed'), 'false', 'Esc should leave the drawing mode');
  same(await page.locator('[data-test=count]').count(), 0, 'a drawing given up should ask nothing');

  const wanted = expectFile ? (JSON.parse(readFileSync(expectFile, 'utf8')) as { polygon: Polygon; count: number }) : null;
  const corners = wanted ? cornersOf(wanted.polygon) : await pentagon(url);
  await look(page, corners);

  // A polygon, by mouse; the count is compared for the outline that the page really drew.
  await page.click('[data-test=tool-polygon]');
  for (const corner of [...corners, corners[0] as Position]) await clickAt(page, corner);
  const drawn = await drawnArea(page);
  const shown = await count(page);
  ok(shown > 0, 'the polygon was laid over parcels and none was counted');
  for (const [at, corner] of corners.entries()) {
    const off = await pixelsBetween(page, corner, cornersOf(drawn)[at] as Position);
    ok(off < 2, `corner ${at} was drawn ${off.toFixed(1)} pixels from where the mouse clicked`);
  }
  if (database) {
    same(shown, countIn(database, drawn), `the page counts ${shown} parcels in ${JSON.stringify(drawn)}, PostGIS another number`);
    say(`polygon: ${shown} parcels, as PostGIS counts`);
  }
  same(await partsOf(page, 'by-grade'), shown, 'the grades should add up to the count');
  same(await partsOf(page, 'by-tier'), shown, 'the tiers should add up to the count');
  same(await page.locator('[data-test=list] tbody tr').count(), Math.min(shown, 100), 'the list should hold the first page');
  if (shown > 100) {
    await page.click('[data-test=more]');
    await page.waitForFunction((rows) => document.querySelectorAll('[data-test=list] tbody tr').length === rows, Math.min(shown, 200));
    const codes = await page.locator('[data-test=list] tbody tr').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-code')));
    same(new Set(codes).size, codes.length, 'the next page should repeat nothing');
  }
  if (screenshot) await picture(page, screenshot);

  // The other language, remembered over a reload; the address brings the area back.
  ok((await page.innerText('[data-test=panel]')).includes(WORDS.zh.unit), 'the Chinese panel should speak of 公顷');
  await page.click('[data-test=language]');
  same(await page.getAttribute('html', 'lang'), 'en');
  await page.reload();
  await idle(page);
  same(await page.getAttribute('html', 'lang'), 'en', 'the language should be remembered');
  same(await count(page), shown, 'the address should bring back the same area');
  ok(/\bha\b/.test(await page.innerText('[data-test=panel]')), 'the English panel should speak of hectares');
  await page.click('[data-test=language]');

  // The legend hides a grade from map and list, and shows it again.
  const grade = (await page.locator('[data-test=by-grade] tr').first().getAttribute('data-key')) as string;
  await page.click(`[data-test=legend-${grade}]`);
  await idle(page);
  ok(!(await gradesShown(page)).has(grade), `the legend should have hidden grade ${grade}`);
  await page.click(`[data-test=legend-${grade}]`);
  await idle(page);
  ok((await gradesShown(page)).has(grade), `the legend should show grade ${grade} again`);

  await parcels(page);

  // Delete clears; a box is drawn.
  await page.keyboard.press('Delete');
  same(await page.locator('[data-test=count]').count(), 0, 'Delete should clear the area');
  await look(page, corners);
  const [west, south, east, north] = boundsOf(corners);
  await page.click('[data-test=tool-box]');
  await clickAt(page, [west + (east - west) / 4, south + (north - south) / 4]);
  await clickAt(page, [east - (east - west) / 4, north - (north - south) / 4]);
  const box = await drawnArea(page);
  same(await page.locator('[data-test=dossier]').count(), 0, 'the click that ends a box should open no parcel under it');
  const boxed = await count(page);
  ok(boxed > 0 && boxed <= city.parcels, `the box counts ${boxed} of ${city.parcels} parcels`);
  if (database) {
    same(boxed, countIn(database, box), `the page counts ${boxed} parcels in the box ${JSON.stringify(box)}, PostGIS another number`);
    say(`box: ${boxed} parcels, as PostGIS counts`);
  }

  await areas(page, url, screenshot);

  // An expected count belongs to exact corners, which no mouse can hit: the address can.
  if (wanted) {
    await page.goto('about:blank');
    await page.goto(`${url.replace(/\/$/, '')}/#area=${cornersOf(wanted.polygon).flat().join(',')}`);
    await idle(page);
    same(await count(page), wanted.count, 'the count should be the expected one');
    say(`expected polygon: ${wanted.count} parcels, as expected`);
  }
}

/** The renewal areas of the run: as many rows as the service has, their outlines on the map, and a row leads to its land. */
async function areas(page: Page, url: string, screenshot: string | undefined): Promise<void> {
  const { run } = (await (await fetch(new URL('/api/v1/city', url))).json()) as { run: { id: number } | null };
  if (!run) return;
  const answer = await fetch(new URL(`/api/v1/reviews/${run.id}/clusters?limit=500`, url));
  const told = (await answer.json()) as { features: { properties: { rank: number; parcels: number } }[] };
  ok(told.features.length > 0, 'the city should have renewal areas');
  await page.keyboard.press('Delete');
  await page.click('[data-test=tool-areas]');
  await page.locator('[data-test=areas]').waitFor();
  same(await page.locator('[data-test=area-row]').count(), told.features.length, 'every renewal area should be listed');
  await page.locator('[data-test=area-row]').first().click();
  await page.waitForTimeout(900);
  await idle(page);
  const ranks = await page.evaluate(() => {
    const map = (window as unknown as PageWindow).__map;
    return map.queryRenderedFeatures(undefined, { layers: ['area-edge'] }).map((one) => one.properties['rank']);
  });
  ok(ranks.includes(1), `the largest area should be outlined on the map, not only ${ranks.join(', ')}`);
  if (screenshot) await picture(page, screenshot.replace(/(\.\w+)?$/, '-areas$1'));
  await page.keyboard.press('a');
  same(await page.locator('[data-test=areas]').count(), 0, 'A should hide the areas again');
  say(`renewal areas: ${told.features.length}, as the service has`);
}

/** A click on the map and a row of the list both open a dossier that says why, in either language. */
async function parcels(page: Page): Promise<void> {
  const target = await findParcel(page);
  await page.mouse.click(target.x, target.y);
  const dossier = page.locator(`[data-test=dossier][data-code="${target.code}"]`);
  await dossier.waitFor();
  const chinese = await explanation(page);
  ok((await dossier.innerText()).includes(WORDS.zh.why), 'the dossier should say why the parcel has its grade');
  ok((await dossier.locator('[data-test=timeline] li').count()) > 0, 'the dossier should tell what happened to the parcel');
  await page.click('[data-test=language]');
  const english = await explanation(page);
  ok((await dossier.innerText()).includes(WORDS.en.why));
  differs(english, chinese, 'the explanation should be told in English too');
  await page.click('[data-test=language]');
  say(`parcel ${target.code}: ${chinese.split('\n')[0]}`);
  await page.keyboard.press('Escape');
  same(await page.locator('[data-test=dossier]').count(), 0, 'Esc should close the dossier');

  const row = page.locator('[data-test=list] tbody tr').first();
  const code = await row.getAttribute('data-code');
  await row.locator('button').focus();
  await page.keyboard.press('Enter');
  await page.locator(`[data-test=dossier][data-code="${code}"]`).waitFor();
  await idle(page);
  await page.click('[data-test=back]');
}

async function explanation(page: Page): Promise<string> {
  const words = await page.innerText('[data-test=explanation]');
  ok(words.trim().length > 0, 'the explanation is empty');
  return words;
}

async function idle(page: Page): Promise<void> {
  // A change asked for just now needs a frame before the map knows that it is busy.
  await page.waitForTimeout(150);
  await page.waitForFunction(() => (window as unknown as PageWindow).__idle === true, null, { timeout: 30_000 });
}

async function count(page: Page): Promise<number> {
  const value = await page.locator('[data-test=count]').getAttribute('data-value', { timeout: 15_000 });
  ok(value !== null && /^\d+$/.test(value), `no count is shown, but ${value}`);
  return Number(value);
}

async function partsOf(page: Page, test: string): Promise<number> {
  const parts = await page.locator(`[data-test=${test}] tr`).evaluateAll((rows) => rows.map((row) => Number(row.getAttribute('data-count'))));
  return parts.reduce((sum, part) => sum + part, 0);
}

const cornersOf = (polygon: Polygon): Position[] => (polygon.coordinates[0] ?? []).slice(0, -1);

function boundsOf(corners: Position[]): [number, number, number, number] {
  const xs = corners.map((corner) => corner[0] as number);
  const ys = corners.map((corner) => corner[1] as number);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** A slanted pentagon about six kilometres wide, where the parcels lie thickest. */
async function pentagon(url: string): Promise<Position[]> {
  const city = (await (await fetch(new URL('/api/v1/city', url))).json()) as { bounds: [number, number, number, number] | null };
  ok(city.bounds, 'the city holds no parcels to draw around');
  const [west, south, east, north] = city.bounds;
  const ask = async (bbox: number[], limit: number) => {
    const answer = await fetch(new URL('/api/v1/parcels/search', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ bbox, limit }),
    });
    ok(answer.ok, `the search of a cell answers ${answer.status}`);
    return (await answer.json()) as { summary: { count: number }; features: { geometry: { coordinates: unknown[] } }[] };
  };
  let thickest = { count: 0, bbox: [west, south, east, north] };
  // Cells about as large as the pentagon; a limit of 0 asks for the figures alone.
  const across = Math.ceil((east - west) / 0.05);
  const up = Math.ceil((north - south) / 0.05);
  for (let cell = 0; cell < across * up; cell += 1) {
    const w = west + (cell % across) * 0.05;
    const s = south + Math.floor(cell / across) * 0.05;
    const bbox = [w, s, w + 0.05, s + 0.05];
    const { summary } = await ask(bbox, 0);
    if (summary.count > thickest.count) thickest = { count: summary.count, bbox };
  }
  ok(thickest.count > 0, 'the city holds no parcels to draw around');
  const { features } = await ask(thickest.bbox, 1000);
  const places = features.map((feature) => feature.geometry.coordinates.flat(Infinity as 1) as number[]);
  const middle = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
  const [x, y] = [middle(places.map((place) => place[0] as number)), middle(places.map((place) => place[1] as number))];
  return [[-0.03, -0.02], [0.012, -0.027], [0.034, 0.004], [0.006, 0.028], [-0.026, 0.017]].map(([dx, dy]) => [x + dx!, y + dy!]);
}

/** Brings the corners to the free part of the map, right of the panel. */
async function look(page: Page, corners: Position[]): Promise<void> {
  const [west, south, east, north] = boundsOf(corners);
  const free = { width: SIZE.width - 444 - 240, height: SIZE.height - 240 };
  // A world of 512 pixels at zoom 0; latitude is stretched by the secant.
  const wide = Math.log2((free.width * 360) / (512 * (east - west)));
  const high = Math.log2((free.height * 360 * Math.cos((((south + north) / 2) * Math.PI) / 180)) / (512 * (north - south)));
  const zoom = Math.min(wide, high);
  const shift = ((444 - 200) / 2 / 512 / 2 ** zoom) * 360;
  const center: [number, number] = [(west + east) / 2 - shift, (south + north) / 2];
  await page.evaluate(([center, zoom]) => (window as unknown as PageWindow).__map.jumpTo({ center, zoom }), [center, zoom] as const);
  await idle(page);
}

async function onScreen(page: Page, place: Position): Promise<{ x: number; y: number }> {
  return page.evaluate((place) => {
    const { __map: map } = window as unknown as PageWindow;
    const { left, top } = map.getContainer().getBoundingClientRect();
    const { x, y } = map.project(place);
    return { x: x + left, y: y + top };
  }, [place[0], place[1]] as [number, number]);
}

async function clickAt(page: Page, place: Position): Promise<void> {
  const { x, y } = await onScreen(page, place);
  ok(x > 444 && x < SIZE.width && y > 0 && y < SIZE.height, `${place.join(' ')} lies off the free part of the map, at ${x} ${y}`);
  await page.mouse.move(x, y, { steps: 4 });
  await page.waitForTimeout(80);
  await page.mouse.click(x, y);
  // Two clicks in quick succession are a double click to the map.
  await page.waitForTimeout(400);
}

async function pixelsBetween(page: Page, one: Position, other: Position): Promise<number> {
  const [a, b] = [await onScreen(page, one), await onScreen(page, other)];
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** The area as the page keeps it in its address, which is also what it asked the server. */
async function drawnArea(page: Page): Promise<Polygon> {
  await page.locator('[data-test=count]').waitFor({ timeout: 15_000 });
  const words = new URLSearchParams(new URL(page.url()).hash.slice(1));
  const box = words.get('box')?.split(',').map(Number);
  if (box) {
    const [w, s, e, n] = box as [number, number, number, number];
    return { type: 'Polygon', coordinates: [[[w, s], [e, s], [e, n], [w, n], [w, s]]] };
  }
  const flat = words.get('area')?.split(',').map(Number);
  ok(flat && flat.length >= 6, `the address holds no area: ${page.url()}`);
  const ring: Position[] = [];
  for (let at = 0; at < flat.length; at += 2) ring.push([flat[at] as number, flat[at + 1] as number]);
  return { type: 'Polygon', coordinates: [[...ring, ring[0] as Position]] };
}

async function gradesShown(page: Page): Promise<Set<unknown>> {
  const grades = await page.evaluate(() => {
    const found = (window as unknown as PageWindow).__map.queryRenderedFeatures(undefined, { layers: ['parcels'] });
    return found.map((feature) => feature.properties['grade'] ?? 'none');
  });
  ok(grades.length > 0, 'the map shows no parcels');
  return new Set(grades);
}

/** A place on the free part of the screen where a parcel with a grade lies. */
async function findParcel(page: Page): Promise<{ code: string; x: number; y: number }> {
  const found = await page.evaluate(({ width, height }) => {
    const { __map: map } = window as unknown as PageWindow;
    const { left, top } = map.getContainer().getBoundingClientRect();
    for (let y = 160; y < height - 120; y += 7) {
      for (let x = 620; x < width - 320; x += 7) {
        const [feature] = map.queryRenderedFeatures([x, y], { layers: ['parcels'] });
        if (feature?.properties['grade']) return { code: String(feature.properties['code']), x: x + left, y: y + top };
      }
    }
    return null;
  }, SIZE);
  ok(found, 'no graded parcel is shown on the map');
  return found;
}

async function picture(page: Page, path: string): Promise<void> {
  await page.locator('[data-test=panel]').evaluate((panel) => (panel.scrollTop = 0));
  await page.mouse.move(SIZE.width - 60, SIZE.height - 20);
  await idle(page);
  // The progress bar takes half a second to fade.
  await page.waitForTimeout(700);
  mkdirSync(dirname(path), { recursive: true });
  await page.screenshot({ path });
  const { size } = statSync(path);
  ok(size <= LARGEST_SCREENSHOT, `${path} takes ${size} bytes, more than ${LARGEST_SCREENSHOT}`);
  say(`${path}: ${size} bytes`);
}
