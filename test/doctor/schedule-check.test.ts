/** What the doctor says about the schedules of a core. */
import { expect, test } from 'vitest';
import { configSchema } from '#app/config/config';
import { judgeSchedules } from '#doctor/schedule-check';
import type { ScheduleView } from '#shared/wire/schedule-service';

const config = configSchema.parse({});
const view = (id: string, change: Partial<ScheduleView> = {}): ScheduleView =>
  ({
    schedule_id: id,
    channel: 'http',
    zone: 'Asia/Seoul',
    state: 'active',
    pause_reason: null,
    undelivered_at: null,
    ...change,
  }) as ScheduleView;
const lines = async (...found: ScheduleView[]): Promise<string[]> =>
  (await judgeSchedules(found, config)).map(({ ok, what }) => `${ok ? 'fine' : 'fault'}: ${what}`);

test('The doctor has no fault of schedules that can be delivered, or rest because a person said so', async () => {
  const rests = view('b', { state: 'paused', pause_reason: 'by a person' });
  expect(await lines(view('a'), rests)).toEqual([
    expect.stringMatching(/^fine: 2 can be delivered; rules of time zones: \d/),
  ]);
});

test.each([
  [
    'that were paused after failures or damage',
    { state: 'paused', pause_reason: 'failures: 5' },
    /paused, because their runs failed or they cannot be read: x$/,
  ],
  ['with an unknown zone', { zone: 'Mars/Olympus' }, /time zone that this Node does not know: x$/],
  [
    'that reached nobody',
    { undelivered_at: '2026-12-02T00:00:00.000Z' },
    /reached no channel .*: x$/,
  ],
  ['of a chat that is not configured', { channel: 'synology' }, /synology is not configured.*: x$/],
] as [string, Partial<ScheduleView>, RegExp][])(
  'The doctor names schedules %s',
  async (_what, change, found) => {
    const told = await lines(view('a'), view('x', change));
    expect(told).toEqual([expect.stringMatching(found)]);
    expect(told[0]).toMatch(/^fault: 1 /);
  },
);
