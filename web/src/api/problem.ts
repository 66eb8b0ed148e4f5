// What went wrong, as the server says it (RFC 9457) or as the network leaves us to guess. It words nothing for people.

export interface Problem {
  /** The stable type, or one of our own: `network`, `unreadable`. */
  type: string;
  status: number;
  title: string;
  detail: string;
  findings: string[];
}

/** An error that carries a problem, so that a caller can tell it from a fault in this page. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
    this.name = 'ProblemError';
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** One finding as a line: its code with its facts. */
function finding(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  const { code, ...facts } = value as Record<string, unknown>;
  const known = Object.entries(facts)
    .map(([name, fact]) => `${name} ${typeof fact === 'string' ? fact : JSON.stringify(fact)}`)
    .join(', ');
  return [text(code), known].filter(Boolean).join(': ');
}

/** Reads an answer that is not a success; a body that is no problem document still gives a problem. */
export function decodeProblem(status: number, contentType: string | null, body: string): Problem {
  if (/\bjson\b/.test(contentType ?? '')) {
    try {
      const document: unknown = JSON.parse(body);
      if (typeof document === 'object' && document !== null && !Array.isArray(document)) {
        const { type, title, detail, findings } = document as Record<string, unknown>;
        return {
          type: text(type) || 'about:blank',
          status,
          title: text(title),
          detail: text(detail),
          findings: Array.isArray(findings) ? findings.map(finding).filter(Boolean) : [],
        };
      }
    } catch {
      // Said to be JSON and is not: told below as unreadable.
    }
  }
  return { type: 'unreadable', status, title: '', detail: '', findings: [] };
}

/** The problem behind anything thrown while asking the server. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof ProblemError) return thrown.problem;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return { type: 'network', status: 0, title: '', detail, findings: [] };
}

/** Whether a request was given up by us, which is no problem to tell. */
export const isAbort = (thrown: unknown): boolean => thrown instanceof DOMException && thrown.name === 'AbortError';
