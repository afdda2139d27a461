/**
 * What stands around an English question: a wake word, polite words, "tell me if", "I want to know", "check my
 * calendar and see". Taking it away leaves the question itself in the order of a direct one, with contractions
 * written out, so that the rules need one form of each.
 */
import { phrase, PhraseReader } from './phrase-reader.ts';
import { dateMark } from './word-classes.ts';

export interface Frame {
  /** The question: direct order, contractions written out, no end mark, nothing polite around it. */
  body: string;
  /** What the message said it looks into: "check my calendar and tell me …". */
  place: 'calendar' | 'mail' | null;
}

const contractions: readonly (readonly [RegExp, string])[] = [
  [/\b(what|when|where|who|how|which|there)'?s\b/g, '$1 is'],
  [/\bi'?ve\b/g, 'i have'],
  [/\b(what|who|when|where)'re\b/g, '$1 are'],
  [/\bi'm\b/g, 'i am'],
  [/\bi'd\b/g, 'i would'],
  [/\be[- ]mail(s?)\b/g, 'email$1'],
  [/\bup[- ]coming\b/g, 'upcoming'],
  [/\b(?:got|gotten) any\b/g, 'got any'],
];

/** Wrong spellings that are no other word. */
const spellings = new Map(
  Object.entries({
    calender: 'calendar',
    calandar: 'calendar',
    calander: 'calendar',
    calenders: 'calendars',
    schedual: 'schedule',
    scedule: 'schedule',
    shedule: 'schedule',
    schedul: 'schedule',
    meetting: 'meeting',
    meettings: 'meetings',
    meetng: 'meeting',
    meetngs: 'meetings',
    appointement: 'appointment',
    appointements: 'appointments',
    apointment: 'appointment',
    apointments: 'appointments',
    appoinment: 'appointment',
    appoinments: 'appointments',
    appt: 'appointment',
    appts: 'appointments',
    emial: 'email',
    emials: 'emails',
    emai: 'email',
    recieve: 'receive',
    recieved: 'received',
    wat: 'what',
    wats: 'what is',
  }),
);

function writtenOut(text: string): string {
  let written = text.replace(/[a-z]+/g, (word) => spellings.get(word) ?? word);
  for (const [short, long] of contractions) written = written.replace(short, long);
  return written;
}

const wake = phrase(
  '(?:(?:ok|okay|hey|hi|hello|yo)[,\\s]+)?(?:olly|siri|alexa|cortana|bixby|jarvis|gatehouse)|(?:ok|okay|hey|hi) google',
);
const polite = phrase(
  'hey|hi|hello|ok|okay|so|and|also|then|well|now|alright|please|pls|plz|kindly|just|quickly|' +
    '(?:can|could|would|will) (?:you|u)(?: please)?|would you mind|can i|could i|may i|i want to|i wanna|i would like to|i would like you to|i want you to|' +
    'i need to|i need you to|let me(?! know)|let us|lets|go ahead and|do me a favor and|help me',
);
/** In front of a question with if or whether: i have, there are, bob has sent. */
const asksWhether = phrase(
  '(?:tell me|let me know|know|find out|check|see|look|verify|inform me|say)(?: (?:and|to) (?:see|check|tell me|let me know))*(?: please)? (?:if|whether)(?: or not)?',
);
const asksWhich = phrase(
  '(?:tell me|know|find out|check|see|show me|inform me|read me|read out)(?: please)?(?: (?:and|to) (?:see|tell me))?(?= (?:what|when|where|who|which|how (?:many|much|long)|do i|did i|have i|am i|is there|are there|is my|at what|any)\\b)',
);
/** "Let me know when …" asks for a notice later on: it is no question about when. */
/** "Remind me what i have tomorrow" asks; "remind me when …" wants a reminder. */
const remindMe = phrase('remind me(?: of)?(?= (?:what|which|who)\\b)');
const asksToLearn = phrase('let me know(?= (?:what|where|who|which|how many|about)\\b)');
const doYouKnow = phrase('do you (?:know|see)(?: (?:if|whether))?');
const inCalendar = phrase(
  '(?:check|look at|look in|look into|look on|look through|search|open|go through|go to|see|review) (?:(?:my|our|the) )?(?:calendar|schedule|agenda|diary)(?: (?:and|to|then))+(?:(?: (?:tell me|let me know|see|check|find out|say))(?: (?:if|whether))?|(?: (?:if|whether))|(?= (?:what|when|where|who|which|how many|do i|did i|am i|is there|are there)\\b))',
);
const inMail = phrase(
  '(?:check|look at|look in|look into|look through|search|open|go through|go to|see|review) (?:(?:my|our|the) )?(?:emails?|mails?|inbox|mailbox)(?: (?:and|to|then))+(?:(?: (?:tell me|let me know|see|check|find out|say))(?: (?:if|whether))?|(?: (?:if|whether))|(?= (?:what|when|where|who|which|how many|do i|did i|am i|is there|are there)\\b))',
);

/** The order of a statement, as it stands behind if, whether and what. */
const statementOrder: readonly (readonly [RegExp, string])[] = [
  [/^i (?:have|already have) (got|gotten|received|missed)\b/, 'have i $1'],
  [/^i have\b/, 'do i have'],
  [/^we have\b/, 'do we have'],
  [/^i (?:got|received|had)\b(?= )/, 'did i get'],
  [/^there (is|are|was|were)\b/, '$1 there'],
  [/^i am (?=free|busy|available|booked)/, 'am i '],
  [/^(my (?:[a-z'-]+ ){0,3}?(?:meeting|appointment|event|call)) is\b/, 'is $1'],
  [
    /^([a-z0-9@.'_-]+(?: [a-z0-9@.'_-]+)?) (has|have) (sent|emailed|mailed|written|replied)\b/,
    '$2 $1 $3',
  ],
  [/^([a-z0-9@.'_-]+(?: [a-z0-9@.'_-]+)?) (?:sent|wrote)\b/, 'did $1 send'],
  [/^([a-z0-9@.'_-]+(?: [a-z0-9@.'_-]+)?) (?:emailed|mailed)\b/, 'did $1 email'],
  [/^anything\b/, 'is there anything'],
];

const ending =
  /[\s,]+(?:please|pls|plz|thanks|thank you|for me|right now|now|currently|at the moment|again|too|as well|or not|there|olly|siri|alexa|ok|okay)$/;

function withoutEnding(text: string): string {
  let short = text;
  for (let next = short.replace(ending, ''); next !== short; next = short.replace(ending, '')) {
    short = next;
  }
  return short;
}

const direct = (statement: string): string => {
  for (const [from, to] of statementOrder) {
    if (from.test(statement)) return statement.replace(from, to);
  }
  return statement;
};

/** Tomorrow, do i have any meetings. */
const dateInFront = new RegExp(
  `^${dateMark}[\\s,]+(?=(?:what|which|when|where|who|how|do i|do we|did i|am i|have i|is there|are there|any|show)\\b)`,
  'u',
);

/** "Check my calendar and tell me if …": one question, although "and" parts others. */
export const saysWhere = (text: string): boolean => frameOf(text).place !== null;

/** @param text a masked clause in lower case */
export function frameOf(text: string): Frame {
  const reader = new PhraseReader(withoutEnding(writtenOut(text.replace(/[\s?.!,;:]+$/u, ''))));
  let place: Frame['place'] = null;
  let whether = false;
  // Each round takes a word at least.
  for (;;) {
    if (reader.eat(wake) ?? reader.eat(polite)) continue;
    if (reader.eat(inCalendar)) place = 'calendar';
    else if (reader.eat(inMail)) place = 'mail';
    else if (reader.eat(asksWhether) ?? reader.eat(doYouKnow)) whether = true;
    else if (reader.eat(asksWhich) ?? reader.eat(asksToLearn) ?? reader.eat(remindMe))
      whether = false;
    else break;
    if (place !== null) whether = true;
  }
  const body = whether ? direct(reader.rest) : reader.rest;
  const late = dateInFront.exec(body);
  if (late !== null) return { body: `${body.slice(late[0].length)} ${late[0].trim()}`, place };
  // What i have planned, which meetings i have: the words behind are the same in both orders.
  return { body: body.replace(/^what (i|we) have\b/, 'what do $1 have'), place };
}
