/**
 * The rule for English questions about the calendar. A question is a head ("do i have", "when is", "show me"),
 * the noun it asks for, and a tail of dates, places and clauses ("scheduled for tomorrow", "with Bob"). All of
 * it must be understood; what could as well be about other people's events, trains or the news is left alone.
 */
import { type DateReading, readDatesIn } from './date-reader.ts';
import { type Frame, frameOf } from './english-frame.ts';
import { type CalendarNoun, readCalendarNoun } from './english-nouns.ts';
import {
  calendarWord,
  type CalendarTail,
  nameStops,
  nameWordsMax,
  readCalendarTail,
} from './english-calendar-tail.ts';
import { phrase, PhraseReader } from './phrase-reader.ts';
import { type Clause, type RuleOutcome, clauseDates, dateQuestion } from './rule.ts';
import { calendarCalls } from './tool-calls.ts';
import { dateMark } from './word-classes.ts';
import { isOtherWork } from './english-work.ts';

interface Asked {
  /** Which way a question without a date looks. */
  open: 'today' | 'next' | 'previous';
  /** Whether today would leave out what is asked for: any dentist appointments, all my meetings. */
  isBeyondToday: boolean;
  /** My weekly schedule: the range where no date is named. */
  span?: 'week' | 'month' | null;
  /** "Did i schedule" asks about what lies ahead. */
  isAhead?: boolean;
}

type Head = (reader: PhraseReader, frame: Frame) => Asked | null;

const isDated = (noun: CalendarNoun, tail: CalendarTail): boolean => noun.hasDate || tail.hasDate;

function asked(noun: CalendarNoun, tail: CalendarTail): Asked {
  const order = noun.order ?? (tail.isAhead ? 'next' : 'today');
  const open = tail.isOfDay ? 'today' : order;
  // An hour without a day is one of today.
  const isToday = tail.hasTime || noun.hasTime;
  const isBeyondToday = !isToday && (noun.isAll || noun.described > 0 || tail.isNamed);
  return { open, isBeyondToday: open === 'today' && isBeyondToday, span: noun.span };
}

/** Whether the noun means entries of the asker, where the sentence could be about any. */
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

/** What is on my calendar, what are my meetings, what is my schedule tomorrow. */
const whatIs: Head = (reader) => {
  if (reader.eat(what) === null || reader.eat(isWord) === null) return null;
  const isNext = /^(?:the )?(?:next|coming up|up next) /.test(reader.rest);
  if (reader.eat(onBefore) !== null) {
    const noun = readCalendarNoun(reader);
    if (noun?.kind !== 'calendar' || noun.isIndefinite || !(noun.isOwn || noun.isDefinite))
      return null;
    const tail = noun.unknown > 0 && !noun.isOwn ? null : readCalendarTail(reader);
    return tail && asked(isNext ? { ...noun, order: 'next' } : noun, tail);
  }
  reader.eat(seenOn);
  const noun = readCalendarNoun(reader);
  if (noun === null || noun.isIndefinite || noun.kind === 'occasion') return null;
  if (!noun.isOwn && !noun.isDefinite && !noun.hasDate && noun.order === null) return null;
  const tail = readCalendarTail(reader);
  return tail && isPersonal(noun, tail) ? asked(noun, tail) : null;
};

const plannedNext = phrase('(?:coming up|scheduled|planned|booked|lined up)');

/** What is planned for tomorrow. */
const whatIsPlanned: Head = (reader) => {
  if (reader.eat(what) === null || reader.eat(isWord) === null) return null;
  const isAhead = reader.rest.startsWith('coming up');
  if (reader.eat(plannedNext) === null) return null;
  const tail = readCalendarTail(reader);
  if (tail === null || tail.isNamed || !(tail.hasDate || tail.isOwn)) return null;
  // What is coming up this week may be anything.
  return isAhead && !tail.isOwn ? null : { open: isAhead ? 'next' : 'today', isBeyondToday: false };
};

const haveWhat = phrase(
  'what am i(?= (?:scheduled|booked))|what(?: else| all)? (?:do|have|will) (?:i|we)(?: (?:have|got|have got))?(?: going)?',
);

/** What do i have scheduled for today, what have i got on my calendar, what do i have on tomorrow. */
const whatHave: Head = (reader, frame) => {
  if (reader.eat(haveWhat) === null) return null;
  const isOn = reader.rest.startsWith('on ');
  const isGoingOn = /\bgoing\b/.test(frame.body);
  const tail = readCalendarTail(reader);
  if (tail === null || tail.isNamed) return null;
  const isMeant = tail.isPlanned || tail.isOwn || tail.isAhead || frame.place === 'calendar';
  if (!isMeant && !((isOn || isGoingOn) && tail.hasDate)) return null;
  return { open: tail.isAhead ? 'next' : 'today', isBeyondToday: false };
};

const whichWord = phrase('(?:what|which|how many)(?: (?:kind|kinds|type|sort) of| of)?');

/** What meetings do i have, how many appointments tomorrow, which events are on my calendar. */
const whichEvents: Head = (reader) => {
  if (reader.eat(whichWord) === null) return null;
  const noun = readCalendarNoun(reader);
  if (noun === null || noun.kind === 'calendar' || noun.kind === 'occasion') return null;
  const tail = readCalendarTail(reader);
  if (tail === null) return null;
  const isEventOfMine = tail.isOwn || noun.isOwn;
  if (noun.kind === 'event' && !isEventOfMine && !(tail.isPlanned && isDated(noun, tail)))
    return null;
  if (!isEventOfMine && (noun.unknown > 0 || !isDated(noun, tail))) {
    if (!tail.isAhead && !tail.isPlanned) return null;
    if (noun.unknown > 0) return null;
  }
  return asked(noun, tail);
};

const looks = phrase(
  `(?:what|how) (?:does|do|is|are) (?:(?:my|our|the) (?:${calendarWord}|day|morning|afternoon|evening)|${dateMark}(?:'s)? ${calendarWord})(?: look| looks| looking| say)?(?: like)?`,
);

/** What does my day look like, how is my schedule tomorrow. */
const howItLooks: Head = (reader) => {
  const isDay = /^\S+ \S+ (?:my|our|the) day\b/.test(reader.rest);
  const isLook = /^[a-z ]{0,40}\b(?:look|like)/.test(reader.rest);
  const isPart = /^\S+ \S+ \S+ (?:morning|afternoon|evening)\b/.test(reader.rest);
  const isOwn = /^\S+ \S+ (?:my|our)\b/.test(reader.rest);
  if ((isDay || isPart) && !(isLook && isOwn)) return null;
  if (reader.eat(looks) === null) return null;
  const tail = readCalendarTail(reader);
  if (tail === null || tail.isNamed) return null;
  // "How is my evening" is no question about entries; of tomorrow it is.
  return isPart && !tail.hasDate ? null : { open: 'today', isBeyondToday: false };
};

const haveHead = phrase(
  '(?:do|did|will) (?:i|we) (?:need|have) to (?:attend|go to|be at)|(?:do|did|will) (?:i|we)(?: also| already)? have|have (?:i|we)(?: got)?|(?:am|are) (?:i|we) having',
);
const thereHead = phrase('(?:is|are|was|were|will) there(?: going to be| be)?|any(?= )');
const anything = phrase(
  '(?:is |are )?(?:anything|something|things|stuff|much)(?: (?:else|important|special|new))?',
);

/** Anything planned for tomorrow, is there anything on my calendar. */
function readAnything(reader: PhraseReader, frame: Frame, isMine: boolean): Asked | null {
  const tail = readCalendarTail(reader);
  if (tail === null || tail.isNamed) return null;
  const isOwn = tail.isOwn || frame.place === 'calendar';
  const isMeant = tail.hasDate
    ? isMine || isOwn || tail.isPlanned
    : isOwn || (isMine && tail.isAhead);
  if (!isMeant) return null;
  return { open: tail.isAhead ? 'next' : 'today', isBeyondToday: false };
}

/** Do i have any meetings, have we got a call at 3, is there an appointment on friday, any events this weekend. */
const haveEvents: Head = (reader, frame) => {
  const isMine = reader.eat(haveHead) !== null;
  const isThere = isMine || reader.eat(thereHead) !== null;
  if (!isThere && !/^(?:is )?anything\b/.test(reader.rest)) return null;
  if (reader.eat(anything) !== null) return readAnything(reader, frame, isMine);
  const noun = readCalendarNoun(reader);
  if (noun === null || noun.kind === 'calendar') return null;
  const tail = readCalendarTail(reader);
  if (tail === null) return null;
  const isOwn = isMine || noun.isOwn || tail.isOwn || frame.place === 'calendar';
  if (noun.kind === 'occasion' && !(isOwn && isDated(noun, tail))) return null;
  if (noun.kind === 'event' && !isOwn && (noun.unknown > 0 || !isDated(noun, tail))) return null;
  return asked(noun, tail);
};

const isAnyCalendar = phrase(`any(?: (?:on|in))?(?= (?:my|our|the) ${calendarWord})`);
const showHead = phrase(
  '(?:(?:the )?details (?:of|about|for)|open up|know|show|tell|give|list|read|check|open|see|view|display|look at|look up|look through|pull up|get|bring up|bring|find|search|review|go over|go through|run through|run down|read out|read off|recite|print|check on|check out|list out|what about|how about|fetch|go to)(?: (?:me|us|to me))?(?: (?:out|off))?(?: (?:about|all about|for|on|(?:everything|anything|all)(?: (?:that is|i have))? (?:on|in)|what is on|what i have on|the details (?:of|for|about|on)|details (?:of|for|about|on)|a list of|the list of|list of|information (?:on|about)|info (?:on|about)|an overview of|a summary of|the rest of))?',
);

/** Show me my schedule for friday, list today's meetings, tell me about my next appointment. */
const showEvents: Head = (reader) => {
  if ((reader.eat(showHead) ?? reader.eat(isAnyCalendar)) === null) return null;
  const noun = readCalendarNoun(reader);
  if (noun === null || noun.isIndefinite || noun.kind === 'occasion') return null;
  const tail = readCalendarTail(reader);
  if (tail === null || !isPersonal(noun, tail)) return null;
  return asked(noun, tail);
};

const when = phrase(
  '(?:at |on )?(?:when|what (?:time|day|date)|where|who|how long|how soon|what room)(?: all| else)?(?: (?:is|are|was|were|does|do|did|will|should|can|would))?(?: (?:i|we) (?:have to be|need to be|supposed to be|have|expect to (?:see|be)))?(?: (?:attending|coming to|joining|invited to|going to be (?:at|in)|be (?:at|in|attending)|at|in|going to))?',
);
const whatOf = phrase(
  'how (?:long|soon|many (?:minutes|hours|days|weeks)|much time)(?: (?:do|have) i(?: have| got)?| is left)? (?:until|till|before|to)|what (?:is|are|was) the (?:time|start time|date|day|location|place|venue|address|topic|agenda|subject|duration|status|details|time and place|time and location)(?: (?:of|for|about))',
);

/** When is my next meeting, who is at the meeting today, what is the location of my appointment. */
const whenEvents: Head = (reader) => {
  const isOfMine = /^[a-z ]{0,20}\bd(?:o|id) (?:i|we) have\b/.test(reader.rest);
  if ((reader.eat(whatOf) ?? reader.eat(when)) === null) return null;
  const noun = readCalendarNoun(reader);
  if (noun === null || noun.kind === 'calendar') return null;
  if (noun.isIndefinite && !isOfMine) return null;
  const tail = readCalendarTail(reader);
  if (tail === null) return null;
  const isOwn = isOfMine || noun.isOwn || tail.isOwn;
  if (noun.kind === 'occasion' && !isOwn) return null;
  if (noun.unknown > 0 && !isOwn) return null;
  return { open: noun.order === 'previous' ? 'previous' : 'next', isBeyondToday: false };
};

const didPlan = phrase(
  '(?:did|have) (?:i|we)(?: already)? (?:scheduled?|book(?:ed)?|set up|plan(?:ned)?|add(?:ed)?|made|make|arranged?)',
);

/** Did i schedule a meeting for friday. */
const wasPlanned: Head = (reader) => {
  if (reader.eat(didPlan) === null) return null;
  const noun = readCalendarNoun(reader);
  if (noun === null || noun.kind !== 'meeting' || noun.isPlural) return null;
  const tail = readCalendarTail(reader);
  return tail?.hasDate ? { ...asked(noun, tail), isAhead: true } : null;
};

const whoMeets = phrase(
  '(?:who|when|where|what time) (?:am i|are we) (?:meeting|seeing)(?: with)?',
);

/** Who am i meeting tomorrow. */
const whoIsMet: Head = (reader) => {
  if (reader.eat(whoMeets) === null) return null;
  reader.words(nameWordsMax, nameStops);
  return readCalendarTail(reader) && { open: 'next', isBeyondToday: false };
};

const isMine = phrase(
  `(?:is|are|was|were|does|did|do|has|have)(?= (?:my|our|the|that|there)\\b| ?${dateMark})`,
);
const isState = phrase(
  '(?:still )?(?:been )?(?:on|happening|moved|rescheduled|postponed|scheduled|confirmed|cancelled|canceled|set|booked|at|for|start|begin|end|early|late|free|clear|open|full|busy|empty|booked up|packed)',
);

/** Is my meeting with john still on, is my calendar clear on friday. */
const isItSo: Head = (reader) => {
  if (reader.eat(isMine) === null || reader.rest.startsWith('there')) return null;
  const noun = readCalendarNoun(reader);
  if (noun === null || noun.isIndefinite || noun.isPlural || noun.unknown > 1) return null;
  if (!noun.isOwn && (noun.kind !== 'meeting' || noun.unknown > 0)) return null;
  const before = reader.rest;
  reader.eat(isState);
  const tail = readCalendarTail(reader);
  if (tail === null || before === '') return null;
  if (noun.kind === 'calendar' && !isDated(noun, tail))
    return { open: 'today', isBeyondToday: false };
  return { open: noun.kind === 'calendar' ? 'today' : 'next', isBeyondToday: false };
};

const free = phrase(
  '(?:(?:am|are|will|was|were) (?:i|we)(?: be)?(?: (?:already|still|currently|going to be))?|(?:when|what time|what times) (?:am|are) (?:i|we)) (?:free|busy|available|booked up|booked|occupied|tied up|doing anything|doing something)(?: for (?:a |an )?(?:lunch|dinner|coffee|meeting|call|drinks|breakfast|brunch|chat))?|how (?:busy|free|full|packed|booked) (?:am i|are we|is my (?:day|schedule|calendar|week|afternoon|morning|weekend))',
);
const freeTime = phrase(
  '(?:do|did|will) (?:i|we) have(?: (?:any|a|some))? (?:free time|time|conflicts?|openings?|availability|free slots?|scheduling conflicts?|time free|(?:busy|full|free|packed) (?:day|schedule|morning|afternoon|evening|week|weekend))',
);

/** Am i free on thursday, do i have any free time tomorrow. */
const isFree: Head = (reader) => {
  if ((reader.eat(free) ?? reader.eat(freeTime)) === null) return null;
  const tail = readCalendarTail(reader);
  return tail && (tail.hasDate || tail.hasTime) && !tail.isNamed
    ? { open: 'today', isBeyondToday: false }
    : null;
};

/** My schedule, tomorrow's meetings, next appointment: no verb at all, so it must be beyond doubt. */
const bare: Head = (reader) => {
  const noun = readCalendarNoun(reader);
  if (noun === null || noun.isIndefinite || noun.kind === 'occasion' || noun.unknown > 0)
    return null;
  const tail = readCalendarTail(reader);
  // "Meeting tomorrow at 3" announces one; a question would say so.
  if (tail === null || tail.hasTime || noun.hasTime || tail.isNamed) return null;
  if (noun.kind === 'calendar') return noun.isAll ? null : asked(noun, tail);
  const isOne = !noun.isPlural && noun.order === null;
  // "My meeting was cancelled" tells of one.
  if (isOne && (!noun.isOwn || !tail.hasOnlyDates)) return null;
  if (!noun.isOwn && !tail.isOwn && noun.order === null && !isDated(noun, tail)) return null;
  return asked(noun, tail);
};

const heads: readonly Head[] = [
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

/** Longer messages are no question for a rule; it bounds the matching. */
const wordsMax = 30;
const pastAsked = /\b(?:did|was|were|had)\b/;

export function englishCalendar(clause: Clause): RuleOutcome | null {
  const frame = frameOf(clause.masked);
  if (frame.body.split(' ').length > wordsMax || isOtherWork(frame.body)) return null;
  for (const head of heads) {
    const found = head(new PhraseReader(frame.body), frame);
    if (found !== null) return outcomeOf(clause, frame, found);
  }
  return null;
}

const spanOf = ({ today }: Clause, { span }: Asked): DateReading | null =>
  span ? readDatesIn(`this ${span}`, { today, prefer: 'future' }) : null;

function outcomeOf(clause: Clause, frame: Frame, found: Asked): RuleOutcome | null {
  const isPast =
    found.isAhead !== true && (pastAsked.test(frame.body) || found.open === 'previous');
  const dates = clauseDates(clause, isPast ? 'past' : 'future') ?? spanOf(clause, found);
  if (dates?.ok === false) return dateQuestion(clause, 'calendar', dates);
  if (dates === null && found.isBeyondToday) return null;
  const open = isPast && found.open === 'next' ? 'previous' : found.open;
  return { kind: 'calls', rule: 'calendar', calls: calendarCalls(dates, clause.today, open) };
}
