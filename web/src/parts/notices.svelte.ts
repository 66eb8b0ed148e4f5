// Short notices that go away by themselves; the same notice twice is one.
import type { Problem } from '../api/problem';
import type { Text } from '../text/zh';

export type Notice = { kind: 'problem'; problem: Problem } | { kind: 'words'; title: (text: Text) => string; hint: (text: Text) => string };

interface Toast {
  id: number;
  key: string;
  notice: Notice;
}

/** Long enough to read two lines twice. */
const SHOWN_MS = 9000;

class Toasts {
  list = $state.raw<Toast[]>([]);
  #last = 0;

  problem(problem: Problem): void {
    this.#add(`${problem.type} ${problem.detail}`, { kind: 'problem', problem });
  }

  words(key: string, title: (text: Text) => string, hint: (text: Text) => string): void {
    this.#add(key, { kind: 'words', title, hint });
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(key: string, notice: Notice): void {
    if (this.list.some((toast) => toast.key === key)) return;
    this.#last += 1;
    const id = this.#last;
    this.list = [...this.list.slice(-2), { id, key, notice }];
    setTimeout(() => this.dismiss(id), SHOWN_MS);
  }
}

export const toasts = new Toasts();
