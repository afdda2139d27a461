/**
 * The noun of an English calendar question with its determiners and modifiers. It is "personal" if it certainly belongs
 * to the user's calendar: my schedule, the next meeting, tomorrow's appointments; not the train schedule, the fed
 * meeting or events in the city.
 */
import { phrase, type PhraseScanner } from '../phrase-scanner.ts';
import { wordSet } from '../word-lists.ts';
import { datePlaceholder } from '../token-types.ts';

const emptyNoun = {
  /** `meeting`: always an entry; `event`: also public events; `occasion`: an entry only if it is the user's own. */
  kind: 'calendar' as 'calendar' | 'meeting' | 'event' | 'occasion',
  isPlural: false,
  /** My, our. */
  isOwn: false,
  /** A, an, another: also the beginning of a request to create an entry. */
  isIndefinite: false,
  /** The, this, that. */
  isDefinite: false,
  order: null as 'next' | 'previous' | null,
  /** Weekly, monthly: the range if no date is named. */
  span: null as 'week' | 'month' | null,
  /** All, every. */
  isAll: false,
  hasDate: false,
  hasTime: false,
  /** Modifiers that describe the entry: known (team) and unknown (dentist). */
  described: 0,
  unknown: 0,
};
export type CalendarNoun = typeof emptyNoun;

const nouns: Record<CalendarNoun['kind'], ReadonlySet<string>> = {
  calendar: wordSet('calendar calendars schedule schedules agenda diary planner availability'),
  meeting: wordSet('meeting meetings appointment appointments'),
  event: wordSet('event events call calls plan plans engagements commitments'),
  occasion: wordSet(
    'lunch dinner brunch breakfast party interview interviews lecture lesson session practice rehearsal haircut checkup presentation',
  ),
};

const own = wordSet('my our');
const definite = wordSet('the this that these those');
const indefinite = wordSet('a an another');
const all = wordSet('all every each');
const plain = wordSet(
  'any some of other more two three four five existing scheduled planned booked set remaining entire whole full current exact',
);
const next = wordSet('next upcoming future following first coming');
const previous = wordSet('last previous past');
/** Words for when, not for what. */
const partOfDay = wordSet('morning afternoon evening night daily day week month');
const known = wordSet(
  'work business personal family office team staff board project department company client customer sales budget school doctor doctors dentist dental medical zoom video phone conference lunch dinner breakfast important pending',
);
/** Never in front of an entry of the user's own calendar; or the verb or subject of another sentence. */
const foreign = wordSet(
  `to how why about for on tips advice ideas ways way help examples template rules name names note notes write mail email emails
   file document documents with from at in is are was be do does did have has will and or not i you it he she they we me
   latest recent live local news national international world global political sports sporting historical historic famous public
   train trains bus buses flight flights tv television movie movies film game games match concert music festival church weather
   nba nfl mlb nhl soccer football baseball basketball cricket hockey medication workout exercise meal diet tour release
   current breaking trending nearby list lists reminder reminders alarm alarms`,
);

function nounKind(word: string): CalendarNoun['kind'] | null {
  for (const kind of ['calendar', 'meeting', 'event', 'occasion'] as const) {
    if (nouns[kind].has(word)) return kind;
  }
  return null;
}

const modifiersMax = 3;
const anyWord = phrase("[\\p{L}\\p{N}&'.-]+");

/** Consumes the modifiers and the noun; null if there is no noun (words are then consumed all the same). */
export function parseCalendarNoun(scanner: PhraseScanner): CalendarNoun | null {
  const found = { ...emptyNoun };
  for (let taken = 0; taken < 12; taken += 1) {
    if (scanner.consumeDate()) found.hasDate = true;
    else if (scanner.consumeTime()) found.hasTime = true;
    else {
      const word = scanner.peek();
      if (word === null || scanner.consume(anyWord) === null) return null;
      const kind = nounKind(word);
      if (kind !== null && !isInFront(word, scanner))
        return { ...found, kind, isPlural: word.endsWith('s') };
      if (!applyModifier(found, word)) return null;
    }
  }
  return null;
}

/** Calendar events, lunch meeting: the last noun counts. "Schedule" in front is the verb. */
function isInFront(word: string, scanner: PhraseScanner): boolean {
  const behind = scanner.peek();
  return word !== 'schedule' && behind !== null && nounKind(behind) !== null;
}

function applyModifier(found: CalendarNoun, word: string): boolean {
  if (own.has(word)) found.isOwn = true;
  else if (definite.has(word)) found.isDefinite = true;
  else if (indefinite.has(word)) found.isIndefinite = true;
  else if (all.has(word)) found.isAll = true;
  else if (next.has(word)) found.order = 'next';
  else if (previous.has(word)) found.order = 'previous';
  else if (word === 'weekly' || word === 'monthly')
    found.span = word === 'weekly' ? 'week' : 'month';
  else if (plain.has(word) || partOfDay.has(word)) return true;
  else if (nounKind(word) === 'calendar') return true;
  else if (known.has(word) || nounKind(word) !== null) found.described += 1;
  else if (foreign.has(word)) return false;
  else {
    found.unknown += 1;
    found.described += 1;
  }
  return found.described <= modifiersMax;
}

const emptyTail = {
  hasDate: false,
  hasTime: false,
  /** On my calendar, i have: the user's own entries. */
  isOwn: false,
  /** Scheduled, planned, booked. */
  isPlanned: false,
  /** Coming up, next: without a date the search looks ahead. */
  isAhead: false,
  /** With a person, about a topic. */
  isNamed: false,
  /** "Of the day": today if no other date is named. */
  isOfDay: false,
  /** Only dates and the words that join them; no filler. */
  hasOnlyDates: true,
};
export type CalendarTail = typeof emptyTail;

export const calendarWord = '(?:calendar|schedule|agenda|diary|planner)';
const locationPhrase = phrase(
  `(?:that (?:is|are) )?(?:listed |marked |saved |put |left |there |written )?(?:on|in|from|for|to|of) (?:(?:my|our|the) )?(?:work |personal |google |family )?${calendarWord}`,
);
const clauseOfMine = phrase(
  '(?:that )?(?:do|did|will|have|had|am|are) (?:i|we) (?:have|got|having|attending|going to|attend|had)?|(?:that )?(?:i|we) (?:have|had|got|have got|am having|am attending|am going to|need to attend|need to go to|have to attend|have to go to|should attend|will have|made)(?: (?:to attend|to go to))?|to attend|to go to',
);
const planned = phrase(
  '(?:already |currently )?(?:scheduled|planned|booked|arranged|lined up|set up|on the books)|for me',
);
const ahead = phrase('(?:coming up|coming|upcoming|up next|next|ahead)');
const filler = phrase(
  'for (?:any |all |my |the |new |upcoming )*(?:meetings?|appointments?|events?)|been|cancelled|canceled|confirmed|moved|rescheduled|postponed|available|there|are there|is there|were there|was there|are|is|were|was|set|left|remaining|going|happening|taking place|held|being held|going on|listed|pending|start|starts|begin|begins|end|ends|starting|located|due|look like|looking like|look|looking|happen|still|again|going to be|supposed to be|going to start|on',
);
const ofDay = phrase('(?:of|for|during) (?:the|my) day');
const gap = phrase(
  'for|on|in|at|of|from|to|until|till|between|and|or|by|before|after|since|during|around|about|through|the month of|the|this|over|within|later',
);
const part = phrase('(?:(?:in|for|during) the )?(?:morning|afternoon|evening|day|night)');
/** Between two and four pm: the first hour has no am or pm, so it is not yet a time. */
const betweenHours =
  /^(?:between|from) (?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d{1,2})(?:ish)? (?:and|to) ?(?=\ue001)/u;
const personOrTopic = phrase('with|about|regarding|concerning|called|named|titled');

export const nameStops = wordSet(
  'on for about in from at with and or i we that this which been still cancelled canceled confirmed moved rescheduled postponed set is are was were have do did scheduled planned booked start starts begin begins end ends today coming next last until between of',
);
export const nameWordsMax = 4;

/** Consumes everything to the end; null if a word is not understood. */
export function parseCalendarTail(scanner: PhraseScanner): CalendarTail | null {
  const tail = { ...emptyTail };
  while (!scanner.isDone) {
    if (scanner.consume(betweenHours)) continue;
    if (scanner.consumeDate()) tail.hasDate = true;
    else if (scanner.consumeTime()) tail.hasTime = true;
    else if (scanner.consumeOne(locationPhrase, clauseOfMine)) tail.isOwn = true;
    else if (scanner.consume(ofDay)) tail.isOfDay = true;
    else if (scanner.consume(planned)) tail.isPlanned = true;
    else if (scanner.consume(ahead)) tail.isAhead = true;
    else if (scanner.consume(personOrTopic)) {
      // The name may be missing at the end: "who is my meeting with", "what is my meeting about".
      const words = scanner.takeWords(nameWordsMax, nameStops);
      if (words.length === 0 && !scanner.isDone && !scanner.rest.startsWith(datePlaceholder))
        return null;
      tail.isNamed ||= words.length > 0;
    } else if (scanner.consume(filler)) tail.hasOnlyDates = false;
    else if (scanner.consume(part)) continue;
    else if (scanner.consume(gap) === null || scanner.isDone) return null;
  }
  return tail;
}
