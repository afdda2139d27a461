/**
 * Korean questions about the calendar. The keyword must be a word of its own, it must be what is asked about
 * (회의 자료 asks for a document, 회의 진행 방법 for advice), and everything behind it must be understood.
 * A word in front of it that is not (치과 일정) leaves one of the named days in the answer, but never makes
 * it today. Creation and change go to the classifier.
 */
import {
  type Clause,
  type RuleOutcome,
  asksForMeaning,
  clauseDates,
  dateQuestion,
  domainCount,
  has,
  hasException,
} from './rule.ts';
import { calendarCalls } from './tool-calls.ts';
import type { Word, WordClass } from './word-classes.ts';

const rule = 'calendar';

const known: ReadonlySet<WordClass> = new Set([
  'calendar',
  'mail',
  'document',
  'bookish',
  'account',
  'ask',
  'exist',
  'show',
  'seek',
  'check',
  'digest',
  'happen',
  'state',
  'date',
  'time',
  'attribute',
  'described',
  'next',
  'filler',
]);

const asking: ReadonlySet<WordClass> = new Set([
  'ask',
  'exist',
  'show',
  'seek',
  'check',
  'digest',
  'happen',
]);

/** 회의로, 회의까지, 회의보다: the calendar is not the object. */
const otherRole = /^(?:로|으로|까지|부터|보다|마다|밖에|말고|이나|이란|란|처럼|으로는|로는)$/;

/** 회의야?, 회의인가요: a question by itself. */
const copulaTail =
  /^(?:이?야|인가|인가요|이?죠|이지|이?냐|이?니|이?였나|이?였어|이?였지|이에요|예요|인지)$/;

/** Endings that only ask. */
const askingEnd = /(?:나|나요|니|냐|지|죠|지요|더라|던가|는지|까|까요|니까)$/;

const pastTense = /(?:였|었|했|갔|났|렸|왔)/;

/** The calendar word of which everything behind it must be understood; -1 when there is none that counts. */
function keywordIndex(words: readonly Word[]): number {
  const index = words.findLastIndex((word) => word.class === 'calendar');
  const [keyword, next] = [words[index], words[index + 1]];
  if (keyword === undefined) return -1;
  // 일정부터 알려줘 asks for it first; 회의부터 점심까지 does not ask for a meeting.
  const isFirst = keyword.tail === '부터' && (next?.class === 'show' || next?.class === 'check');
  if (otherRole.test(keyword.tail) && !isFirst) return -1;
  // 회의 자료 찾아줘, 미팅 메일 왔어?: the next noun is what is asked for. Three things named side by side
  // are no sentence, and the order of the rules decides.
  const other = next?.class === 'mail' || next?.class === 'document' || next?.text === '상태';
  const compound = keyword.tail === '' && other;
  return compound && domainCount(words) < 3 ? -1 : index;
}

/** A noun phrase without a predicate asks too (내일 오전 스케줄), but with an hour it announces (내일 3시 회의). */
function isRequest(clause: Clause, index: number): boolean {
  const { words, question } = clause;
  const tail = words[index]?.tail ?? '';
  const asked = words.filter((word) => asking.has(word.class));
  // 회의 잘 끝났어 tells, 회의 끝났나 asks.
  const told = asked.every((word) => word.class === 'happen' && !askingEnd.test(word.text));
  if (asked.length > 0) return question || !told;
  if (question && copulaTail.test(tail)) return true;
  if (has(words, 'state') || copulaTail.test(tail)) return question;
  if (has(words, 'time') && !question) return false;
  return has(words, 'date') || question || !has(words, 'rest', 'machine');
}

/** 일정이 뭐야 asks for the day's plan, 회의가 뭐야 for a meaning. */
const isPlan = (words: readonly Word[], index: number): boolean =>
  /^(?:일정|스케줄|스케쥴)/.test(words[index]?.text ?? '');

const gone = /^(?:취소|삭제)(?:된|한|됐던|해둔|해놓은)$/;
const everything = /^(?:전체|모든|모두|전부)$/;

/** Whether "today" would leave out what is asked for: 치과 일정, 모든 약속, 취소된 일정. */
const isBeyondToday = (words: readonly Word[], index: number): boolean =>
  words.some(
    (word, at) =>
      (at < index && word.class === 'rest') || everything.test(word.text) || gone.test(word.text),
  );

/** What a question without a date is about. */
function openWindow(words: readonly Word[]): 'today' | 'next' | 'previous' {
  const back = words.some((word) => /^(?:지난|지난번|저번|예전)$/.test(word.text));
  const past = words.some((word) => asking.has(word.class) && pastTense.test(word.text));
  if (back) return 'previous';
  const when = words.some((word) => word.class === 'ask' && /^언[제젠]/.test(word.text));
  if (when) return past ? 'previous' : 'next';
  const ahead = words.some((word) => /^(?:다음|다음번|다가오는|가까운)$/.test(word.text));
  return ahead ? 'next' : 'today';
}

export function koreanCalendar(clause: Clause): RuleOutcome | null {
  const { words } = clause;
  if (has(words, 'create', 'change', 'send', 'how', 'come') || hasException(words)) return null;
  const index = keywordIndex(words);
  if (index < 0 || !words.slice(index + 1).every((word) => known.has(word.class))) return null;
  if (!isPlan(words, index) && asksForMeaning(words, index)) return null;
  if (!isRequest(clause, index)) return null;
  const open = openWindow(words);
  const past =
    open === 'previous' ||
    words.some((word) => asking.has(word.class) && pastTense.test(word.text));
  const dates = clauseDates(clause, past ? 'past' : 'future');
  if (dates?.ok === false) return dateQuestion(clause, rule, dates);
  if (dates === null && open === 'today' && isBeyondToday(words, index)) return null;
  return { kind: 'calls', rule, calls: calendarCalls(dates, clause.today, open) };
}
