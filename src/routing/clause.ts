/**
 * Cuts a message into clauses that may each be a request: at sentence ends, commas, 그리고 / and, 알려주고,
 * and between two things asked for with one verb (일정이랑 메일 확인해줘). Whether a clause is a request is
 * for the rules to say; a cut that yields none is not used.
 */
import type { Locale } from '../../machines/texts.ts';
import type { CivilDay } from './civil-date.ts';
import { type Span, readDatesIn } from './date-reader.ts';
import type { HomeWords } from './home-words.ts';
import { koreanWords } from './korean-words.ts';
import { hasHangul } from './plain-text.ts';
import type { Clause } from './rule.ts';
import { readTimesIn } from './time-reader.ts';
import { dateMark, timeMark } from './word-classes.ts';

interface Marked extends Span {
  mark: string;
}

function findMarks(text: string, today: CivilDay): Marked[] {
  const dates = readDatesIn(text, { today, prefer: 'future' })?.spans ?? [];
  const times = readTimesIn(text)?.spans ?? [];
  const marks = [
    ...dates.map((span) => ({ ...span, mark: dateMark })),
    ...times
      .filter((time) => !dates.some((date) => time.start < date.end && date.start < time.end))
      .map((span) => ({ ...span, mark: timeMark })),
  ];
  return marks.toSorted((left, right) => left.start - right.start);
}

/** Each marked span becomes one mark, or as many as it had characters where offsets must stay. */
function maskText(text: string, marks: readonly Marked[], keepLength: boolean): string {
  let masked = '';
  let at = 0;
  for (const { start, end, mark } of marks) {
    masked += text.slice(at, start) + mark.repeat(keepLength ? end - start : 1);
    at = end;
  }
  return masked + text.slice(at);
}

export interface ClauseSetting {
  today: CivilDay;
  locale: Locale;
  home: HomeWords;
}

export function createClause(text: string, setting: ClauseSetting): Clause {
  const clean = text.trim();
  const masked = maskText(clean, findMarks(clean, setting.today), false);
  const korean = hasHangul(clean);
  const words = korean ? koreanWords(masked) : [];
  return { text: clean, masked, words, question: /\?\W*$/.test(clean), ...setting };
}

const things =
  '일정|일정표|캘린더|스케줄|스케쥴|회의|미팅|약속|메일|이메일|편지|문서|자료|파일|상태|calendar|schedule|meetings|mail|email|emails|inbox';

/** Where a clause ends: what stands before the cut stays with it, except what is matched by `gap`. */
const cuts: readonly { regex: RegExp; coordinated: boolean }[] = [
  { regex: /[.!?;]+(?:\s+|$)/gu, coordinated: false },
  { regex: /\s*,\s*/gu, coordinated: false },
  {
    regex:
      /\s*(?<![가-힣a-z])(?:그리고|또한|아울러|그\s?다음에?는?|그러고|and\s+(?:also|then)|and|also|then|plus)(?![가-힣a-z])\s*/gu,
    coordinated: false,
  },
  {
    regex:
      /(?<=(?:알려|보여|말해|읽어|찾아|확인|검색|체크|요약|정리)(?:해)?(?:주|하|해주)?(?:시)?고)\s+/gu,
    coordinated: false,
  },
  {
    regex: new RegExp(
      `(?<=(?:^|[\\s${dateMark}${timeMark}])(?:${things}))(?:이랑|랑|와|과|하고|이나|나)(?=\\s)(?!\\s*(?:관련|관한|같이|함께|겹치))`,
      'gu',
    ),
    coordinated: true,
  },
  {
    regex: new RegExp(`(?<=(?:${things}))\\s*(?:및|&|\\+|/)\\s*(?=[가-힣a-z])`, 'gu'),
    coordinated: true,
  },
];

interface Cut extends Span {
  coordinated: boolean;
}

function findCuts(masked: string): Cut[] {
  const found = cuts.flatMap(({ regex, coordinated }) =>
    [...masked.matchAll(regex)].map((match) => ({
      start: match.index,
      end: match.index + match[0].length,
      coordinated,
    })),
  );
  return found.toSorted((left, right) => left.start - right.start || right.end - left.end);
}

interface Part {
  text: string;
  coordinated: boolean;
}

function cutText(text: string, masked: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  let coordinated = false;
  for (const cut of findCuts(masked)) {
    if (cut.start < at) continue;
    // The question mark stays with its clause.
    const end = text.slice(cut.start, cut.end).includes('?') ? cut.end : cut.start;
    parts.push({ text: text.slice(at, end), coordinated });
    at = cut.end;
    coordinated = cut.coordinated;
  }
  parts.push({ text: text.slice(at), coordinated });
  return parts.filter((part) => part.text.trim() !== '');
}

const datesIn = (text: string, today: CivilDay): string =>
  (readDatesIn(text, { today, prefer: 'future' })?.spans ?? [])
    .map(({ start, end }) => text.slice(start, end))
    .join(' ');

/** 어제 일정이랑 메일: the day holds for both. */
function shareDates(parts: readonly Part[], today: CivilDay): string[] {
  const texts = parts.map((part) => part.text);
  for (const [index, part] of parts.entries()) {
    if (!part.coordinated || index === 0) continue;
    const [before, here] = [texts[index - 1] ?? '', texts[index] ?? ''];
    const [earlier, own] = [datesIn(before, today), datesIn(here, today)];
    if (own === '' && earlier !== '') texts[index] = `${earlier} ${here}`;
    if (earlier === '' && own !== '') texts[index - 1] = `${own} ${before}`;
  }
  return texts;
}

/** The clauses of a normalised message; one when nothing in it parts requests. */
export function splitClauses(text: string, setting: ClauseSetting): Clause[] {
  const { today } = setting;
  const masked = maskText(text, findMarks(text, today), true);
  const texts = shareDates(cutText(text, masked), today);
  return texts.map((part) => createClause(part, setting));
}
