/**
 * The thing an English calendar question asks about: determiners, words in front, the noun. "Personal" is what
 * surely belongs to the asker's calendar: my schedule, the next meeting, tomorrow's appointments; the train
 * schedule, the fed meeting and events in the city are not.
 */
import { phrase, type PhraseReader, wordSet } from './phrase-reader.ts';

export interface CalendarNoun {
  /** `calendar`: the whole of it; `meeting`: entries of a calendar and nothing else; `event`: also events of others. */
  kind: 'calendar' | 'meeting' | 'event' | 'occasion';
  isPlural: boolean;
  /** My, our. */
  isOwn: boolean;
  /** A, an, another: as often the beginning of a wish to have one. */
  isIndefinite: boolean;
  /** The, this, that. */
  isDefinite: boolean;
  order: 'next' | 'previous' | null;
  /** Weekly, monthly: how far it reaches where no date is named. */
  span: 'week' | 'month' | null;
  /** All, every. */
  isAll: boolean;
  hasDate: boolean;
  hasTime: boolean;
  /** Words in front that say what kind it is, known ones (team) and unknown ones (dentist). */
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
/** Say when, not what. */
const partOfDay = wordSet('morning afternoon evening night daily day week month');
const known = wordSet(
  'work business personal family office team staff board project department company client customer sales budget school doctor doctors dentist dental medical zoom video phone conference lunch dinner breakfast important pending',
);
/** Never in front of an entry of one's own calendar, or the verb or subject of another sentence. */
const foreign = wordSet(
  `to how why about for on tips advice ideas ways way help examples template rules name names note notes write mail email emails
   file document documents with from at in is are was be do does did have has will and or not i you it he she they we me
   latest recent live local news national international world global political sports sporting historical historic famous public
   train trains bus buses flight flights tv television movie movies film game games match concert music festival church weather
   nba nfl mlb nhl soccer football baseball basketball cricket hockey medication workout exercise meal diet tour release
   current breaking trending nearby list lists reminder reminders alarm alarms`,
);

export function kindOf(word: string): CalendarNoun['kind'] | null {
  for (const kind of ['calendar', 'meeting', 'event', 'occasion'] as const) {
    if (nouns[kind].has(word)) return kind;
  }
  return null;
}

const modifiersMax = 3;
const anyWord = phrase("[\\p{L}\\p{N}&'.-]+");

/** Takes the noun and the words in front of it; null, with words taken, where there is none. */
export function readCalendarNoun(reader: PhraseReader): CalendarNoun | null {
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
    if (reader.eatDate()) {
      found.hasDate = true;
      continue;
    }
    if (reader.eatTime()) {
      found.hasTime = true;
      continue;
    }
    const word = reader.peek();
    if (word === null || reader.eat(anyWord) === null) return null;
    const kind = kindOf(word);
    if (kind !== null && !isInFront(word, reader)) {
      const isPlural = word.endsWith('s');
      return { ...found, kind, isPlural };
    }
    if (!describe(found, word)) return null;
  }
  return null;
}

/** Calendar events, lunch meeting: the noun is the last of them. "Schedule" in front is the verb. */
function isInFront(word: string, reader: PhraseReader): boolean {
  const behind = reader.peek();
  return word !== 'schedule' && behind !== null && kindOf(behind) !== null;
}

function describe(found: CalendarNoun, word: string): boolean {
  if (own.has(word)) found.isOwn = true;
  else if (definite.has(word)) found.isDefinite = true;
  else if (indefinite.has(word)) found.isIndefinite = true;
  else if (all.has(word)) found.isAll = true;
  else if (next.has(word)) found.order = 'next';
  else if (previous.has(word)) found.order = 'previous';
  else if (word === 'weekly' || word === 'monthly')
    found.span = word === 'weekly' ? 'week' : 'month';
  else if (plain.has(word) || partOfDay.has(word)) return true;
  else if (kindOf(word) === 'calendar') return true;
  else if (known.has(word) || kindOf(word) !== null) found.described += 1;
  else if (foreign.has(word)) return false;
  else {
    found.unknown += 1;
    found.described += 1;
  }
  return found.described <= modifiersMax;
}
