/**
 * English requests about reminders. "Remind me what …" is a question, "remind me when …" a condition: both are null, as is
 * everything else that is no such request.
 */
import { findDurations } from '../dates/parse-durations.ts';
import {
  anyMark,
  areComplementary,
  marksIn,
  type MaskedText,
  maskText,
  selectTimes,
} from '../schedules/masked-text.ts';
import { moveTarget } from '../schedules/move-target.ts';
import {
  doubtful,
  type ReminderSelector,
  type ScheduleClause,
  type ScheduleRequest,
} from '../schedules/schedule-request.ts';
import { afterDuration, readWhen } from '../schedules/when.ts';
import { namesZone, unknown, type When, withoutZone } from '../schedules/when-types.ts';

const connector =
  '(?:on|at|by|around|about|from|starting|beginning|until|till|through|for|the|and|to|of|in|every|each|between|,|-|@)';
/** Not "friday's report". */
const mark = `${anyMark}(?!'s)`;
/** A comma before a space is a connector, and nothing else: two readings of each comma are exponential time. */
const group = `(?:${connector}\\s+)*${mark}(?:\\s*(?:,(?!\\s))?(?:${connector}\\s+)*${mark})*`;

const leading =
  /^(?:(?:hey|hi|hello|ok|okay|please|pls|kindly|also|and|so|then|now|just|gatehouse|siri|alexa|can you|could you|would you|will you|can u|i want you to|i need you to|i'?d like you to|i would like you to|do me a favor and|go ahead and)(?:\s+please)?[\s,]+)+/u;
const trailing =
  /(?:[\s.!?,;~]|(?<=[\s,])(?:please|pls|plz|thanks|thank you|thx|for me|ok|okay))+$/u;

/** "An alarm for 7 tomorrow": an hour. Replaced by as many characters. */
const forHour =
  /(?<=\b(?:alarms?|reminders?|wake me(?: up)?|wake-?\s?up call) )for(?= \d{1,2}(?:$| (?:today|tonight|tomorrow|on |every )))/iu;

export function englishSchedule(clause: ScheduleClause): ScheduleRequest | null {
  const start = leading.exec(clause.text)?.[0].length ?? 0;
  const end = clause.text.length - (trailing.exec(clause.text.slice(start))?.[0].length ?? 0);
  if (end <= start) return null;
  const cut = {
    ...clause,
    text: clause.text.slice(start, end).replace(forHour, ' at'),
    cased: clause.cased.slice(start, end).replace(forHour, ' at'),
  };
  return timer(cut) ?? snooze(cut) ?? list(cut) ?? change(cut) ?? set(cut);
}

const timers =
  /^(?:(?:set|start|run|create|add|give me|i need)(?: up)?(?: me)? )?(?:an? |the |my |another )?(?:new )?(?:timer (?:for |of |to )?(?<amount>.+)|(?<amount2>.+?)[\s-]*timer)$/u;

/** Set a timer for 10 minutes, a 10-minute timer. */
function timer({ text, context }: ScheduleClause): ScheduleRequest | null {
  if (!text.includes('timer')) return null;
  const groups = timers.exec(text)?.groups;
  const amount = (groups?.['amount'] ?? groups?.['amount2'])?.replaceAll('-', ' ').trim();
  if (amount === undefined) return null;
  const [duration, more] = findDurations(amount, true);
  if (duration === undefined || more !== undefined) return null;
  if (duration.start !== 0 || duration.end < amount.length) return null;
  return { do: 'set', kind: 'reminder', text: 'Timer', when: afterDuration(duration.ms, context) };
}

const snoozes = new RegExp(
  `^(?:snooze|(?:remind|nudge|ping|alert|wake|tell) me (?:(?:up|of (?:it|that|this)|about (?:it|that|this)) )?again)(?: (?:it|that|this|me|the (?:reminder|alarm)|that one))?(?: (?:for|by|until|till|another|a)\\b)*(?:\\s*(?<when>.+))?$|^(?<when2>.+?),? (?:remind me (?:of (?:it|that|this) )?again|snooze(?: it| that)?)$|^(?<when3>.+?) more(?: (?:minutes?|mins?|hours?))?$|^(?:remind me |ask me |tell me )(?<later>later|in a (?:bit|while|moment|few minutes)|again later)$`,
  'u',
);

function snooze({ text, context }: ScheduleClause): ScheduleRequest | null {
  const found = snoozes.exec(text);
  if (found === null) return null;
  const { when, when2, when3, later } = found.groups ?? {};
  if (later !== undefined) return { do: 'snooze', when: unknown('when', text) };
  if (
    when3 !== undefined &&
    !/^(?:\d{1,3}|five|ten|fifteen|twenty|thirty)(?: (?:minutes?|mins?|hours?))?$/u.test(when3)
  ) {
    return null;
  }
  const words = when3 === undefined ? (when ?? when2) : text.replace(/ more/u, '');
  if (words === undefined) return { do: 'snooze', when: null };
  const plain = words.replace(/^(?:for|by|until|till) /u, '').trim();
  const [duration, more] = findDurations(plain, true);
  if (duration !== undefined && more === undefined && duration.start === 0) {
    if (duration.end >= plain.length) {
      return { do: 'snooze', when: afterDuration(duration.ms, context) };
    }
  }
  if (/^(?:\d{1,3})$/u.test(plain) && when3 === undefined) {
    return { do: 'snooze', when: afterDuration(Number(plain) * 60_000, context) };
  }
  const read = readWhen(plain, context);
  const isFromVerb = found[0].startsWith('snooze') || / again/u.test(found[0]);
  return read.ok || isFromVerb ? { do: 'snooze', when: read } : null;
}

const noun = '(?:reminders?|alarms?)';
const listed: readonly RegExp[] = [
  `(?:what|which)(?: other)? ${noun} (?:do i have|have i (?:got|set)|did i set|are (?:there|set|active|coming up|pending|scheduled|on))(?: set| active| up| coming up| pending| scheduled| left)?(?: ${group})?`,
  `(?:what are|what're|whats|what's|list|show(?: me)?|read(?: me)?|tell me|give me|check|see|view|display)(?: all)?(?: of)?(?: my| the)?(?: all)?(?: upcoming| active| current| pending| set| scheduled| next)*(?: ${anyMark}(?:'s)?)? ${noun}(?: ${group})?`,
  `(?:do i have|have i got|have i|are there|is there|got)(?: set)?(?: any| an?)?(?: upcoming| active| pending)? ${noun}(?: set| active| pending| scheduled| up| coming up| left)?(?: ${group})?`,
  `(?:any|my|all(?: my)?)(?: upcoming| active| pending)? ${noun}(?: set)?(?: ${group})?`,
  `(?:what|when) (?:will|are) you (?:going to )?remind(?:ing)? me (?:of|about)(?: ${group})?`,
  `when is my next ${noun}`,
].map((body) => new RegExp(`^(?:${body})$`, 'u'));

const namesReminder = /remind|alarm/u;

function list(clause: ScheduleClause): ScheduleRequest | null {
  if (!namesReminder.test(clause.text)) return null;
  const { masked } = maskText(clause);
  return listed.some((shape) => shape.test(masked)) ? { do: 'list' } : null;
}

const changeVerbs: readonly (readonly ['cancel' | 'pause' | 'resume', string])[] = [
  ['resume', 'resume|unpause|un-pause|restart|re-?enable|re-?activate|turn back on|unmute|enable'],
  ['pause', 'pause|mute|suspend|put on hold|hold off on|silence|temporarily stop'],
  [
    'cancel',
    'cancel|delete|remove|drop|stop|turn off|switch off|clear|dismiss|get rid of|disable|kill|end|scrap|forget',
  ],
];
const ofReminder = new RegExp(
  `^(?<verb>${changeVerbs.map(([, verbs]) => verbs).join('|')}) (?<before>.*?)${noun}\\b(?<after>.*)$`,
  'u',
);
const stops =
  /^(?:stop|quit|don'?t|do not) remind(?:ing)? me(?: (?:to|about|of|that))?(?<after> .*)?$/u;
const moves = new RegExp(
  `^(?:change|move|reschedule|shift|push|postpone|update|set(?= (?:my|the) )|switch|edit)(?: the time of)? (?<before>.*?)${noun}\\b(?<after>.*?)\\s*(?:to|until|for|from .* to) (?<to>${group})$`,
  'u',
);
/** Change my pill reminder: to which time is asked. */
const movesSomewhere = new RegExp(
  `^(?:change|move|reschedule|shift|postpone|update|edit)(?: the time (?:of|for))? (?<before>.*?)${noun}(?:'s)?(?: time)?(?<after>)$`,
  'u',
);
/** Notifications of other programs. */
const foreign = /\b(?:phone|email|mail|messenger|app|text|(?<!^)push|smoke|fire|car)\b/u;

function change(clause: ScheduleClause): ScheduleRequest | null {
  if (!namesReminder.test(clause.text)) return null;
  const mask = maskText(clause);
  const { masked } = mask;
  if (foreign.test(clause.text)) return null;
  const moved = moves.exec(masked);
  if (moved !== null) {
    const { before = '', after = '', to = '' } = moved.groups ?? {};
    const from = masked.lastIndexOf(to);
    const which = selectorOf([before, after], mask, clause);
    // "Set my alarm for 7am" makes one; "set my gym alarm for 7am" moves it.
    const isNew = /^set .*\balarms?\b/u.test(clause.text) && Object.keys(which).length === 0;
    if (isNew) return null;
    return {
      do: 'move',
      which,
      to: moveTarget(clockWords(mask.lower(from, masked.length)), clause.context),
    };
  }
  const somewhere = movesSomewhere.exec(masked)?.groups;
  if (somewhere !== undefined) {
    const { before = '', after = '' } = somewhere;
    return { do: 'move', which: selectorOf([before, after], mask, clause), to: null };
  }
  const stopped = stops.exec(masked);
  if (stopped !== null) {
    const which = selectorOf([stopped.groups?.['after'] ?? ''], mask, clause);
    return { do: 'cancel', which };
  }
  const found = ofReminder.exec(masked);
  if (found === null) return null;
  const { verb = '', before = '', after = '' } = found.groups ?? {};
  const kind = changeVerbs.find(([, verbs]) => new RegExp(`^(?:${verbs})$`, 'u').test(verb))?.[0];
  if (kind === undefined) return null;
  return { do: kind, which: selectorOf([before, after], mask, clause) };
}

/** The 10 of "to 10" is an hour. */
const clockWords = (words: string): string => (/^\d{1,2}$/u.test(words) ? `at ${words}` : words);

function selectorOf(
  pieces: readonly string[],
  mask: MaskedText,
  clause: ScheduleClause,
): ReminderSelector {
  const words = pieces.map((piece) => {
    const from = piece === '' ? -1 : mask.masked.indexOf(piece);
    return from < 0 ? '' : mask.lower(from, from + piece.length);
  });
  const selector = selectTimes(words.join(' '), clause);
  const text = pieces.join(' ');
  if (/\ball\b|\bevery (?:single )?(?:one|reminder)|\bevery\s*$/u.test(text)) selector.all = true;
  if (/\b(?:last|latest|that|this|previous|most recent)\b/u.test(text)) selector.last = true;
  const index = /(?:\b(?:number|no\.?)\s*|#)(\d{1,3})/u.exec(text)?.[1];
  if (index !== undefined) selector.index = Number(index);
  const left = text
    .replace(new RegExp(`(?:${connector}\\s+)*${anyMark}(?:'s)?`, 'gu'), ' ')
    .replace(/(?:\b(?:number|no\.?)\s*|#)\d{1,3}/gu, ' ')
    .replace(
      /\b(?:all|of|my|the|that|this|a|an|every|single|last|latest|previous|most|recent|one|just|set|you|i|for|to|about|called|named|at|on|daily|weekly|monthly|please|me|reminding|from)\b/gu,
      ' ',
    )
    .replace(/["']/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  if (left !== '') selector.words = left;
  return selector;
}

const remindsMe =
  "(?:remind|nudge|ping|alert|notify|buzz|poke) me|(?:don'?t|do not) let me forget|make sure (?:that )?i (?:remember|do ?n'?t forget)|help me remember|give me a (?:reminder|nudge|heads[- ]?up|shout)|i need (?:a reminder|to be reminded)|(?:set|create|add|make|schedule|put|start|give me)(?: up)?(?: me)?(?: an?| the| another| my)?(?: new)?(?: recurring| repeating)? (?:MARK )?(?:reminder|alarm|alert)s?|(?:new )?reminder:?|alarm(?=:? ?(?:(?:for|at|in|on) )?MARK|$):?".replaceAll(
    'MARK',
    anyMark,
  );
const briefing = `(?:give|send) me (?:an? |my |the )?(?:${anyMark} )?(?:briefing|digest|summary)`;
const wakesMe =
  "wake me(?: up)?|get me up|(?:i need|i want|i would like|i'd like|give me|set(?: up)?|schedule|book)(?: me)? (?:an? |my )?wake-?\\s?up call|wake-?\\s?up call";
const tellsMe =
  'tell me|let me know|send me|show me|give me|read me|brief me|message me|text me|summari[sz]e|check|list';
const request = new RegExp(
  `^(?:(?<head>${group})[\\s,]*)?(?:please )?(?<verb>${briefing}|${remindsMe}|${wakesMe}|${tellsMe})(?![a-z])\\s*(?<rest>.*)$`,
  'u',
);
const restShape = new RegExp(
  `^(?<mid>${group})?[\\s,]*(?:(?<link>to|that|about|of|for|regarding|called|:|-)(?:\\s+|$))?(?<content>.*?)(?:(?:^|[\\s,]+)(?<tail>${group}))?$`,
  'u',
);
/** Questions and conditions. */
const asksOrWaits =
  /^(?:(?:of|about)\s+)?(?:what|whats|what's|who|whom|whose|which|how|why|where|if|whether|when|whenever|once|as soon as)\b/u;

/** Days that are left out of a repetition are not understood. */
const excepts = /^(?:except|excluding|unless|but|other than)\b/iu;

const vagueLead =
  /^(?:(?:some time )?later(?: today| on)?|soon|at some point|in a (?:few|bit|while|moment))\s+/iu;
/** A time that names no minute. */
const vague = /\b(?:later|soon|in a (?:few|bit|while|moment)|at some point|some time)\b/u;

interface Found {
  when: When | null;
  hasEvery: boolean;
  hasDuration: boolean;
  hasDate: boolean;
  content: string;
  link: string | null;
  verb: string;
}

function find(clause: ScheduleClause, mask: MaskedText): Found | null {
  const { masked } = mask;
  const found = request.exec(masked);
  if (found === null) return null;
  const { head = '', verb = '', rest = '' } = found.groups ?? {};
  const shape = restShape.exec(rest)?.groups ?? {};
  const { mid = '', link = null, content = '', tail = '' } = shape;
  const offset = masked.length - rest.length;
  const contentAt = content === '' ? -1 : offset + rest.indexOf(content, mid.length);
  const pieces = [
    { text: head, at: 0 },
    { text: verbMark(verb), at: masked.indexOf(verbMark(verb) || '\uffff') },
    { text: mid, at: offset },
    { text: tail, at: masked.length - tail.length },
  ].filter(({ text }) => marksIn(text).length > 0);
  const fits = pieces.every(({ text }, at) =>
    pieces.slice(0, at).every((before) => areComplementary(before.text, text)),
  );
  if (!fits) return null;
  const words = pieces.map(({ text, at }) => mask.lower(at, at + text.length)).join(' ');
  const kinds = pieces.flatMap(({ text }) => marksIn(text));
  const isWake = new RegExp(`^(?:${wakesMe})$`, 'u').test(verb);
  // An alarm of another day is one to wake up.
  const wakes =
    isWake ||
    /\b(?:get|wake) up\b/u.test(content) ||
    (/alarm/.test(verb) && kinds.includes('date'));
  const read = kinds.length === 0 ? null : readWhen(words, { ...clause.context, wakes });
  const isApart = pieces.length > 1 && !kinds.includes('every');
  return {
    when: read !== null && isApart ? doubtful(read) : read,
    hasEvery: kinds.includes('every'),
    hasDuration: kinds.includes('duration'),
    hasDate: kinds.includes('date'),
    content: contentAt < 0 ? '' : mask.original(contentAt, contentAt + content.length),
    link,
    verb: verb.replace(new RegExp(anyMark, 'gu'), '').replace(/\s+/g, ' '),
  };
}

/** "Set a daily reminder": the repetition is inside the verb. */
const verbMark = (verb: string): string => new RegExp(anyMark, 'u').exec(verb)?.[0] ?? '';

const strip = (content: string): string =>
  content
    .replace(/^[\s,:"'-]+|[\s,:"'.-]+$/gu, '')
    .replace(/^(?:to|that|about|of)\s+/u, '')
    .trim();

/** Each verb of `request` has one of these words; remember has the first. */
const namesVerb = /me|forget|remind|alarm|alert|wake|summari[sz]e|check|list/u;

function set(clause: ScheduleClause): ScheduleRequest | null {
  if (!namesVerb.test(clause.text)) return null;
  const mask = maskText(clause);
  const found = find(clause, mask);
  if (found === null) return null;
  const { when, content, link, verb } = found;
  if (asksOrWaits.test(content.toLowerCase()) && link !== 'to') return null;
  // "Alarm 7am" asks for one; "alarm" and "alarm at 5 woke me" do not.
  if (/^alarm:?$/.test(verb) && (when === null || (content !== '' && link === null))) return null;
  if (excepts.test(content)) return null;
  if (new RegExp(`^(?:${tellsMe})$`, 'u').test(verb)) return fromWeakVerb(found);
  if (/(?:briefing|digest|summary)$/.test(verb)) {
    const isPlain = found.hasEvery && content === '' && when !== null;
    return isPlain ? { do: 'set', kind: 'digest', text: 'Briefing', when } : null;
  }
  const isWake = new RegExp(`^(?:${wakesMe})$`, 'u').test(verb);
  if (when === null) {
    // "Remind me about our refund policy" may be a question.
    const isClear =
      vague.test(clause.text) ||
      link === 'to' ||
      link === 'that' ||
      isWake ||
      /alarm|reminder/.test(verb);
    if (!isClear || (content === '' && !isWake && !/alarm/.test(verb))) return null;
    if (isWake && content !== '') return null;
  }
  if (isWake && content !== '' && link === null) return null;
  const usual = isWake ? 'Wake up' : /alarm/.test(verb) ? 'Alarm' : 'Reminder';
  const text = strip(withoutZone(strip(content).replace(vagueLead, ''))) || usual;
  const isOfZone = namesZone(clause.text);
  const due = isOfZone ? unknown('zone', clause.text) : (when ?? unknown('when', clause.text));
  return { do: 'set', kind: 'reminder', text, when: due };
}

/** "Tell me …" keeps something for later only with a repetition, or with "to" or "that" and a time. */
function fromWeakVerb({
  when,
  hasEvery,
  hasDuration,
  hasDate,
  content,
  link,
  verb,
}: Found): ScheduleRequest | null {
  if (when === null) return null;
  if (hasEvery && verb === 'brief me' && content === '') {
    return { do: 'set', kind: 'digest', text: 'Briefing', when };
  }
  if (link === 'to' || (link === 'that' && /^(?:tell|message|text)/.test(verb))) {
    return { do: 'set', kind: 'reminder', text: strip(content), when };
  }
  if (hasEvery && content !== '') {
    const joined = link === null ? `${verb} ${content}` : `${verb} ${link} ${content}`;
    return { do: 'set', kind: 'prompt', text: joined, when };
  }
  // Let me know tomorrow: the hour is asked for.
  const isOfTime = hasDuration || hasDate;
  return isOfTime && content === '' && /^(?:tell me|let me know|message me|text me)$/.test(verb)
    ? { do: 'set', kind: 'reminder', text: 'Reminder', when }
    : null;
}
