/** The classifier of the demo model: a few simple rules, enough to reach every path of a job. Pure. */
import {
  languageOf,
  userMessageOf,
  todayOf,
  type CivilDate,
  type DemoRequest,
} from './demo-request.ts';

export interface Classification {
  action: 'direct' | 'route' | 'clarify' | 'tools';
  response?: string;
  prompt?: string;
  tool?: string;
  operation?: string;
  params?: Record<string, unknown>;
}

const creates = /잡아|등록|추가|예약|만들어|넣어|\b(?:add|create|schedule|book)\b/i;
const appointment =
  /일정|약속|회의|미팅|캘린더|치과|병원|점심|저녁|meeting|appointment|calendar|lunch|dinner/i;
const mail = /메일|이메일|\be-?mails?\b/i;
const search = /찾아|검색|\b(?:find|search|look for)\b/i;
const documents = /문서|자료|파일|메모|\b(?:documents?|files?|notes?)\b/i;
const deep =
  /설명|분석|비교|자세히|왜 |이유|정리해|요약|작성|써 ?줘|계획|추천|\b(?:explain|why|compare|analy[sz]e|describe|write|plan|summari[sz]e|how do(?:es)?)\b/i;
const vague =
  /^(?:그거|그것|저거|이거|그때|해 ?줘|아까 그거|that|it|do it|this)(?:\s*(?:해 ?줘|좀|please))?[.!?]*$/i;
const greeting = /^(?:안녕|반가|하이|ㅎㅇ|hello|hi\b|hey\b|good (?:morning|evening))/i;
const thanks = /고마|감사|thank/i;

const pad = (value: number): string => String(value).padStart(2, '0');

function isoDay({ year, month, day }: CivilDate, plusDays = 0): string {
  const at = new Date(Date.UTC(year, month - 1, day + plusDays));
  return at.toISOString().slice(0, 10);
}

const dayWords: [pattern: RegExp, plusDays: number][] = [
  [/글피/, 3],
  [/모레|day after tomorrow/i, 2],
  [/내일|tomorrow/i, 1],
  [/오늘|today/i, 0],
];

/** The day named in the message, ISO; null when these rules recognize none. */
function parseDay(message: string, today: CivilDate): string | null {
  const named = /(\d{1,2})월\s*(\d{1,2})일/.exec(message);
  if (named) {
    const date = { year: today.year, month: Number(named[1]), day: Number(named[2]) };
    const isPast = date.month < today.month || (date.month === today.month && date.day < today.day);
    return isoDay(isPast ? { ...date, year: date.year + 1 } : date);
  }
  const iso = /\d{4}-\d{2}-\d{2}/.exec(message);
  if (iso) return iso[0];
  const word = dayWords.find(([pattern]) => pattern.test(message));
  return word ? isoDay(today, word[1]) : null;
}

/** The time named in the message, `HH:MM`; hours from 1 to 7 without 오전 or 오후 are in the afternoon. */
function parseTime(message: string): string | null {
  const clock = /(\d{1,2}):(\d{2})/.exec(message);
  if (clock) return `${pad(Number(clock[1]))}:${clock[2]}`;
  const korean = /(오전|오후|아침|저녁|밤)?\s*(\d{1,2})시(?:\s*(\d{1,2})분|\s*(반))?/.exec(message);
  const english = /\b(\d{1,2})\s*(am|pm)\b/i.exec(message);
  if (!korean && !english) return null;
  let hour = Number(korean?.[2] ?? english?.[1]);
  const half = (korean?.[1] ?? english?.[2] ?? '').toLowerCase();
  const isMorning = ['오전', '아침', 'am'].includes(half);
  if (!isMorning && hour < 12 && (half !== '' || hour <= 7)) hour += 12;
  if (isMorning && hour === 12) hour = 0;
  const minute = korean?.[4] ? 30 : Number(korean?.[3] ?? 0);
  return hour < 24 && minute < 60 ? `${pad(hour)}:${pad(minute)}` : null;
}

/** The message without day, time and request verbs. */
function extractTitle(message: string): string {
  const rest = message
    .replace(/(?:\d{1,2}월\s*\d{1,2}일|\d{4}-\d{2}-\d{2}|오늘|내일|모레|글피)(?:에|은|는)?/g, ' ')
    .replace(/(?:오전|오후|아침|저녁|밤)?\s*\d{1,2}시(?:\s*\d{1,2}분|\s*반)?(?:에|부터)?/g, ' ')
    .replace(
      /\b(?:today|tomorrow|at|on|a|an|the|please|\d{1,2}\s*(?:am|pm)|\d{1,2}:\d{2})\b/gi,
      ' ',
    )
    .replace(/(?:잡아|등록|추가|예약|만들어|넣어)\S*(?:\s*(?:줘|주세요|줄래))?/g, ' ')
    .replace(/\b(?:add|create|schedule|book)\b/gi, ' ')
    .replace(/(?:일정|약속)(?:을|를)?(?=\s|$)/g, ' ')
    .replace(/(\S{2,})(?:을|를)(?=\s|$)/g, '$1')
    .replace(/[.!?]+$/g, ' ');
  return rest.replace(/\s+/g, ' ').trim() || (/회의|미팅|meeting/i.exec(message)?.[0] ?? '일정');
}

/** A search query: the message without request verbs and source names. */
const extractQuery = (message: string): string =>
  message
    .replace(
      /(?:좀\s*)?(?:찾아|검색해?|보여|알려)\S*(?:\s*(?:줘|주세요))?|메일|이메일|문서|자료|파일|에서/g,
      ' ',
    )
    .replace(/\b(?:find|search|look for|e-?mails?|documents?|files?|my|the|for|in|please)\b/gi, ' ')
    .replace(/[.?!]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

function classifyAppointment(message: string, today: CivilDate, ko: boolean): Classification {
  const date = parseDay(message, today);
  const time = parseTime(message);
  if (!date) return { action: 'clarify', response: ko ? '어느 날로 잡을까요?' : 'On which day?' };
  if (!time) return { action: 'clarify', response: ko ? '몇 시로 잡을까요?' : 'At what time?' };
  const params = { title: extractTitle(message), date, time };
  return { action: 'tools', tool: 'calendar', operation: 'create_draft', params };
}

const utcToday = (nowMs: number): CivilDate => {
  const at = new Date(nowMs);
  return { year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate() };
};

/** Classifies the message of the request. `nowMs` is used only when the prompt contains no date. */
export function classify(request: DemoRequest, nowMs: number): Classification {
  const message = userMessageOf(request);
  const ko = languageOf(request) === 'ko';
  const today = todayOf(request) ?? utcToday(nowMs);
  if (vague.test(message)) {
    const response = ko
      ? '무엇을 도와드릴까요? 조금 더 자세히 말씀해 주세요.'
      : 'What do you mean exactly?';
    return { action: 'clarify', response };
  }
  if (creates.test(message) && (appointment.test(message) || parseTime(message))) {
    return classifyAppointment(message, today, ko);
  }
  if (mail.test(message) && !deep.test(message)) {
    const params = { query: extractQuery(message), days: 7 };
    return { action: 'tools', tool: 'email', operation: 'search', params };
  }
  if (search.test(message) && documents.test(message)) {
    const params = { query: extractQuery(message) };
    return { action: 'tools', tool: 'document', operation: 'search', params };
  }
  if (deep.test(message)) return { action: 'route', prompt: message };
  if (greeting.test(message)) {
    const response = ko
      ? '안녕하세요! 저는 연습용 모델입니다. 정해진 규칙으로만 답합니다.'
      : 'Hello! I am the practice model. I answer by fixed rules only.';
    return { action: 'direct', response };
  }
  if (thanks.test(message)) {
    return {
      action: 'direct',
      response: ko ? '천만에요. (연습용 모델)' : 'You are welcome. (practice model)',
    };
  }
  // An empty response: the answer is then streamed, so that streaming is visible.
  return { action: 'direct', response: '' };
}

/** The classification as JSON, with all fields that the schema requires. */
export function classificationJson(request: DemoRequest, nowMs: number): string {
  const decided: Record<string, unknown> = { ...classify(request, nowMs) };
  for (const name of request.schema?.required ?? []) {
    if (!(name in decided)) decided[name] = name === 'params' ? {} : '';
  }
  return JSON.stringify(decided);
}
