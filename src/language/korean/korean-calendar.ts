/**
 * Korean questions about the calendar. The keyword must be a separate word and the object of the question (회의 자료 asks
 * for a document, 회의 진행 방법 for advice), and everything after it must be understood. With an unknown word in front (치과
 * 일정) the rule answers only for a named date, never for today. Requests to create or change go to the classifier.
 */
import {
  type Clause,
  type RuleOutcome,
  isDefinitionQuestion,
  parseClauseDates,
  clarifyClauseDate,
  countDomains,
  hasToken,
  hasException,
  calendarCalls,
} from '../rules/rule.ts';
import { type Token, tokenTypes } from '../token-types.ts';

const rule = 'calendar';

const asking = tokenTypes('ask exist show seek check digest happen');
const known = new Set([
  ...asking,
  ...tokenTypes('calendar mail document bookish account state'),
  ...tokenTypes('date time attribute described next filler'),
]);

/** 회의로, 회의까지, 회의보다: the keyword is not the object. */
const otherRole = /^(?:로|으로|까지|부터|보다|마다|밖에|말고|이나|이란|란|처럼|으로는|로는)$/;

/** 회의야?, 회의인가요: a question without a verb. */
const copulaTail =
  /^(?:이?야|인가|인가요|이?죠|이지|이?냐|이?니|이?였나|이?였어|이?였지|이에요|예요|인지)$/;

/** Endings that occur only in questions. */
const askingEnd = /(?:나|나요|니|냐|지|죠|지요|더라|던가|는지|까|까요|니까)$/;

const pastTense = /(?:였|었|했|갔|났|렸|왔)/;

/** Index of the calendar keyword, after which everything must be understood; -1 if there is none. */
function keywordIndex(words: readonly Token[]): number {
  const index = words.findLastIndex((word) => word.class === 'calendar');
  const [keyword, next] = [words[index], words[index + 1]];
  if (keyword === undefined) return -1;
  // 일정부터 알려줘 means "first the schedule"; in 회의부터 점심까지 the keyword is a point in time.
  const isFirst = keyword.tail === '부터' && (next?.class === 'show' || next?.class === 'check');
  if (otherRole.test(keyword.tail) && !isFirst) return -1;
  // 회의 자료 찾아줘, 미팅 메일 왔어?: the next noun is the object. A list of three domains is no sentence: there the order of the
  // rules decides.
  const other = next?.class === 'mail' || next?.class === 'document' || next?.text === '상태';
  const compound = keyword.tail === '' && other;
  return compound && countDomains(words) < 3 ? -1 : index;
}

/** A noun phrase without a predicate is a question (내일 오전 스케줄), but with an hour it is an announcement (내일 3시 회의). */
function isRequest(clause: Clause, index: number): boolean {
  const { words, question } = clause;
  const tail = words[index]?.tail ?? '';
  const asked = words.filter((word) => asking.has(word.class));
  // 회의 잘 끝났어 is a statement, 회의 끝났나 a question.
  const isStatement = asked.every((word) => word.class === 'happen' && !askingEnd.test(word.text));
  if (asked.length > 0) return question || !isStatement;
  if (question && copulaTail.test(tail)) return true;
  if (hasToken(words, 'state') || copulaTail.test(tail)) return question;
  if (hasToken(words, 'time') && !question) return false;
  return hasToken(words, 'date') || question || !hasToken(words, 'rest', 'machine');
}

/** 일정이 뭐야 asks for the day's entries, 회의가 뭐야 for a definition. */
const isPlan = (words: readonly Token[], index: number): boolean =>
  /^(?:일정|스케줄|스케쥴)/.test(words[index]?.text ?? '');

const gone = /^(?:취소|삭제)(?:된|한|됐던|해둔|해놓은)$/;
const everything = /^(?:전체|모든|모두|전부)$/;

/** Whether today alone would be too narrow: 치과 일정, 모든 약속, 취소된 일정. */
const isBeyondToday = (words: readonly Token[], index: number): boolean =>
  words.some(
    (word, at) =>
      (at < index && word.class === 'rest') || everything.test(word.text) || gone.test(word.text),
  );

const isPast = (words: readonly Token[]): boolean =>
  words.some((word) => asking.has(word.class) && pastTense.test(word.text));

/** The period of a question without a date. */
function openWindow(words: readonly Token[]): 'today' | 'next' | 'previous' {
  const back = words.some((word) => /^(?:지난|지난번|저번|예전)$/.test(word.text));
  const past = isPast(words);
  if (back) return 'previous';
  const when = words.some((word) => word.class === 'ask' && /^언[제젠]/.test(word.text));
  if (when) return past ? 'previous' : 'next';
  const ahead = words.some((word) => /^(?:다음|다음번|다가오는|가까운)$/.test(word.text));
  return ahead ? 'next' : 'today';
}

export function koreanCalendar(clause: Clause): RuleOutcome | null {
  const { words } = clause;
  if (hasToken(words, 'create', 'change', 'send', 'how', 'come') || hasException(words))
    return null;
  const index = keywordIndex(words);
  if (index < 0 || !words.slice(index + 1).every((word) => known.has(word.class))) return null;
  if (!isPlan(words, index) && isDefinitionQuestion(words, index)) return null;
  if (!isRequest(clause, index)) return null;
  const open = openWindow(words);
  const past = open === 'previous' || isPast(words);
  const dates = parseClauseDates(clause, past ? 'past' : 'future');
  if (dates?.ok === false) return clarifyClauseDate(clause, rule, dates);
  if (dates === null && open === 'today' && isBeyondToday(words, index)) return null;
  return { kind: 'calls', rule, calls: calendarCalls(dates, clause.today, open) };
}
