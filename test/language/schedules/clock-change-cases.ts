/**
 * Requests that were said shortly before and after a clock change, with the wall time that each means. A child process prints
 * what is read, in several zones of the process.
 */
import { readScheduleRequest } from '#language/schedules/read-schedule-request';

/** Zone, when it was said, the message, and the time: `*` marks the second pass of a repeated hour. */
export const clockChangeCases: readonly (readonly [string, string, string, string])[] = [
  // 02:00 becomes 03:00.
  [
    'America/New_York',
    '2027-03-14T01:50-05:00',
    'remind me in 20 minutes to call',
    '2027-03-14T03:10',
  ],
  ['America/New_York', '2027-03-14T01:50-05:00', 'remind me at 2:30am to call', '2027-03-14T02:30'],
  [
    'America/New_York',
    '2027-03-14T01:50-05:00',
    '3시간 뒤에 전화하라고 알려줘',
    '2027-03-14T05:50',
  ],
  ['America/New_York', '2027-03-14T03:10-04:00', 'remind me at 2:30am to call', '2027-03-15T02:30'],
  [
    'America/New_York',
    '2027-03-14T03:10-04:00',
    '오늘 오전 9시에 전화하라고 알려줘',
    '2027-03-14T09:00',
  ],
  [
    'America/New_York',
    '2027-03-13T23:30-05:00',
    'remind me tomorrow at 9am to call',
    '2027-03-14T09:00',
  ],
  // 02:00 becomes 01:00.
  ['America/New_York', '2027-11-07T00:30-04:00', 'remind me at 1:30am to call', '2027-11-07T01:30'],
  [
    'America/New_York',
    '2027-11-07T00:30-04:00',
    '2시간 뒤에 전화하라고 알려줘',
    '2027-11-07T01:30*',
  ],
  [
    'America/New_York',
    '2027-11-07T01:50-04:00',
    'remind me in 20 minutes to call',
    '2027-11-07T01:10*',
  ],
  [
    'America/New_York',
    '2027-11-07T01:10-05:00',
    'remind me at 1:30am to call',
    '2027-11-07T01:30*',
  ],
  ['America/New_York', '2027-11-07T01:40-05:00', 'remind me at 1:30am to call', '2027-11-08T01:30'],
  [
    'America/New_York',
    '2027-11-07T01:10-05:00',
    'remind me tomorrow at 1:30am to call',
    '2027-11-08T01:30',
  ],
  // 01:00 becomes 02:00; 02:00 becomes 01:00.
  ['Europe/London', '2027-03-28T00:50+00:00', '20분 뒤에 약 먹으라고 알려줘', '2027-03-28T02:10'],
  ['Europe/London', '2027-03-28T00:50+00:00', 'remind me at 1:15am to call', '2027-03-28T01:15'],
  [
    'Europe/London',
    '2027-03-27T22:00+00:00',
    '내일 새벽 1시 30분에 약 먹으라고 알려줘',
    '2027-03-28T01:30',
  ],
  [
    'Europe/London',
    '2027-10-31T01:55+01:00',
    'remind me in 10 minutes to call',
    '2027-10-31T01:05*',
  ],
  [
    'Europe/London',
    '2027-10-31T01:05+00:00',
    '새벽 1시 20분에 약 먹으라고 알려줘',
    '2027-10-31T01:20*',
  ],
  ['Europe/London', '2027-10-31T01:05+00:00', 'remind me in an hour to call', '2027-10-31T02:05'],
  // 02:00 becomes 02:30; 02:00 becomes 01:30.
  [
    'Australia/Lord_Howe',
    '2027-10-03T01:50+10:30',
    'remind me in 15 minutes to call',
    '2027-10-03T02:35',
  ],
  [
    'Australia/Lord_Howe',
    '2027-10-03T01:50+10:30',
    'remind me at 2:15am to call',
    '2027-10-03T02:15',
  ],
  [
    'Australia/Lord_Howe',
    '2027-04-04T01:50+11:00',
    '20분 뒤에 약 먹으라고 알려줘',
    '2027-04-04T01:40*',
  ],
  [
    'Australia/Lord_Howe',
    '2027-04-04T01:35+10:30',
    'remind me at 1:45am to call',
    '2027-04-04T01:45*',
  ],
  [
    'Australia/Lord_Howe',
    '2027-04-04T01:35+10:30',
    '30분 뒤에 약 먹으라고 알려줘',
    '2027-04-04T02:05',
  ],
  // Midnight becomes 01:00; midnight becomes 23:00 of the day before.
  ['Africa/Cairo', '2027-04-29T23:50+02:00', '20분 뒤에 약 먹으라고 알려줘', '2027-04-30T01:10'],
  [
    'Africa/Cairo',
    '2027-04-29T23:50+02:00',
    'remind me tomorrow at 9am to call',
    '2027-04-30T09:00',
  ],
  ['Africa/Cairo', '2027-04-29T22:00+02:00', 'remind me at 12:30am to call', '2027-04-30T00:30'],
  [
    'Africa/Cairo',
    '2027-10-28T23:50+03:00',
    'remind me in 20 minutes to call',
    '2027-10-28T23:10*',
  ],
  [
    'Africa/Cairo',
    '2027-10-28T23:10+02:00',
    '밤 11시 30분에 약 먹으라고 알려줘',
    '2027-10-28T23:30*',
  ],
  [
    'Africa/Cairo',
    '2027-10-28T23:10+02:00',
    '내일 오전 8시에 약 먹으라고 알려줘',
    '2027-10-29T08:00',
  ],
  // No clock change.
  ['Asia/Seoul', '2027-03-14T01:50+09:00', '20분 뒤에 약 먹으라고 알려줘', '2027-03-14T02:10'],
  [
    'Asia/Seoul',
    '2027-11-07T01:10+09:00',
    '새벽 1시 30분에 약 먹으라고 알려줘',
    '2027-11-07T01:30',
  ],
];

export function readClockChanges(): string[] {
  return clockChangeCases.map(([timeZone, said, message]) => {
    const request = readScheduleRequest(message, { now: Date.parse(said), timeZone });
    const rule = request?.do === 'set' && request.when.ok ? request.when.rule : null;
    if (rule === null || !('once' in rule)) return 'not understood';
    return `${rule.once}${rule.repeated === undefined ? '' : '*'}`;
  });
}

if (import.meta.main) console.log(readClockChanges().join('\n'));
