/** What the calls of a classification are resolved against: the message, the clock, and how people read dates. */
import type { Locale } from '../../machines/texts.ts';
import type { Preference } from './date-pattern.ts';
import { type DateReading, readDates } from './date-reader.ts';
import type { HomeWords } from './home-words.ts';

export interface DecisionContext {
  /** The user's message that was classified. */
  message: string;
  /** Epoch milliseconds. */
  now: number;
  /** IANA name. */
  timeZone: string;
  /** Words for mail folders of this home. */
  mailFolders?: HomeWords['mailFolders'];
}

export interface Scene extends DecisionContext {
  /** `YYYY-MM-DD`. */
  today: string;
  /** Minutes since midnight. */
  minuteOfDay: number;
  locale: Locale;
}

export type Params = Record<string, unknown>;
export type Resolved = { ok: true; params: Params } | { ok: false; question: string };

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

export const read = (text: string, scene: Scene, prefer: Preference): DateReading | null =>
  readDates(text, { now: scene.now, timeZone: scene.timeZone, prefer });

export const ask = (question: string): Resolved => ({ ok: false, question });
