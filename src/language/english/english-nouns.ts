/**
 * The noun of an English calendar question with its determiners and modifiers. It is "personal" if it certainly belongs
 * to the user's calendar: my schedule, the next meeting, tomorrow's appointments; not the train schedule, the fed
 * meeting or events in the city.
 */
import { phrase, type PhraseScanner, wordSet } from '../phrase-scanner.ts';

export interface CalendarNoun {
  /**
   * `calendar`: the whole calendar; `meeting`: always a calendar entry; `event`: also public events; `occasion`: an
   * entry only if it is the user's own.
   */
  kind: 'calendar' | 'meeting' | 'event' | 'occasion';
  isPlural: boolean;
  /** My, our. */
  isOwn: boolean;
  /** A, an, another: also the beginning of a request to create an entry. */
  isIndefinite: boolean;
  /** The, this, that. */
  isDefinite: boolean;
  order: 'next' | 'previous' | null;
  /** Weekly, monthly: the range if no date is named. */
  span: 'week' | 'month' | null;
  /** All, every. */
  isAll: boolean;
  hasDate: boolean;
  hasTime: boolean;
  /** Modifiers that describe the entry: known (team) and unknown (dentist). */
  described: number;
  unknown: number;
}

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

export function nounKind(word: string): CalendarNoun['kind'] | null {
  for (const kind of ['calendar', 'meeting', 'event', 'occasion'] as const) {
    if (nouns[kind].has(word)) return kind;
  }
  return null;
}

const modifiersMax = 3;
const anyWord = phrase("[\\p{L}\\p{N}&'.-]+");

/** Consumes the modifiers and the noun; null if there is no noun (words are then consumed all the same). */
export function parseCalendarNoun(scanner: PhraseScanner): CalendarNoun | null {
  const found: CalendarNoun = {
    kind: 'calendar',
    isPlural: false,
    isOwn: false,
    isIndefinite: false,
    isDefinite: false,
    order: null,
    span: null,
    isAll: false,
    hasDate: false,
    hasTime: false,
    described: 0,
    unknown: 0,
  };
  for (let taken = 0; taken < 12; taken += 1) {
    if (scanner.consumeDate()) {
      found.hasDate = true;
      continue;
    }
    if (scanner.consumeTime()) {
      found.hasTime = true;
      continue;
    }
    const word = scanner.peek();
    if (word === null || scanner.consume(anyWord) === null) return null;
    const kind = nounKind(word);
    if (kind !== null && !isInFront(word, scanner)) {
      const isPlural = word.endsWith('s');
      return { ...found, kind, isPlural };
    }
    if (!applyModifier(found, word)) return null;
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
