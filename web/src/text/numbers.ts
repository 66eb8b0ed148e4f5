// Numbers, areas and days as each language writes them. It converts units and judges nothing.
type Language = 'zh' | 'en';

const LOCALE: Record<Language, string> = { zh: 'zh-CN', en: 'en-GB' };
const formats = new Map<string, Intl.NumberFormat>();

function format(language: Language, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) {
    found = new Intl.NumberFormat(LOCALE[language], options);
    formats.set(key, found);
  }
  return found;
}

/** What stands where there is no figure: never a zero. */
export const NOTHING = '—';

export function whole(language: Language, value: number | null | undefined): string {
  return value == null ? NOTHING : format(language, { maximumFractionDigits: 0 }).format(value);
}

/** A figure with at most so many decimals. */
export function decimal(language: Language, value: number | null | undefined, digits = 2): string {
  return value == null ? NOTHING : format(language, { maximumFractionDigits: digits }).format(value);
}

/** A figure with exactly so many decimals, for columns. */
export function fixed(language: Language, value: number | null | undefined, digits = 2): string {
  if (value == null) return NOTHING;
  return format(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

export function percent(language: Language, part: number, all: number): string {
  if (!(all > 0)) return NOTHING;
  return format(language, { style: 'percent', maximumFractionDigits: 1 }).format(part / all);
}

/** Three significant figures at least, and never more than two decimals: areas from a yard to a city. */
export function area(language: Language, value: number | null | undefined): string {
  if (value == null) return NOTHING;
  return decimal(language, value, value >= 1000 ? 0 : value >= 100 ? 1 : 2);
}

export const hectares = (m2: number): number => m2 / 10_000;
export const squareKilometres = (m2: number): number => m2 / 1_000_000;

/** A day as the wire has it, written for people; anything that is not a day is shown as it came. */
export function day(language: Language, iso: string | null | undefined): string {
  if (!iso) return NOTHING;
  const found = /^(\d{4})-(\d{2})-(\d{2})/.exec(iso);
  if (!found) return iso;
  const [written, year, month, date] = found;
  if (language === 'zh') return written;
  const utc = new Date(Date.UTC(Number(year), Number(month) - 1, Number(date)));
  return new Intl.DateTimeFormat(LOCALE[language], {
    timeZone: 'UTC',
    year: 'numeric',
    month: 'short',
    day: 'numeric',
  }).format(utc);
}
