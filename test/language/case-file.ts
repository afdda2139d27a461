/** Reads the case files of this folder: one JSON object per line. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DecisionView } from '#machines/decision';
import type { DateParseResult } from '#language/dates/parse-dates';

export function readCases<T>(name: string): T[] {
  const text = readFileSync(join(import.meta.dirname, 'cases', name), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

export interface RouteCase {
  /** The category of the case. */
  cat?: string;
  now: string;
  pending_draft: boolean;
  message: string;
  expect: Record<string, unknown>;
}

export interface DateCase {
  now: string;
  prefer: 'future' | 'past';
  text: string;
  expect: string;
}

/** A result of the date parser in the notation of the date cases: a day, `FROM..TO`, `bad` or `null`. */
export function shownDates(reading: DateParseResult | null): string {
  if (reading === null) return 'null';
  if (!reading.ok) return 'bad';
  return reading.from === reading.to ? reading.from : `${reading.from}..${reading.to}`;
}

const names: Record<string, string> = {
  classify: 'classifier',
  system_status: 'status',
  reject: 'cancel-draft',
};

/** A printed decision in the notation of the case files. */
export function inCaseWords(found: DecisionView): Record<string, unknown> {
  if (found.action !== 'tools') return { to: names[found.action] ?? found.action };
  if (found.calls) {
    return { to: 'tools', all: found.calls.map((call) => `${call.tool}.${call.operation}`) };
  }
  return { to: 'tool', tool: found.tool, operation: found.operation, params: found.params };
}
