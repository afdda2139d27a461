/** `gatehouse schedules` on a running core. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { addSchedule, changeSchedule, listSchedules, runSchedule, showRuns } from '#cli/schedules';
import { CoreClient } from '#http/client/core-client';
import { openCore, type CoreFixture } from '#test/support/core';

let fixture: CoreFixture;
let printed: string[];
let client: CoreClient;
beforeEach(async () => {
  fixture = await openCore();
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
  client = new CoreClient(fixture.core.url, null);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fixture.close();
});

const none = {
  user: undefined,
  limit: undefined,
  json: false,
  at: undefined,
  cron: undefined,
  zone: undefined,
  kind: undefined,
  count: undefined,
  start: undefined,
  end: undefined,
  overlap: undefined,
  'catch-up': undefined,
  'catch-up-minutes': undefined,
  'pause-on-failures': undefined,
  thread: undefined,
  channel: undefined,
  all: false,
};
const last = (): string => printed.at(-1)!;

test('schedules are added, listed, run, paused and cancelled, with a line for each', async () => {
  await listSchedules(client, none);
  expect(last()).toBe('no schedules');
  const options = { ...none, user: 'ann', zone: 'Asia/Seoul' };
  await addSchedule(client, ['take', 'the', 'pill'], { ...options, at: '2031-03-05 09:00' });
  expect(last()).toContain(
    'active    2031-03-05 09:00:00 Asia/Seoul  reminder  ann: take the pill',
  );
  const [id = ''] = last().split(' ');
  await addSchedule(client, ['briefing'], {
    ...options,
    cron: '0 8 * * 1-5',
    kind: 'digest',
    count: '5',
  });
  printed.length = 0;
  await listSchedules(client, { ...none, user: 'ann' });
  expect(printed).toHaveLength(2);
  await showRuns(client, id, none);
  expect(last()).toBe('has not run yet');
  await runSchedule(client, id, none);
  expect(last()).toMatch(/^runs as job /);
  await showRuns(client, id, none);
  expect(last()).toMatch(/manual .* job /);
  await changeSchedule(client, 'pause', id, none);
  expect(last()).toContain('paused    -  reminder  ann: take the pill  [by a person]');
  await changeSchedule(client, 'delete', id, none);
  printed.length = 0;
  await listSchedules(client, { ...none, user: 'ann' });
  expect(printed).toHaveLength(1);
  await listSchedules(client, { ...none, all: true, json: true });
  expect(JSON.parse(last())).toMatchObject({
    schedules: [{ kind: 'digest' }, { state: 'cancelled' }],
  });
});

test('what happens to occurrences that cannot run at their time is set per schedule', async () => {
  await addSchedule(client, ['말해줘'], {
    ...none,
    cron: '0 8 * * *',
    kind: 'prompt',
    json: true,
    start: '2031-01-01 00:00',
    end: '2031-12-31 00:00',
    overlap: 'queue-one',
    'catch-up': 'once-late',
    'catch-up-minutes': '30',
    'pause-on-failures': '0',
    thread: 'kitchen',
  });
  expect(JSON.parse(last())).toMatchObject({
    start: '2031-01-01T00:00',
    end: '2031-12-31T00:00',
    overlap: 'queue-one',
    catch_up: 'once-late',
    catch_up_ms: 1_800_000,
    pause_on_failures: 0,
    thread: 'kitchen',
    last: null,
  });
});

test('a schedule without a time, or with two, or of another person is refused', async () => {
  const usage = { message: expect.stringContaining('--at') as string };
  await expect(addSchedule(client, ['x'], none)).rejects.toMatchObject(usage);
  await expect(
    addSchedule(client, ['x'], { ...none, at: '2031-03-05T09:00', cron: '0 9 * * *' }),
  ).rejects.toMatchObject(usage);
  await expect(
    addSchedule(client, ['x'], { ...none, cron: '0 9 * * *', count: 'many' }),
  ).rejects.toMatchObject({ message: '--count: expected a number from 1, found many' });
  await addSchedule(client, ['x'], { ...none, cron: '0 9 * * *', user: 'ann' });
  const [id = ''] = last().split(' ');
  await expect(
    changeSchedule(client, 'delete', id, { ...none, user: 'bob' }),
  ).rejects.toMatchObject({ code: 'GH_SCHEDULE_NOT_FOUND' });
});
