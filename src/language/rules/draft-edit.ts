/**
 * Reads a change to the pending draft: 3시로 바꿔, 한 시간 미뤄줘, 3일까지로 해줘, 장소는 강남역으로, change it to 4pm. Used only while a draft
 * is pending, after the check for a plain yes or no.
 *
 * Null unless every word beside the new values is a word for changing: 내일 일정 알려줘 is a separate request.
 */
import { type LocalNow, civilNow, isoDate } from '#shared/calendar/civil-date';
import { type ParsedDates, parseNormalizedDates } from '../dates/parse-dates.ts';
import { type Reschedule, parseReschedule } from './draft-reschedule.ts';
import { cleanText, normalizeForRules } from '../normalize-text.ts';
import { endsInConsonant } from '../korean/strip-particles.ts';
import { type ParsedTimes, parseNormalizedTimes } from '../dates/parse-times.ts';

export interface DraftEdit {
  /** `YYYY-MM-DD`. */
  date?: string;
  /** `HH:MM`. */
  time?: string;
  /** `HH:MM`. */
  end_time?: string;
  /** `YYYY-MM-DD`. */
  end_date?: string;
  title?: string;
  location?: string;
  description?: string;
  /**
   * Parts that the draft must complete: am or pm of a time (8시로), or, with `day`, that the time is in the night after
   * the draft's day (밤 12시로).
   */
  open?: AmbiguousPart[];
  /** By how much the draft's start moves; date and time are then absent. */
  shift?: Reschedule;
}

export type AmbiguousPart = 'time' | 'end_time' | 'day';

/** Longer messages are no edit. */
const editCharsMax = 200;
const fieldCharsMax = 120;

const value = '["\'“‘「]?(?<value>[^"\'”’」\\n]+?)["\'”’」]?';
const marker = '(?:(?:은|는|을|를|만|도|이|에|란에|으로|로)\\s*[:：]?\\s+|\\s*[:：]\\s*)';
const editVerbPattern = '(?:바꿔|바꾸|변경|수정|해|하|고쳐|정정|정해|적어|써|부탁)[가-힣\\s]*?';

/** 제목은 그대로 두고, 제목이 뭐야: no new value. */
const noValue = /^(?:그대로|뭐|무엇|뭔|어떻게|추가|수정|변경|삭제|보여|알려|바꿔)|\?$/;

/** Each match is cut out of the message; the rest may still name a date or a time. */
type TextField = 'title' | 'location' | 'description';
const fieldPatterns: readonly { field: TextField; regex: RegExp }[] = [
  {
    field: 'title',
    regex: new RegExp(
      `(?:일정\\s*)?(?:제목|이름|타이틀)${marker}${value}(?:(?:으로|로|이라고|라고)\\s*${editVerbPattern}(?<more>고\\s|,\\s|$)|(?:으로|로|이야|야|이에요|예요|입니다)?\\s*[.!]?$)`,
      'iu',
    ),
  },
  {
    field: 'location',
    regex: new RegExp(
      `(?:장소|위치)${marker}${value}(?:(?<particle>으로|로)\\s*${editVerbPattern}(?<more>고\\s|,\\s|$)|(?<particle2>으로|로)?(?:요|야|이야|이에요|예요|입니다)?\\s*[.!]?$)`,
      'iu',
    ),
  },
  {
    field: 'location',
    regex: new RegExp(
      `(?:(?:please\\s+)?(?:change|set|make|update|move)\\s+(?:the\\s+|its\\s+)?(?:location|place|venue)\\s+(?:to|as|into)|\\b(?:the\\s+)?(?:location|place|venue)\\s*(?::|is|should be|to))\\s+${value}(?<more>,\\s|\\s+and\\s+(?=(?:move|change|set|make|push|at|on)\\b)|\\s*[.!]?$)`,
      'iu',
    ),
  },
  {
    field: 'description',
    regex: new RegExp(
      `(?:설명|메모|비고|내용)${marker}${value}(?:(?:이라고|라고|으로|로|을|를|도)?\\s*(?:추가|적어|넣어|써|남겨|${editVerbPattern})[가-힣\\s]*(?<more>고\\s|,\\s|$)|\\s*[.!]?$)`,
      'iu',
    ),
  },
  {
    field: 'title',
    regex: new RegExp(
      `(?:(?:please\\s+)?(?:change|set|make|update|rename)\\s+(?:the\\s+|its\\s+)?(?:title|name)\\s+(?:to|as|into)|\\b(?:the\\s+)?(?:title|name)\\s*(?::|is|should be|to)|(?:rename|retitle)\\s+(?:it|this)?\\s*(?:to|as|into)|call\\s+it|name\\s+it)\\s+${value}(?<more>,\\s|\\s+and\\s+(?=(?:move|change|set|make|push|at|on)\\b)|\\s*[.!]?$)`,
      'iu',
    ),
  },
  {
    field: 'description',
    regex: new RegExp(
      `(?:(?:add|set|put|change)\\s+(?:the\\s+|a\\s+)?(?:description|notes?|memo)(?:\\s+(?:to|that says|saying))?|^(?:description|notes?|memo))\\s*:?\\s+${value}(?<more>,\\s|\\s*[.!]?$)`,
      'iu',
    ),
  },
];

const editWords =
  /^(?:시간|시각|날짜|일정|약속|회의|미팅|그거|그걸|그건|이거|이걸|그게|그냥|좀|아니|아니야|아니요|아뇨|아니라|아니고|말고|그럼|그러면|다시|아|음|네|응|근데|혹시|미안|잠깐|시작|시작은|시작을|시작시간|시작시간을|끝|끝나는|종료|종료는|종료를|시간은|시간을|시간만|날짜는|날짜를|날짜만|일정은|일정을|약속을|약속은|회의를|회의는|로|으로|에|에는|을|를|은|는|이|가|부터|까지|까지로|쯤|쯤으로|경|으로요|로요|요|으로만|이요|수|있어|있을까|있나요|할|걸로|것으로|거로|동안|해서|그대로|두고|놔두고|제목은|제목|빼고|actually|instead|no|not|make|it|that|move|change|push|to|at|on|for|the|time|date|start|starts|end|ends|ending|until|till|from|let's|lets|do|please|but|rather|should|be|shift|reschedule|postpone|set|update|i|meant|mean|sorry|wait|oops|hmm|ok|okay|can|could|you|we|bring|forward|of|is|event|meeting|appointment|day|and|then|,)$/u;

const editVerbs =
  /^(?:바꿔|바꾸|바꿀|변경|수정|옮겨|옮기|옮길|미뤄|미루|미룰|당겨|당기|당길|늦춰|늦추|앞당|고쳐|고치|정정|조정|이동|맞춰|해|하자|하고|할래|할게|합시다|잡아|부탁|가자|되|돼)[가-힣]{0,8}$/u;

const strongVerbs =
  /(?:바꿔|바꾸|바꿀|변경|수정|옮겨|옮기|옮길|미뤄|미루|미룰|당겨|당기|당길|늦춰|늦추|앞당|고쳐|고치|정정|조정|이동|말고|아니라|아니고)|\b(?:change|move|push|make|shift|reschedule|postpone|set|update|instead|actually|meant|not|bring)\b/u;

const spanPlaceholder = '\ue002';

interface FieldScan {
  edit: DraftEdit;
  rest: string;
}

/** 장소는 종로, 을지로: street names end like the particle 로. */
const restorePlaceSuffix = (name: string, particle: string | undefined): string => {
  // After a consonant other than ㄹ the particle is 으로, so this 로 belongs to the name.
  const isOwn = particle === '로' && (/(?:대|을지|충무|구)$/.test(name) || endsHard(name));
  return isOwn && /[가-힣]$/.test(name) ? `${name}로` : name;
};
const endsHard = (name: string): boolean =>
  endsInConsonant(name) && (name.charCodeAt(name.length - 1) - 0xac00) % 28 !== finalRieul;
const finalRieul = 8;

function extractFields(message: string): FieldScan {
  const edit: DraftEdit = {};
  let rest = message;
  for (const { field, regex } of fieldPatterns) {
    const match = regex.exec(rest);
    const { value: text = '', particle, particle2 } = match?.groups ?? {};
    const found = restorePlaceSuffix(text.trim(), particle ?? particle2);
    if (match === null || found === '' || noValue.test(found) || edit[field] !== undefined)
      continue;
    edit[field] = found.slice(0, fieldCharsMax);
    rest = `${rest.slice(0, match.index)} ${rest.slice(match.index + match[0].length)}`;
  }
  return { edit, rest };
}

/** 3시 말고 4시로, 그게 아니라 내일: the words before the negation are the old value. */
function afterNegation(text: string): string {
  const parts = text.split(/말고|아니고|아니라|instead of what i said|\bnot\s[^,]*?\bbut\b/u);
  return parts.at(-1)?.trim() ?? '';
}

/** 4pm instead of 3pm: the words after "instead of" are the old value. */
const beforeInstead = (text: string): string => text.replace(/\binstead of\b.*$/u, 'instead');

function maskSpans(text: string, spans: readonly { start: number; end: number }[]): string {
  let masked = text;
  for (const { start, end } of spans.toSorted((left, right) => right.start - left.start)) {
    masked = `${masked.slice(0, start)} ${spanPlaceholder} ${masked.slice(end)}`;
  }
  return masked;
}

/** 3시에서 4시로, from 3 to 4: old value first, new value last. */
const movesFromTo = (text: string): boolean =>
  (/에서/u.test(text) && /(?:시|분|반|일|모레|내일|요일|오늘)\s*(?:으로|로)/u.test(text)) ||
  /\b(?:move|change|shift|push|reschedule)\b.*\bfrom\b.*\bto\b/u.test(text);

const endsThere =
  /(?:끝|종료|마치|마감)[가-힣\s]*$|\b(?:until|till|ends?|ending|end time)(?:\s+(?:at|to|time|is))*\s*$/u;

function parseWhen(text: string, options: LocalNow): DraftEdit | null {
  const { today } = civilNow(options.now, options.timeZone);
  const dates = parseNormalizedDates(text, { today, prefer: 'future' });
  const times = parseNormalizedTimes(text);
  if (dates?.ok === false || times?.ok === false) return null;
  if (dates === null && times === null) return null;
  const moves = movesFromTo(text);
  const edit: DraftEdit = {
    ...(dates === null ? {} : toDateEdit(text, dates, moves)),
    ...(times === null ? {} : toTimeEdit(text, times, moves)),
  };
  const spans = [...(dates?.spans ?? []), ...(times?.spans ?? [])];
  if (!isOnlyEditing(text, maskSpans(text, spans))) return null;
  return edit.date === undefined ? edit : resolveNight(edit, edit.date);
}

/** 3일까지로: the last day; 1일부터 3일까지: first and last day. */
function toDateEdit(text: string, dates: ParsedDates, moves: boolean): DraftEdit {
  if (moves) return { date: dates.to };
  if (dates.joined === true && dates.from !== dates.to) {
    return { date: dates.from, end_date: dates.to };
  }
  const [span] = dates.spans;
  const dateText = text.slice(span?.start, span?.end);
  const isEnd = dates.joined === undefined && /까지|^(?:until|till)\b/u.test(dateText);
  return isEnd ? { end_date: dates.to } : { date: dates.from };
}

function toTimeEdit(text: string, times: ParsedTimes, moves: boolean): DraftEdit {
  const { start, end, startCertainty, endCertainty, dayShift } = times;
  const [clock] = times.clocks;
  const isNight = dayShift === 'next' && start < '06:00';
  const onlyEnd =
    end === undefined &&
    clock !== undefined &&
    (endsThere.test(text.slice(0, clock.start)) || /^\s*까지/u.test(text.slice(clock.end)));
  if (onlyEnd)
    return { end_time: start, ...ambiguousParts({ end_time: startCertainty !== 'explicit' }) };
  if (moves && end !== undefined) {
    return { time: end, ...ambiguousParts({ time: endCertainty !== 'explicit' }) };
  }
  const open = ambiguousParts({
    time: startCertainty !== 'explicit',
    end_time: end !== undefined && endCertainty !== 'explicit',
    day: isNight,
  });
  return { time: start, ...(end === undefined ? {} : { end_time: end }), ...open };
}

function ambiguousParts(parts: Partial<Record<AmbiguousPart, boolean>>): Pick<DraftEdit, 'open'> {
  const open = (['time', 'end_time', 'day'] as const).filter((part) => parts[part] === true);
  return open.length === 0 ? {} : { open };
}

/** 내일 밤 12시로: the day is given, so the date of the night is known. */
function resolveNight(edit: DraftEdit, date: string): DraftEdit {
  if (edit.open?.includes('day') !== true) return edit;
  const { open: _open, ...rest } = edit;
  const open = edit.open.filter((part) => part !== 'day');
  const next = isoDate(Date.parse(date) / 86_400_000 + 1);
  return { ...rest, date: next, ...(open.length === 0 ? {} : { open }) };
}

function isOnlyEditing(text: string, masked: string): boolean {
  const words = masked
    .split(/[\s.,!?~]+/u)
    .filter((word) => word !== '' && word !== spanPlaceholder);
  if (!words.every((word) => editWords.test(word) || editVerbs.test(word))) return false;
  const strong = strongVerbs.test(text);
  if (/\?/.test(text)) return strong;
  // 4시로, 내일이요 and bare values are edits; 4시에 잡아줘 and 내일 일정 are new requests. The date parser includes 까지로 in the span
  // of its date.
  const directed =
    new RegExp(`${spanPlaceholder}\\s*(?:으로|로|이요|요|까지)`, 'u').test(masked) ||
    /일\s*까지로/u.test(text);
  const english = /\b(?:at|to|on|until|let's)\b/u.test(masked);
  return strong || directed || english || words.length === 0;
}

/** The change that the message makes to the pending draft, or null if it is no change. */
export function parseDraftEdit(message: string, options: LocalNow): DraftEdit | null {
  const clean = cleanText(message).trim();
  if (clean === '' || clean.length > editCharsMax) return null;
  const { edit, rest } = extractFields(clean);
  const fields = Object.keys(edit).length > 0;
  const text = beforeInstead(afterNegation(normalizeForRules(rest)));
  const shift = parseReschedule(text);
  const when = shift === null ? parseWhen(text, options) : { shift };
  if (when === null && !fields) return null;
  return { ...when, ...edit };
}
