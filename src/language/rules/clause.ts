/**
 * Splits a message into clauses that may each be a request: at sentence ends, commas, 그리고 / and, 알려주고, and between two
 * objects of one verb (일정이랑 메일 확인해줘). The rules decide whether a clause is a request; if they do not understand every
 * clause, the message is not split.
 */
import type { Locale } from '#machines/texts';
import type { CivilDay } from '#shared/calendar/civil-date';
import { type TextSpan, parseNormalizedDates } from '../dates/parse-dates.ts';
import type { CustomVocabulary } from './custom-vocabulary.ts';
import { tokenizeKorean } from '../korean/korean-tokenizer.ts';
import { hasHangul } from '../normalize-text.ts';
import type { Clause } from './rule.ts';
import { parseNormalizedTimes } from '../dates/parse-times.ts';
import { datePlaceholder, timePlaceholder } from '../token-types.ts';

interface MaskedSpan extends TextSpan {
  placeholder: string;
}

function findMaskedSpans(text: string, today: CivilDay): MaskedSpan[] {
  const dates = parseNormalizedDates(text, { today, prefer: 'future' })?.spans ?? [];
  const times = parseNormalizedTimes(text)?.spans ?? [];
  const marks = [
    ...dates.map((span) => ({ ...span, placeholder: datePlaceholder })),
    ...times
      .filter((time) => !dates.some((date) => time.start < date.end && date.start < time.end))
      .map((span) => ({ ...span, placeholder: timePlaceholder })),
  ];
  return marks.toSorted((left, right) => left.start - right.start);
}

/** Replaces each span by one placeholder, or by one per character where offsets must stay (`keepLength`). */
function maskText(text: string, marks: readonly MaskedSpan[], keepLength: boolean): string {
  let masked = '';
  let at = 0;
  for (const { start, end, placeholder: mark } of marks) {
    masked += text.slice(at, start) + mark.repeat(keepLength ? end - start : 1);
    at = end;
  }
  return masked + text.slice(at);
}

export interface ClauseContext {
  today: CivilDay;
  locale: Locale;
  vocabulary: CustomVocabulary;
}

export function createClause(text: string, context: ClauseContext): Clause {
  const clean = text.trim();
  const masked = maskText(clean, findMaskedSpans(clean, context.today), false);
  const korean = hasHangul(clean);
  const words = korean ? tokenizeKorean(masked) : [];
  return { text: clean, masked, words, question: /\?\W*$/.test(clean), ...context };
}

const requestNouns =
  '일정|일정표|캘린더|스케줄|스케쥴|회의|미팅|약속|메일|이메일|편지|문서|자료|파일|상태|calendar|schedule|meetings|mail|email|emails|inbox';

/** Clause boundaries. The match itself is dropped; `coordinated`: the clauses on both sides share one verb. */
const clauseBoundaries: readonly { regex: RegExp; coordinated: boolean }[] = [
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
      `(?<=(?:^|[\\s${datePlaceholder}${timePlaceholder}])(?:${requestNouns}))(?:이랑|랑|와|과|하고|이나|나)(?=\\s)(?!\\s*(?:관련|관한|같이|함께|겹치))`,
      'gu',
    ),
    coordinated: true,
  },
  {
    regex: new RegExp(`(?<=(?:${requestNouns}))\\s*(?:및|&|\\+|/)\\s*(?=[가-힣a-z])`, 'gu'),
    coordinated: true,
  },
];

interface Boundary extends TextSpan {
  coordinated: boolean;
}

function findBoundaries(masked: string): Boundary[] {
  const found = clauseBoundaries.flatMap(({ regex, coordinated }) =>
    [...masked.matchAll(regex)].map((match) => ({
      start: match.index,
      end: match.index + match[0].length,
      coordinated,
    })),
  );
  return found.toSorted((left, right) => left.start - right.start || right.end - left.end);
}

interface ClausePart {
  text: string;
  coordinated: boolean;
}

function splitAtBoundaries(text: string, masked: string): ClausePart[] {
  const parts: ClausePart[] = [];
  let at = 0;
  let coordinated = false;
  for (const cut of findBoundaries(masked)) {
    if (cut.start < at) continue;
    const end = text.slice(cut.start, cut.end).includes('?') ? cut.end : cut.start;
    parts.push({ text: text.slice(at, end), coordinated });
    at = cut.end;
    coordinated = cut.coordinated;
  }
  parts.push({ text: text.slice(at), coordinated });
  return parts.filter((part) => part.text.trim() !== '');
}

const dateTextIn = (text: string, today: CivilDay): string =>
  (parseNormalizedDates(text, { today, prefer: 'future' })?.spans ?? [])
    .map(({ start, end }) => text.slice(start, end))
    .join(' ');

/** 어제 일정이랑 메일: the date applies to both. */
function distributeDates(parts: readonly ClausePart[], today: CivilDay): string[] {
  const texts = parts.map((part) => part.text);
  for (const [index, part] of parts.entries()) {
    if (!part.coordinated || index === 0) continue;
    const [before, here] = [texts[index - 1] ?? '', texts[index] ?? ''];
    const [earlier, own] = [dateTextIn(before, today), dateTextIn(here, today)];
    if (own === '' && earlier !== '') texts[index] = `${earlier} ${here}`;
    if (earlier === '' && own !== '') texts[index - 1] = `${own} ${before}`;
  }
  return texts;
}

/** The clauses of a normalised message; a single clause when there is no boundary. */
export function splitClauses(text: string, context: ClauseContext): Clause[] {
  const { today } = context;
  const masked = maskText(text, findMaskedSpans(text, today), true);
  const texts = distributeDates(splitAtBoundaries(text, masked), today);
  return texts.map((part) => createClause(part, context));
}
