/**
 * The four rules for English clauses: calendar, mail, documents, status. Each asks the shapes of
 * english-phrases and turns their groups into parameters.
 */
import {
  calendarShapes,
  documentEmptyShape,
  documentShapes,
  mailSender,
  mailShapes,
  mailSubject,
  statusShapes,
} from './english-phrases.ts';
import { questionsIn } from './questions.ts';
import { type Clause, type RuleOutcome, clauseDates, dateQuestion } from './rule.ts';
import { calendarCalls, documentCall, folderOf, mailCall } from './tool-calls.ts';
import { dateMark, timeMark } from './word-classes.ts';

type Groups = Record<string, string | undefined>;

/** Words that belong to the sentence, not to what is sought. */
const stopWords = new Set(
  'a an the my our any some all of me please new unread recent latest is there that this those these'.split(
    ' ',
  ),
);

const searchWords = (text: string | undefined): string =>
  (text ?? '')
    .replaceAll(new RegExp(`[${dateMark}${timeMark}"]`, 'gu'), ' ')
    .split(/\s+/)
    .filter((word) => word !== '' && !stopWords.has(word))
    .join(' ');

/** Nobody asks for a calendar in more words; it bounds what the shapes have to try. */
const sentenceWordsMax = 30;

function firstMatch(shapes: readonly RegExp[], masked: string): Groups | null {
  if (masked.split(' ').length > sentenceWordsMax) return null;
  for (const shape of shapes) {
    const match = shape.exec(masked);
    if (match !== null) return match.groups ?? {};
  }
  return null;
}

/** The masked clause without its end mark. */
const sentenceOf = (clause: Clause): string => clause.masked.replace(/[\s?.!,;:]+$/u, '');

/** Requests to write, send or change; a noun of the calendar beside them does not make a question. */
const otherWork =
  /^(?:(?:please|can you|could you|would you|hey|ok|and|then|also)[,\s]+)*(?:schedule|book|set up|add|create|put|make|arrange|plan|reserve|block|cancel|move|reschedule|delete|remove|change|postpone|push|shift|send|write|reply|draft|compose|forward|answer|explain|translate)\b(?!\s*(?:for|on|of|about)?\s*[\ue000?]|$)/u;

/** Words that ask for all there is, or for the entries of somebody or something. */
const wider = /\b(?:all|every|with|about)\b/u;
const anyEntry =
  /(?<before>[\p{L}'-]+)\s+(?:calendar|schedule|agenda|diary|meetings?|appointments?|events?|calls?|plans)\b/u;
const plainBefore = new Set(
  "my our the a an any some this of upcoming today's other more on in have what which many are is next".split(
    ' ',
  ),
);

const asksToShow = /^(?:show|tell|give|list|read|check|open|see|view|display|at|up|get|me)$/u;

/** Whether "today" would leave out what is asked for: any dentist appointments, all my meetings. */
function isBeyondToday(text: string): boolean {
  const before = anyEntry.exec(text)?.groups?.['before'];
  const isNamed = before !== undefined && !plainBefore.has(before) && !asksToShow.test(before);
  return isNamed || wider.test(text);
}

const pastAsked = /\b(?:did|was|were|had)\b/;

export function englishCalendar(clause: Clause): RuleOutcome | null {
  const text = sentenceOf(clause);
  if (otherWork.test(text)) return null;
  const groups = firstMatch(calendarShapes, text);
  if (groups === null) return null;
  // "meeting tomorrow at 3" announces one; a question would say so.
  if (groups['bare'] !== undefined && text.includes(timeMark)) return null;
  const past = pastAsked.test(text) || groups['open'] === 'last';
  const dates = clauseDates(clause, past ? 'past' : 'future');
  if (dates?.ok === false) return dateQuestion(clause, 'calendar', dates);
  const asksWhen = groups['when'] !== undefined || groups['open'] !== undefined;
  const open = asksWhen ? (past ? 'previous' : 'next') : 'today';
  if (dates === null && open === 'today' && isBeyondToday(text)) return null;
  return { kind: 'calls', rule: 'calendar', calls: calendarCalls(dates, clause.today, open) };
}

export function englishMail(clause: Clause): RuleOutcome | null {
  const text = sentenceOf(clause);
  if (otherWork.test(text)) return null;
  const groups = firstMatch(mailShapes, text);
  if (groups === null) return null;
  const dates = clauseDates(clause, 'past');
  if (dates?.ok === false) return dateQuestion(clause, 'mail', dates);
  const before = searchWords(groups['before']);
  const folderWords = text.split(/[^a-z]+/);
  const folder = folderOf(folderWords);
  const query = [before, searchWords(groups['query'] ?? mailSubject.exec(text)?.groups?.['query'])]
    .join(' ')
    .split(' ')
    .filter((word) => word !== '' && folderOf([word]) === null)
    .join(' ');
  const from = searchWords(mailSender.exec(text)?.groups?.['from'] ?? groups['sender']);
  const call = mailCall({ dates, today: clause.today, query, from, folder });
  return { kind: 'calls', rule: 'mail', calls: [call] };
}

/** Written dates stay in a query (the 2024 budget), as they stand in documents. */
export function englishDocuments(clause: Clause): RuleOutcome | null {
  const text = clause.text.replace(/[\s?.!,;:]+$/u, '');
  if (documentEmptyShape.test(text)) {
    const response = questionsIn(clause.locale).documentQuery;
    return { kind: 'clarify', rule: 'document', response };
  }
  const groups = firstMatch(documentShapes, text);
  if (groups === null) return null;
  const query = [searchWords(groups['before']), searchWords(groups['query'])]
    .filter((part) => part !== '')
    .join(' ');
  if (query === '' || /^(?:it|them|one|this|that)$/.test(query)) return null;
  return { kind: 'calls', rule: 'document', calls: [documentCall(query)] };
}

export function englishStatus(clause: Clause): RuleOutcome | null {
  const matched = firstMatch(statusShapes, sentenceOf(clause)) !== null;
  return matched ? { kind: 'status', rule: 'status' } : null;
}
