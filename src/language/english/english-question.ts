/**
 * Brings an English question to one form: without wake word, polite words and "tell me if", expanded, in the
 * word order of a direct question.
 */
import { phrase, PhraseScanner } from '../phrase-scanner.ts';
import { datePlaceholder } from '../token-types.ts';
import { wordSet, wordTable } from '../word-lists.ts';

export interface NormalizedQuestion {
  /** The question in direct word order, contractions expanded, without punctuation at the end or polite words. */
  body: string;
  /** The source that the message names: "check my calendar and tell me …". */
  lookupTarget: 'calendar' | 'mail' | null;
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

/** Misspellings that are not other words. */
const spellings = wordTable(
  ['calendar', 'calender|calandar|calander'],
  ['calendars', 'calenders'],
  ['schedule', 'schedual|scedule|shedule|schedul'],
  ['meeting', 'meetting|meetng'],
  ['meetings', 'meettings|meetngs'],
  ['appointment', 'appointement|apointment|appoinment|appt'],
  ['appointments', 'appointements|apointments|appoinments|appts'],
  ['email', 'emial|emai'],
  ['emails', 'emials'],
  ['receive', 'recieve'],
  ['received', 'recieved'],
  ['what', 'wat'],
  ['what is', 'wats'],
);

function expandContractions(text: string): string {
  let written = text.replace(/[a-z]+/g, (word) =>
    Object.hasOwn(spellings, word) ? spellings[word]! : word,
  );
  for (const [short, long] of contractions) written = written.replace(short, long);
  return written;
}

const wakeWord = phrase(
  '(?:(?:ok|okay|hey|hi|hello|yo)[,\\s]+)?(?:olly|siri|alexa|cortana|bixby|jarvis|gatehouse)|(?:ok|okay|hey|hi) google',
);
const polite = phrase(
  'hey|hi|hello|ok|okay|so|and|also|then|well|now|alright|please|pls|plz|kindly|just|quickly|' +
    '(?:can|could|would|will) (?:you|u)(?: please)?|would you mind|can i|could i|may i|i want to|i wanna|i would like to|i would like you to|i want you to|' +
    'i need to|i need you to|let me(?! know)|let us|lets|go ahead and|do me a favor and|help me',
);
/** Before a question with "if" or "whether": i have, there are, bob has sent. */
const asksWhether = phrase(
  '(?:tell me|let me know|know|find out|check|see|look|verify|inform me|say)(?: (?:and|to) (?:see|check|tell me|let me know))*(?: please)? (?:if|whether)(?: or not)?',
);
const asksWhich = phrase(
  '(?:tell me|know|find out|check|see|show me|inform me|read me|read out)(?: please)?(?: (?:and|to) (?:see|tell me))?(?= (?:what|when|where|who|which|how (?:many|much|long)|do i|did i|have i|am i|is there|are there|is my|at what|any)\\b)',
);
/** "Remind me what i have tomorrow" is a question; "remind me when …" requests a reminder. */
const remindMe = phrase('remind me(?: of)?(?= (?:what|which|who)\\b)');
/** Without "when": "let me know when …" requests a later notification. */
const asksToLearn = phrase('let me know(?= (?:what|where|who|which|how many|about)\\b)');
const doYouKnow = phrase('do you (?:know|see)(?: (?:if|whether))?');
/** "Check my calendar and see if": the verb, a place and the words before the question. */
const lookIn = (verbs: string, place: string): RegExp =>
  phrase(
    `(?:check|look at|look in|look into|${verbs}look through|search|open|go through|go to|see|review) (?:(?:my|our|the) )?(?:${place})(?: (?:and|to|then))+(?:(?: (?:tell me|let me know|see|check|find out|say))(?: (?:if|whether))?|(?: (?:if|whether))|(?= (?:what|when|where|who|which|how many|do i|did i|am i|is there|are there)\\b))`,
  );
const inCalendar = lookIn('look on|', 'calendar|schedule|agenda|diary');
const inMail = lookIn('', 'emails?|mails?|inbox|mailbox');

/** Statement word order, as used after "if", "whether" and "what". */
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

const toQuestionOrder = (statement: string): string => {
  for (const [from, to] of statementOrder) {
    if (from.test(statement)) return statement.replace(from, to);
  }
  return statement;
};

/** "Tomorrow, do i have any meetings". */
const dateInFront = new RegExp(
  `^${datePlaceholder}[\\s,]+(?=(?:what|which|when|where|who|how|do i|do we|did i|am i|have i|is there|are there|any|show)\\b)`,
  'u',
);

/** "Check my calendar and tell me if …": one question, although "and" separates clauses elsewhere. */
export const namesLookupTarget = (text: string): boolean =>
  normalizeQuestion(text).lookupTarget !== null;

/** @param text a masked clause in lower case */
export function normalizeQuestion(text: string): NormalizedQuestion {
  const scanner = new PhraseScanner(
    withoutEnding(expandContractions(text.replace(/[\s?.!,;:]+$/u, ''))),
  );
  let lookupTarget: NormalizedQuestion['lookupTarget'] = null;
  let whether = false;
  // Each round consumes at least one word.
  for (;;) {
    if (scanner.consume(wakeWord) ?? scanner.consume(polite)) continue;
    if (scanner.consume(inCalendar)) lookupTarget = 'calendar';
    else if (scanner.consume(inMail)) lookupTarget = 'mail';
    else if (scanner.consume(asksWhether) ?? scanner.consume(doYouKnow)) whether = true;
    else if (
      scanner.consume(asksWhich) ??
      scanner.consume(asksToLearn) ??
      scanner.consume(remindMe)
    )
      whether = false;
    else break;
    if (lookupTarget !== null) whether = true;
  }
  const body = whether ? toQuestionOrder(scanner.rest) : scanner.rest;
  const late = dateInFront.exec(body);
  if (late !== null)
    return { body: `${body.slice(late[0].length)} ${late[0].trim()}`, lookupTarget };
  // "What i have planned" becomes "what do i have planned"; the words after it are the same in both orders.
  return { body: body.replace(/^what (i|we) have\b/, 'what do $1 have'), lookupTarget };
}

/** English requests to write, send or change something: with such a verb, a calendar or mail noun is no question. */
const actionVerb = new RegExp(
  `^(?:schedule|book|set up|set|add|create|put|make|arrange|plan|reserve|block|cancel|clear|move|reschedule|delete|remove|erase|drop|change|update|edit|postpone|push|shift|send|write|reply|respond|draft|compose|forward|answer|explain|translate|remind|notify|alert|start)\\b(?!\\s*(?:for|on|of|about)?\\s*(?:the day\\b|[${datePlaceholder}?])|$)`,
  'u',
);

/** @param body a clause without leading polite words */
const isActionRequest = (body: string): boolean => actionVerb.test(body);

/** Longer messages are no question for a rule; also bounds the matching time. */
const wordsMax = 30;

/** What the first pattern reads in a normalised question; null for a request to act, or if none understands it. */
export function firstReading<Reading>(
  patterns: readonly ((scanner: PhraseScanner, question: NormalizedQuestion) => Reading | null)[],
  question: NormalizedQuestion,
): Reading | null {
  const { body } = question;
  if (body.split(' ').length > wordsMax || isActionRequest(body)) return null;
  for (const pattern of patterns) {
    const found = pattern(new PhraseScanner(body), question);
    if (found !== null) return found;
  }
  return null;
}

/** Stop words: not part of a search query. */
export const stopWords = wordSet(
  'a an the my our any some all of me please new unread recent latest is there that this those these',
);
