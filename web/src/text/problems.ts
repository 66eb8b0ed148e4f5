// A problem in words that say what to do. The server's own detail is shown beside them, as it came.
import type { Problem } from '../api/problem';
import type { Text } from './zh';

export interface Told {
  title: string;
  hint: string;
  detail: string;
}

export function tell(text: Text, problem: Problem): Told {
  const words = text.problems;
  const detail = [problem.detail, ...problem.findings].filter(Boolean).join('\n');
  const told = (title: string, hint: string): Told => ({ title, hint, detail });
  if (problem.type === 'network') return told(words.network, words.networkHint);
  if (problem.type === 'tiles') return told(words.tiles, words.networkHint);
  if (problem.status === 404) return told(words.notFound, words.notFoundHint);
  if (problem.status === 503) return told(words.starting, words.startingHint);
  if (problem.status >= 500) return told(words.server, words.serverHint);
  if (problem.type === 'unreadable') return told(words.unreadable, words.unreadableHint);
  if (/area|bbox|polygon|geometry/.test(problem.type)) return told(words.invalidArea, words.invalidAreaHint);
  return told(words.refused, problem.title);
}
