/** Import and export of calendar files over HTTP: per user, for the local calendar; other calendars are refused. */
import { afterEach, expect, test } from 'vitest';
import { openCore, type ConfigInput, type CoreFixture } from '#test/support/core';

let fixture: CoreFixture;
afterEach(() => fixture.close());
const open = async (change: ConfigInput = {}): Promise<void> => {
  fixture = await openCore(change);
};

const calendarOf = (...events: string[]): string =>
  [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//test//test//EN',
    ...events.flatMap((event) => ['BEGIN:VEVENT', ...event.split('\n'), 'END:VEVENT']),
    'END:VCALENDAR',
    '',
  ].join('\r\n');

const dentist = 'UID:d1\nDTSTART:20261120T010000Z\nDTEND:20261120T020000Z\nSUMMARY:치과';
const dinner = 'UID:d2\nDTSTART:20261121T090000Z\nSUMMARY:저녁 식사';

async function bringIn(body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${fixture.core.url}/calendar/import`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const takeOut = (user?: string): Promise<Response> =>
  fetch(`${fixture.core.url}/calendar.ics${user === undefined ? '' : `?user_id=${user}`}`);

test('a second import of a calendar file changes only the events that differ', async () => {
  await open();
  const none = { updated: 0, unchanged: 0, unreadable: [] };
  const first = await bringIn({ ics: calendarOf(dentist, dinner) });
  expect(first).toEqual({ status: 200, body: { ...none, added: 2 } });
  const moved = dinner.replace('T09', 'T10');
  const second = await bringIn({ ics: calendarOf(dentist, moved) });
  expect(second.body).toEqual({ ...none, added: 0, updated: 1, unchanged: 1 });
});

test('an imported event is found by the assistant and exported as a calendar file', async () => {
  await open();
  await bringIn({ ics: calendarOf(dentist), user_id: 'minji' });
  fixture.small.script();
  const { end } = await fixture.ask('2026년 11월 20일 일정 알려줘', { user_id: 'minji' });
  expect(end.data['outcome']).toBe('answered');
  expect(JSON.stringify(fixture.small.requests.at(-1)?.body)).toContain('치과');
  const response = await takeOut('minji');
  expect(response.headers.get('content-type')).toBe('text/calendar; charset=utf-8');
  const text = await response.text();
  expect(text).toMatch(/^BEGIN:VCALENDAR\r\n/);
  expect(text).toContain('SUMMARY:치과');
  const again = await bringIn({ ics: text, user_id: 'jun' });
  expect(again.body).toMatchObject({ added: 1, unreadable: [] });
});

test('an export has no entry of another user, and is an empty calendar when the user has no entries', async () => {
  await open();
  await bringIn({ ics: calendarOf(dentist), user_id: 'minji' });
  const text = await (await takeOut()).text();
  expect(text).toContain('BEGIN:VCALENDAR');
  expect(text).not.toContain('치과');
});

test('an export of a shared calendar has the entries of all users', async () => {
  await open({ tools: { calendar: { provider: 'local', shared: true } } });
  await bringIn({ ics: calendarOf(dentist), user_id: 'minji' });
  expect(await (await takeOut('jun')).text()).toContain('치과');
});

test('an import skips an unreadable event, reports it and adds the other events', async () => {
  await open();
  const { status, body } = await bringIn({ ics: calendarOf('UID:x\nSUMMARY:언제', dentist) });
  expect(status).toBe(200);
  expect(body).toMatchObject({ added: 1, unreadable: [expect.any(String)] });
});

test('a calendar file of several megabytes is imported, and a larger file is refused with 400', async () => {
  await open();
  const padding = `DESCRIPTION:${'가'.repeat(3_000_000)}`;
  expect((await bringIn({ ics: calendarOf(`${dentist}\n${padding}`) })).body['added']).toBe(1);
  const tooLong = await bringIn({
    ics: calendarOf(`${dentist}\n${padding}${'x'.repeat(1_000_000)}`),
  });
  expect([tooLong.status, tooLong.body['code']]).toEqual([400, 'GH_REQUEST_INVALID']);
});

test.each([
  ['no file', {}, 'GH_REQUEST_INVALID'],
  ['an empty file', { ics: '' }, 'GH_REQUEST_INVALID'],
  ['an empty user', { ics: 'x', user_id: '' }, 'GH_REQUEST_INVALID'],
  ['a text that is no calendar', { ics: 'hello' }, 'GH_TOOL_INPUT'],
])('an import with %s is refused with 400', async (_what, input, code) => {
  await open();
  const { status, body } = await bringIn(input);
  expect([status, body['code']]).toEqual([400, code]);
});

test('import and export are refused with 409 for a calendar on a CalDAV server', async () => {
  const calendar = {
    provider: 'caldav',
    url: 'http://127.0.0.1:9/',
    username: 'minji',
    password: 'secret',
  };
  await open({ tools: { calendar } });
  const refused = await bringIn({ ics: calendarOf(dentist) });
  expect([refused.status, refused.body['code']]).toEqual([409, 'GH_TOOL_NOT_LOCAL']);
  expect((await takeOut()).status).toBe(409);
});
