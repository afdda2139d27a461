/** The tail of an English calendar question: dates, people, "scheduled", "that i have", "on my calendar". */
import { phrase, type PhraseScanner, wordSet } from '../phrase-scanner.ts';
import { datePlaceholder } from '../token-types.ts';

export interface CalendarTail {
  hasDate: boolean;
  hasTime: boolean;
  /** On my calendar, i have: the user's own entries. */
  isOwn: boolean;
  /** Scheduled, planned, booked. */
  isPlanned: boolean;
  /** Coming up, next: without a date the search looks ahead. */
  isAhead: boolean;
  /** With a person, about a topic. */
  isNamed: boolean;
  /** "Of the day": today if no other date is named. */
  isOfDay: boolean;
  /** Only dates and the words that join them; no filler. */
  hasOnlyDates: boolean;
}

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
const person = phrase('with');
const topic = phrase('about|regarding|concerning|called|named|titled');

export const nameStops = wordSet(
  'on for about in from at with and or i we that this which been still cancelled canceled confirmed moved rescheduled postponed set is are was were have do did scheduled planned booked start starts begin begins end ends today coming next last until between of',
);
export const nameWordsMax = 4;

/** Consumes everything to the end; null if a word is not understood. */
export function parseCalendarTail(scanner: PhraseScanner): CalendarTail | null {
  const tail: CalendarTail = {
    hasDate: false,
    hasTime: false,
    isOwn: false,
    isPlanned: false,
    isAhead: false,
    isNamed: false,
    isOfDay: false,
    hasOnlyDates: true,
  };
  while (!scanner.isDone) {
    if (scanner.consume(betweenHours)) continue;
    if (scanner.consumeDate()) tail.hasDate = true;
    else if (scanner.consumeTime()) tail.hasTime = true;
    else if (scanner.consume(locationPhrase) ?? scanner.consume(clauseOfMine)) tail.isOwn = true;
    else if (scanner.consume(ofDay)) tail.isOfDay = true;
    else if (scanner.consume(planned)) tail.isPlanned = true;
    else if (scanner.consume(ahead)) tail.isAhead = true;
    else if (scanner.consume(person) ?? scanner.consume(topic)) {
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
