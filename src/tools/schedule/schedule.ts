import { parseTimes } from '#language/dates/parse-times';
import { readScheduleRequest } from '#language/schedules/read-schedule-request';
import type { DemoRule } from '#shared/model/demo-rule';
import { dayMs } from '#shared/calendar/time-units';
import type { ToolDeclaration } from '../tool-declaration.ts';
import { scheduleLabel, scheduleOperations } from './schedule-operations.ts';

const asks =
  /알림|알람|리마인|깨워|알려\s?줘|잊지\s*않|까먹지|\b(?:remind|reminder|alarm|wake me)\b/i;
const when =
  /(?:매주|매일|매달|격주|평일|오늘|내일|모레|글피|다음\s*주|\d{1,2}월\s*\d{1,2}일|[월화수목금토일]요일)?\s*(?:아침|점심|저녁|새벽|오전|오후|밤)?\s*\d{1,2}\s*시(?:\s*\d{1,2}\s*분|\s*반)?|\d+\s*(?:분|시간)\s*(?:뒤|후)|\b(?:tomorrow|today|tonight|every \w+|next \w+|on \w+day)?\s*(?:at\s+)?\d{1,2}(?::\d{2})?\s*(?:am|pm)\b|\bin \d+ (?:minutes|hours)\b/i;

/** Only what the rules have left: they have read every request that they understand. */
const scheduleDemo: DemoRule = (message, { today, locale }) => {
  if (!asks.test(message) || parseTimes(message)?.ok === false) return null;
  const now = today * dayMs;
  const known = readScheduleRequest(message, { now, timeZone: 'UTC' });
  if (known !== null && known.do !== 'set') return null;
  const words = when.exec(message)?.[0].trim() ?? '';
  if (words === '') return null;
  const what = message
    .replace(words, ' ')
    .replace(
      /(?:에\s)|알려\s?줘\S*|알림\S*|알람\S*|\b(?:remind me|to|please|set|an?|reminder|alarm|for)\b/gi,
      ' ',
    )
    .replace(/[.!?]+$/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  return { operation: 'set', params: { what: what || scheduleLabel[locale], when: words } };
};

export const schedule: ToolDeclaration = {
  name: 'schedule',
  label: scheduleLabel,
  aliases: ['reminder', 'reminders', 'alarm', 'alarms'],
  operations: scheduleOperations,
  configuration: {
    isSet: ({ schedules }) => schedules?.chat === true,
    missing: {
      ko: '알림을 대화로 예약하는 기능이 꺼져 있으니, 설정 파일의 schedules.chat을 true로 바꿔주세요.',
      en: 'Reminders in chat are off: set schedules.chat to true in the configuration file.',
    },
  },
  checkName: 'reminders',
  check: async ({ schedules }) => {
    const { confirm = 'recurring', perUserMax = 0 } = schedules ?? {};
    const what = `set in chat, at most ${perUserMax} of one person; schedules.confirm is ${confirm}`;
    return [{ part: 'reminders', ok: true, what }];
  },
  demo: scheduleDemo,
  open: async (parts) => (await import('./schedule-tool.ts')).openSchedule(parts),
};
