// The independent answer: what PostGIS counts in the very area that was drawn. It knows no page.
import { execFileSync } from 'node:child_process';
import type { Polygon } from 'geojson';

export interface Database {
  url: string;
  schema: string;
  /** A query of one number; `:polygon` stands for the area as GeoJSON text. */
  countSql: string;
}

/** Dollar quoting keeps any text whole; the area is made of numbers, and is checked to be. */
function literal(polygon: Polygon): string {
  const text = JSON.stringify(polygon);
  if (text.includes('$')) throw new Error(`the area holds a dollar sign and cannot be quoted: ${text}`);
  return `$area$${text}$area$`;
}

export function countIn(database: Database, polygon: Polygon): number {
  if (!database.countSql.includes(':polygon')) throw new Error(`--count-sql must hold :polygon, it is: ${database.countSql}`);
  if (!/^[a-z_][a-z0-9_]*$/.test(database.schema)) throw new Error(`not a schema name: ${database.schema}`);
  // A password must not stand in the list of processes: it goes through the environment.
  const secret = /^(\w+:\/\/[^:@/]*):([^@/]*)@/.exec(database.url);
  const url = secret ? database.url.replace(secret[0], `${secret[1]}@`) : database.url;
  const sql = `set search_path to ${database.schema}, public;\n${database.countSql.replaceAll(':polygon', literal(polygon))};`;
  const said = execFileSync('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', url], {
    input: sql,
    encoding: 'utf8',
    env: { ...process.env, ...(secret ? { PGPASSWORD: decodeURIComponent(secret[2] ?? '') } : {}) },
  }).trim();
  if (!/^\d+$/.test(said)) throw new Error(`the database should have answered one number to\n${sql}\nit answered ${JSON.stringify(said)}`);
  return Number(said);
}
