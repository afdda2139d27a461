/**
 * The rule for English questions about the calendar: a head, a noun and a tail. All of it must be understood;
 * a question that may also be about other people's events, trains or the news goes to the classifier.
 */
import { type DateParseResult, parseNormalizedDates } from '../dates/parse-dates.ts';
import { type NormalizedQuestion, normalizeQuestion, firstReading } from './english-question.ts';
import {
  type CalendarNoun,
  parseCalendarNoun,
  calendarWord,
  type CalendarTail,
  nameStops,
  nameWordsMax,
  parseCalendarTail,
} from './english-nouns.ts';
import { phrase, type PhraseScanner } from '../phrase-scanner.ts';
import {
  type Clause,
  type RuleOutcome,
  parseClauseDates,
  clarifyClauseDate,
  calendarCalls,
} from '../rules/rule.ts';
import { datePlaceholder } from '../token-types.ts';

interface CalendarQuestion {
  /** The period of a question without a date. */
  open: 'today' | 'next' | 'previous';
  /** Whether today alone would be too narrow: any dentist appointments, all my meetings. */
  isBeyondToday: boolean;
  /** My weekly schedule: the range if no date is named. */
  span?: 'week' | 'month' | null;
  /** "Did i schedule": past tense, but asks about future entries. */
  isAhead?: boolean;
}

type QuestionPattern = (
  scanner: PhraseScanner,
  question: NormalizedQuestion,
) => CalendarQuestion | null;

/** A head and a tail to the end of the question; any of the heads. */
const tailPattern =
  (
    heads: readonly RegExp[],
    judge: (tail: CalendarTail, question: NormalizedQuestion) => CalendarQuestion | null,
  ): QuestionPattern =>
  (scanner, question) => {
    const tail = scanner.consumeOne(...heads) ? parseCalendarTail(scanner) : null;
    return tail && judge(tail, question);
  };

/** A noun and a tail to the end of the question. */
function judgeEntry(
  scanner: PhraseScanner,
  judge: (noun: CalendarNoun, tail: CalendarTail) => CalendarQuestion | null,
): CalendarQuestion | null {
  const noun = parseCalendarNoun(scanner);
  const tail = noun && parseCalendarTail(scanner);
  return noun && tail && judge(noun, tail);
}

/** A head, a noun and a tail to the end of the question; any of the heads. */
const entryPattern =
  (
    heads: readonly RegExp[],
    judge: (
      noun: CalendarNoun,
      tail: CalendarTail,
      question: NormalizedQuestion,
    ) => CalendarQuestion | null,
  ): QuestionPattern =>
  (scanner, question) =>
    scanner.consumeOne(...heads)
      ? judgeEntry(scanner, (noun, tail) => judge(noun, tail, question))
      : null;

const today: CalendarQuestion = { open: 'today', isBeyondToday: false };
const next: CalendarQuestion = { open: 'next', isBeyondToday: false };

const isDated = (noun: CalendarNoun, tail: CalendarTail): boolean => noun.hasDate || tail.hasDate;

function toQuestion(noun: CalendarNoun, tail: CalendarTail): CalendarQuestion {
  const order = noun.order ?? (tail.isAhead ? 'next' : 'today');
  const open = tail.isOfDay ? 'today' : order;
  // An hour without a day is today.
  const isToday = tail.hasTime || noun.hasTime;
  const isBeyondToday = !isToday && (noun.isAll || noun.described > 0 || tail.isNamed);
  return { open, isBeyondToday: open === 'today' && isBeyondToday, span: noun.span };
}

/** Whether the noun means the user's own entries, in sentences that could be about any. */
function isPersonal(noun: CalendarNoun, tail: CalendarTail): boolean {
  const isOwn = noun.isOwn || tail.isOwn;
  switch (noun.kind) {
    case 'calendar':
      return noun.isOwn || noun.unknown === 0;
    case 'meeting':
      return isOwn || noun.unknown === 0;
    case 'event':
      if (noun.unknown > 0) return noun.isOwn;
      return isOwn || noun.order === 'next' || isDated(noun, tail);
    case 'occasion':
      return isOwn;
  }
}

const what = phrase('(?:what|which)(?: else| all)?');
const isWord = phrase('(?:is|are|was|were)(?: there)?');
const onBefore = phrase(
  '(?:(?:the )?(?:(?:next|first|last|other) )?(?:things?|items?|entry|entries) )?(?:(?:next|coming up|happening|planned|scheduled|going on|listed|left|new|booked|up|else|all) )*(?:on|in|for)',
);
const seenOn = phrase('on|about');

/** "What is on my calendar", "what are my meetings", "what is my schedule tomorrow". */
const whatIs: QuestionPattern = (scanner) => {
  if (scanner.consume(what) === null || scanner.consume(isWord) === null) return null;
  const isNext = /^(?:the )?(?:next|coming up|up next) /.test(scanner.rest);
  const isOn = scanner.consume(onBefore) !== null;
  if (!isOn) scanner.consume(seenOn);
  return judgeEntry(scanner, (noun, tail) => {
    if (noun.isIndefinite) return null;
    if (isOn) {
      const isMeant = noun.isOwn || (noun.isDefinite && noun.unknown === 0);
      if (noun.kind !== 'calendar' || !isMeant) return null;
      return toQuestion(isNext ? { ...noun, order: 'next' } : noun, tail);
    }
    const isGiven = noun.isOwn || noun.isDefinite || noun.hasDate || noun.order !== null;
    const isMeant = noun.kind !== 'occasion' && isGiven && isPersonal(noun, tail);
    return isMeant ? toQuestion(noun, tail) : null;
  });
};

const plannedNext = phrase('(?:coming up|scheduled|planned|booked|lined up)');

/** "What is planned for tomorrow". */
const whatIsPlanned: QuestionPattern = (scanner) => {
  if (scanner.consume(what) === null || scanner.consume(isWord) === null) return null;
  const isAhead = scanner.rest.startsWith('coming up');
  if (scanner.consume(plannedNext) === null) return null;
  const tail = parseCalendarTail(scanner);
  if (tail === null || tail.isNamed || !(tail.hasDate || tail.isOwn)) return null;
  // "What is coming up this week" may not be about the calendar.
  if (isAhead) return tail.isOwn ? next : null;
  return today;
};

const haveWhat = phrase(
  'what am i(?= (?:scheduled|booked))|what(?: else| all)? (?:do|have|will) (?:i|we)(?: (?:have|got|have got))?(?: going)?',
);

/** "What do i have scheduled for today", "what have i got on my calendar", "what do i have on tomorrow". */
const whatHave = tailPattern([haveWhat], (tail, { body, lookupTarget }) => {
  if (tail.isNamed) return null;
  const isMeant = tail.isPlanned || tail.isOwn || tail.isAhead || lookupTarget === 'calendar';
  const isOnOrGoing = /\bgoing\b/.test(body) || body.replace(haveWhat, '').startsWith('on ');
  if (!isMeant && !(isOnOrGoing && tail.hasDate)) return null;
  return tail.isAhead ? next : today;
});

const whichWord = phrase('(?:what|which|how many)(?: (?:kind|kinds|type|sort) of| of)?');

/** "What meetings do i have", "how many appointments tomorrow", "which events are on my calendar". */
const whichEvents = entryPattern([whichWord], (noun, tail) => {
  if (noun.kind === 'calendar' || noun.kind === 'occasion') return null;
  const isEventOfMine = tail.isOwn || noun.isOwn;
  if (noun.kind === 'event' && !isEventOfMine && !(tail.isPlanned && isDated(noun, tail)))
    return null;
  if (!isEventOfMine && (noun.unknown > 0 || !isDated(noun, tail))) {
    if (noun.unknown > 0 || (!tail.isAhead && !tail.isPlanned)) return null;
  }
  return toQuestion(noun, tail);
});

const looks = phrase(
  `(?:what|how) (?:does|do|is|are) (?:(?:my|our|the) (?:${calendarWord}|day|morning|afternoon|evening)|${datePlaceholder}(?:'s)? ${calendarWord})(?: look| looks| looking| say)?(?: like)?`,
);

/** "What does my day look like", "how is my schedule tomorrow". */
const howItLooks = tailPattern([looks], (tail, { body }) => {
  const isDay = /^\S+ \S+ (?:my|our|the) day\b/.test(body);
  const isLook = /^[a-z ]{0,40}\b(?:look|like)/.test(body);
  const isPart = /^\S+ \S+ \S+ (?:morning|afternoon|evening)\b/.test(body);
  const isOwn = /^\S+ \S+ (?:my|our)\b/.test(body);
  if (tail.isNamed || ((isDay || isPart) && !(isLook && isOwn))) return null;
  // "How is my evening" does not ask for entries; with "tomorrow" it does.
  return isPart && !tail.hasDate ? null : today;
});

const haveHead = phrase(
  '(?:do|did|will) (?:i|we) (?:need|have) to (?:attend|go to|be at)|(?:do|did|will) (?:i|we)(?: also| already)? have|have (?:i|we)(?: got)?|(?:am|are) (?:i|we) having',
);
const thereHead = phrase('(?:is|are|was|were|will) there(?: going to be| be)?|any(?= )');
const anything = phrase(
  '(?:is |are )?(?:anything|something|things|stuff|much)(?: (?:else|important|special|new))?',
);

/** "Anything planned for tomorrow", "is there anything on my calendar". */
function parseAnything(
  scanner: PhraseScanner,
  question: NormalizedQuestion,
  isMine: boolean,
): CalendarQuestion | null {
  const tail = parseCalendarTail(scanner);
  if (tail === null || tail.isNamed) return null;
  const isOwn = tail.isOwn || question.lookupTarget === 'calendar';
  const isMeant = tail.hasDate
    ? isMine || isOwn || tail.isPlanned
    : isOwn || (isMine && tail.isAhead);
  if (!isMeant) return null;
  return tail.isAhead ? next : today;
}

/** "Do i have any meetings", "is there an appointment on friday", "any events this weekend". */
const haveEvents: QuestionPattern = (scanner, question) => {
  const isMine = scanner.consume(haveHead) !== null;
  const isThere = isMine || scanner.consume(thereHead) !== null;
  if (!isThere && !/^(?:is )?anything\b/.test(scanner.rest)) return null;
  if (scanner.consume(anything) !== null) return parseAnything(scanner, question, isMine);
  return judgeEntry(scanner, (noun, tail) => {
    const isOwn = isMine || noun.isOwn || tail.isOwn || question.lookupTarget === 'calendar';
    if (noun.kind === 'calendar') return null;
    if (noun.kind === 'occasion' && !(isOwn && isDated(noun, tail))) return null;
    if (noun.kind === 'event' && !isOwn && (noun.unknown > 0 || !isDated(noun, tail))) return null;
    return toQuestion(noun, tail);
  });
};

const isAnyCalendar = phrase(`any(?: (?:on|in))?(?= (?:my|our|the) ${calendarWord})`);
const showHead = phrase(
  '(?:(?:the )?details (?:of|about|for)|open up|know|show|tell|give|list|read|check|open|see|view|display|look at|look up|look through|pull up|get|bring up|bring|find|search|review|go over|go through|run through|run down|read out|read off|recite|print|check on|check out|list out|what about|how about|fetch|go to)(?: (?:me|us|to me))?(?: (?:out|off))?(?: (?:about|all about|for|on|(?:everything|anything|all)(?: (?:that is|i have))? (?:on|in)|what is on|what i have on|the details (?:of|for|about|on)|details (?:of|for|about|on)|a list of|the list of|list of|information (?:on|about)|info (?:on|about)|an overview of|a summary of|the rest of))?',
);

/** "Show me my schedule for friday", "list today's meetings", "tell me about my next appointment". */
const showEvents = entryPattern([showHead, isAnyCalendar], (noun, tail) =>
  noun.isIndefinite || noun.kind === 'occasion' || !isPersonal(noun, tail)
    ? null
    : toQuestion(noun, tail),
);

const when = phrase(
  '(?:at |on )?(?:when|what (?:time|day|date)|where|who|how long|how soon|what room)(?: all| else)?(?: (?:is|are|was|were|does|do|did|will|should|can|would))?(?: (?:i|we) (?:have to be|need to be|supposed to be|have|expect to (?:see|be)))?(?: (?:attending|coming to|joining|invited to|going to be (?:at|in)|be (?:at|in|attending)|at|in|going to))?',
);
const whatOf = phrase(
  'how (?:long|soon|many (?:minutes|hours|days|weeks)|much time)(?: (?:do|have) i(?: have| got)?| is left)? (?:until|till|before|to)|what (?:is|are|was) the (?:time|start time|date|day|location|place|venue|address|topic|agenda|subject|duration|status|details|time and place|time and location)(?: (?:of|for|about))',
);

/** "When is my next meeting", "who is at the meeting today", "what is the location of my appointment". */
const whenEvents = entryPattern([whatOf, when], (noun, tail, { body }) => {
  const isOfMine = /^[a-z ]{0,20}\bd(?:o|id) (?:i|we) have\b/.test(body);
  if (noun.kind === 'calendar' || (noun.isIndefinite && !isOfMine)) return null;
  const isOwn = isOfMine || noun.isOwn || tail.isOwn;
  if ((noun.kind === 'occasion' || noun.unknown > 0) && !isOwn) return null;
  return noun.order === 'previous' ? { ...next, open: 'previous' } : next;
});

const didPlan = phrase(
  '(?:did|have) (?:i|we)(?: already)? (?:scheduled?|book(?:ed)?|set up|plan(?:ned)?|add(?:ed)?|made|make|arranged?)',
);

/** "Did i schedule a meeting for friday". */
const wasPlanned = entryPattern([didPlan], (noun, tail) =>
  noun.kind === 'meeting' && !noun.isPlural && tail.hasDate
    ? { ...toQuestion(noun, tail), isAhead: true }
    : null,
);

const whoMeets = phrase(
  '(?:who|when|where|what time) (?:am i|are we) (?:meeting|seeing)(?: with)?',
);

/** "Who am i meeting tomorrow". */
const whoIsMet: QuestionPattern = (scanner) => {
  if (scanner.consume(whoMeets) === null) return null;
  scanner.takeWords(nameWordsMax, nameStops);
  return parseCalendarTail(scanner) && next;
};

const isMine = phrase(
  `(?:is|are|was|were|does|did|do|has|have)(?= (?:my|our|the|that|there)\\b| ?${datePlaceholder})`,
);
const isState = phrase(
  '(?:still )?(?:been )?(?:on|happening|moved|rescheduled|postponed|scheduled|confirmed|cancelled|canceled|set|booked|at|for|start|begin|end|early|late|free|clear|open|full|busy|empty|booked up|packed)',
);

/** "Is my meeting with john still on", "is my calendar clear on friday". */
const isItSo: QuestionPattern = (scanner) => {
  if (scanner.consume(isMine) === null || scanner.rest.startsWith('there')) return null;
  const noun = parseCalendarNoun(scanner);
  if (noun === null || noun.isIndefinite || noun.isPlural || noun.unknown > 1) return null;
  if (!noun.isOwn && (noun.kind !== 'meeting' || noun.unknown > 0)) return null;
  const before = scanner.rest;
  scanner.consume(isState);
  const tail = parseCalendarTail(scanner);
  if (tail === null || before === '') return null;
  return noun.kind === 'calendar' ? today : next;
};

const free = phrase(
  '(?:(?:am|are|will|was|were) (?:i|we)(?: be)?(?: (?:already|still|currently|going to be))?|(?:when|what time|what times) (?:am|are) (?:i|we)) (?:free|busy|available|booked up|booked|occupied|tied up|doing anything|doing something)(?: for (?:a |an )?(?:lunch|dinner|coffee|meeting|call|drinks|breakfast|brunch|chat))?|how (?:busy|free|full|packed|booked) (?:am i|are we|is my (?:day|schedule|calendar|week|afternoon|morning|weekend))',
);
const freeTime = phrase(
  '(?:do|did|will) (?:i|we) have(?: (?:any|a|some))? (?:free time|time|conflicts?|openings?|availability|free slots?|scheduling conflicts?|time free|(?:busy|full|free|packed) (?:day|schedule|morning|afternoon|evening|week|weekend))',
);

/** "Am i free on thursday", "do i have any free time tomorrow". */
const isFree = tailPattern([free, freeTime], (tail) =>
  (tail.hasDate || tail.hasTime) && !tail.isNamed ? today : null,
);

/** "My schedule", "tomorrow's meetings", "next appointment": without a verb, so it must be unambiguous. */
const bare: QuestionPattern = (scanner) =>
  judgeEntry(scanner, (noun, tail) => {
    if (noun.isIndefinite || noun.kind === 'occasion' || noun.unknown > 0) return null;
    // "Meeting tomorrow at 3" announces a meeting rather than asking for it.
    if (tail.hasTime || noun.hasTime || tail.isNamed) return null;
    if (noun.kind === 'calendar') return noun.isAll ? null : toQuestion(noun, tail);
    const isOne = !noun.isPlural && noun.order === null;
    // "My meeting was cancelled" is a statement.
    if (isOne && (!noun.isOwn || !tail.hasOnlyDates)) return null;
    if (!noun.isOwn && !tail.isOwn && noun.order === null && !isDated(noun, tail)) return null;
    return toQuestion(noun, tail);
  });

const questionPatterns: readonly QuestionPattern[] = [
  whatIs,
  whatIsPlanned,
  whatHave,
  whichEvents,
  howItLooks,
  isFree,
  haveEvents,
  whoIsMet,
  wasPlanned,
  whenEvents,
  showEvents,
  isItSo,
  bare,
];

const pastAsked = /\b(?:did|was|were|had)\b/;

export function englishCalendar(clause: Clause): RuleOutcome | null {
  const question = normalizeQuestion(clause.masked);
  const found = firstReading(questionPatterns, question);
  return found && toRuleOutcome(clause, question, found);
}

const parseSpan = ({ today }: Clause, { span }: CalendarQuestion): DateParseResult | null =>
  span ? parseNormalizedDates(`this ${span}`, { today, prefer: 'future' }) : null;

function toRuleOutcome(
  clause: Clause,
  question: NormalizedQuestion,
  found: CalendarQuestion,
): RuleOutcome | null {
  const isPast =
    found.isAhead !== true && (pastAsked.test(question.body) || found.open === 'previous');
  const dates = parseClauseDates(clause, isPast ? 'past' : 'future') ?? parseSpan(clause, found);
  if (dates?.ok === false) return clarifyClauseDate(clause, 'calendar', dates);
  if (dates === null && found.isBeyondToday) return null;
  const open = isPast && found.open === 'next' ? 'previous' : found.open;
  return { kind: 'calls', rule: 'calendar', calls: calendarCalls(dates, clause.today, open) };
}
