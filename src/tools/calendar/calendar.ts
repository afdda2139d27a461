import type { ToolDeclaration } from '../tool-declaration.ts';
import { calendarLabel, calendarOperations } from './calendar-operations.ts';
import { parseDates } from '#language/dates/parse-dates';
import { parseTimes } from '#language/dates/parse-times';
import { dayMs } from '#shared/calendar/time-units';
import type { DemoRule } from '#shared/model/demo-rule';

const creates = /잡아|등록|추가|예약|만들어|넣어|\b(?:add|create|schedule|book)\b/i;
const appointment =
  /일정|약속|회의|미팅|캘린더|치과|병원|점심|저녁|meeting|appointment|calendar|lunch|dinner/i;

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

const calendarDemo: DemoRule = (message, { today, locale }) => {
  const times = parseTimes(message);
  if (!creates.test(message) || (!appointment.test(message) && times === null)) return null;
  const dates = parseDates(message, { now: today * dayMs, timeZone: 'UTC' });
  if (dates?.ok !== true) {
    return { question: locale === 'ko' ? '어느 날로 잡을까요?' : 'On which day?' };
  }
  if (times?.ok !== true) {
    return { question: locale === 'ko' ? '몇 시로 잡을까요?' : 'At what time?' };
  }
  const params = { title: extractTitle(message), date: dates.from, time: times.start };
  return { operation: 'create_draft', params };
};

export const calendar: ToolDeclaration = {
  name: 'calendar',
  label: calendarLabel,
  aliases: ['schedule'],
  operations: calendarOperations,
  demo: calendarDemo,
  open: async (parts) => (await import('./calendar-tool.ts')).openCalendar(parts),
  check: async (settings) => (await import('./calendar-check.ts')).checkCalendar(settings.calendar),
};
