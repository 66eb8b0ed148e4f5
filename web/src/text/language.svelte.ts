// Which language is spoken: Chinese until somebody chooses otherwise, and then what they chose.
import { en } from './en';
import { type Text, zh } from './zh';

export type Language = 'zh' | 'en';

const KEY = 'landcycle.language';
const TABLES: Record<Language, Text> = { zh, en };

function remembered(): Language {
  try {
    return localStorage.getItem(KEY) === 'en' ? 'en' : 'zh';
  } catch {
    // A browser may forbid storage; the choice then lasts as long as the page.
    return 'zh';
  }
}

class Speech {
  language = $state<Language>(remembered());
  text = $derived(TABLES[this.language]);

  toggle(): void {
    this.language = this.language === 'zh' ? 'en' : 'zh';
    try {
      localStorage.setItem(KEY, this.language);
    } catch {
      // As above.
    }
  }
}

export const speech = new Speech();
