/**
 * Reads by how much a message moves the pending draft: 한 시간 미뤄줘, 이틀 앞당겨줘, push it back half an hour, a day later. The
 * draft itself supplies the time that is moved.
 *
 * Null if the message says anything else, or if the direction is uncertain: "move it forward" is used for both.
 */
import {
  dayCountPattern,
  dayCountWords,
  englishCountPattern,
  koreanCountPattern,
  parseNumber,
} from '../dates/number-words.ts';

/** Positive: later; negative: earlier. */
export interface Reschedule {
  days?: number;
  minutes?: number;
}

const koreanCount = `(?:\\d{1,3}|${koreanCountPattern})`;
const koreanHours = `(?<hours>${koreanCount})\\s*시간(?:\\s*(?<half>반)|\\s*(?<more>\\d{1,2})\\s*분)?`;
const koreanTime = `(?:${koreanHours}|(?<halfHour>반\\s*시간)|(?<minutes>\\d{1,3}|[이삼사오]?십오?)\\s*분)`;
const koreanDays = `(?:(?<dayWord>${dayCountPattern})|(?<days>\\d{1,3})\\s*일|(?<weeks>\\d{1,2}|일|이|삼|${koreanCountPattern})\\s*주일?)`;
const koreanLead =
  '(?:(?:그거|그걸|그건|이거|이걸|그럼|그러면|아니|아|음|네|응|근데|미안|좀|다시|시간|시간을|시간만|일정|일정을|일정은|약속|약속을|회의|회의를|시작|시작을|시작시간을)[\\s,]+)*';
const koreanDegree = '\\s*(?:정도|쯤|만)?\\s*(?:만\\s+)?(?:더\\s+|좀\\s+)*';
/** Not 미뤄졌어, 연기됐어, 미뤄도 돼: those are questions. */
const koreanEnd =
  '(?!졌|진|지|도|야|됐|된|되|될|면)[가-힣]{0,6}(?:\\s+(?:줘|주세요|줄래|줄래요|주라|해줘|해주세요|하자|바꿔줘|바꿔주세요|부탁해|부탁해요|부탁드려요|수\\s+있(?:어|어요|을까|을까요|나요)))?[\\s.!?~]*';
const koreanLater = '(?:뒤로\\s*)?(?:미뤄|미루|미룰|늦춰|늦추|늦출|늦게|연기)';
/** 한 시간 뒤로: only with hours; 3일 뒤로 옮겨줘 may as well count from today. */
const koreanBack = '뒤로\\s*(?:옮겨|옮기|바꿔|해)';
const koreanEarlier = '(?:앞으로\\s*)?(?:당겨|당기|당길|앞당|일찍)';

const korean = [
  { later: true, regex: `${koreanTime}${koreanDegree}(?:${koreanLater}|${koreanBack})` },
  { later: false, regex: `${koreanTime}${koreanDegree}${koreanEarlier}` },
  { later: true, regex: `${koreanDays}${koreanDegree}${koreanLater}` },
  { later: false, regex: `${koreanDays}${koreanDegree}${koreanEarlier}` },
].map(({ later, regex }) => ({
  later,
  regex: new RegExp(`^${koreanLead}${regex}${koreanEnd}$`, 'u'),
}));

const englishAmount = `(?:(?<halfHour>half an hour)|(?<count>\\d{1,3}|${englishCountPattern})\\s*(?<unit>minute|min|hour|hr|day|week)s?(?:\\s+and\\s+(?<half>a half))?)`;
const englishLead =
  "(?:(?:no|actually|please|ok|okay|sorry|oh|hmm|can you|could you|let's)[\\s,]+)*";
const english = new RegExp(
  `^${englishLead}(?:(?<verb>push|move|put|shift|delay|postpone|bring|pull|make|set|start)\\s+(?:(?:it|that|this|the\\s+[a-z]+)\\s+)?(?:(?<way>back|out|up|forward|later|earlier)\\s+)?(?:by\\s+)?)?${englishAmount}(?:\\s+(?<way2>back|later|earlier|sooner))?(?:[\\s,]+please)?[\\s.!?]*$`,
  'u',
);

type Groups = Partial<Record<string, string>>;

function koreanReschedule(groups: Groups): Reschedule {
  const { hours, half, more, halfHour, minutes, dayWord, days, weeks } = groups;
  if (dayWord !== undefined) return { days: dayCountWords[dayWord] ?? 0 };
  if (days !== undefined) return { days: Number(days) };
  if (weeks !== undefined) return { days: 7 * (parseNumber(weeks) ?? 0) };
  if (halfHour !== undefined) return { minutes: 30 };
  if (minutes !== undefined) return { minutes: parseNumber(minutes) ?? 0 };
  const rest = half === undefined ? Number(more ?? 0) : 30;
  return { minutes: 60 * (parseNumber(hours ?? '') ?? 0) + rest };
}

function englishReschedule({ halfHour, count, unit, half }: Groups): Reschedule {
  if (halfHour !== undefined) return { minutes: 30 };
  const number = parseNumber(count ?? '') ?? 0;
  if (unit === 'minute' || unit === 'min') return { minutes: number };
  if (unit === 'hour' || unit === 'hr') {
    return { minutes: 60 * number + (half === undefined ? 0 : 30) };
  }
  return { days: unit === 'week' ? 7 * number : number };
}

/** Null if uncertain. */
function isLater({ verb, way, way2 }: Groups): boolean | null {
  const said = way2 ?? way;
  if (said === 'later') return true;
  if (said === 'earlier' || said === 'sooner') return false;
  const isPull = verb === 'bring' || verb === 'pull';
  if (said === 'forward' || said === 'up')
    return isPull || (verb === 'move' && said === 'up') ? false : null;
  if (verb === 'delay' || verb === 'postpone') return true;
  if (said === 'back' || said === 'out') return isPull ? null : true;
  return verb === 'push' ? true : null;
}

const signed = ({ days, minutes }: Reschedule, later: boolean): Reschedule | null => {
  const sign = later ? 1 : -1;
  if (days !== undefined) return days === 0 ? null : { days: sign * days };
  return minutes === undefined || minutes === 0 ? null : { minutes: sign * minutes };
};

/** Pure. @param text lower case, as `normalizeForRules` returns it */
export function parseReschedule(text: string): Reschedule | null {
  const trimmed = text.trim();
  for (const { later, regex } of korean) {
    const groups = regex.exec(trimmed)?.groups;
    if (groups !== undefined) return signed(koreanReschedule(groups), later);
  }
  const groups = english.exec(trimmed)?.groups;
  const later = groups === undefined ? null : isLater(groups);
  return groups === undefined || later === null ? null : signed(englishReschedule(groups), later);
}
