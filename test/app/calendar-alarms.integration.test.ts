/** Alarms of calendar entries in a running core, on today's clock: local files, and a real CalDAV server. */
import { afterEach, describe, expect, test } from 'vitest';
import type { JobPage } from '#shared/wire/job-service';
import { entry } from '#test/support/calendar-entry';
import { openCore, direct, type CoreFixture } from '#test/support/core';
import { until } from '#test/support/journal';
import { radicaleMissing, startRadicale, type Radicale } from '#test/support/radicale';

let open: CoreFixture | null = null;
afterEach(async () => {
  await open?.close();
  open = null;
});

const planned = async (): Promise<string[]> =>
  (await open!.core.schedules.schedules.list({ states: ['active'] }, '', 100)).map(({ text }) =>
    text.slice(0, text.indexOf('\n')),
  );

/** Replies of the jobs that alarms have opened. */
const delivered = async (): Promise<string[]> =>
  (await open!.client.request<JobPage>('GET', '/jobs?limit=100')).jobs
    .filter(({ message }) => message.startsWith('dentist'))
    .map(({ reply }) => reply ?? '');

describe('the alarm of an entry of the local calendar', () => {
  test('is delivered once to the person who has the calendar', async () => {
    open = await openCore();
    open.small.script(direct('hello'));
    await open.ask('tell me something nice about tigers');
    await open.client.importCalendar(entry(3_600_000, [`TRIGGER:-PT59M57S`]), undefined);
    await until(async () => (await delivered()).length === 1);
    const [text] = await delivered();
    expect(text).toMatch(
      /^⏰ dentist\n\d{4}-\d\d-\d\d \(\w{3}\) \d\d:\d\d.* Asia\/Seoul, Main Street 1$/,
    );
    await open.restart();
    await until(() => open!.core.schedules.worker.state === 'waiting');
    expect(await delivered()).toHaveLength(1);
  });

  test('is planned as soon as a person without a message writes the first one', async () => {
    open = await openCore();
    await open.client.importCalendar(entry(7_200_000, ['TRIGGER:-PT10M']), undefined);
    expect(await planned()).toEqual([]);
    open.small.script(direct('hello'));
    await open.ask('tell me something nice about tigers');
    await until(async () => (await planned()).length === 1);
  });

  test('moves with its entry when the file is imported again', async () => {
    open = await openCore();
    open.small.script(direct('hello'));
    await open.ask('tell me something nice about tigers');
    await open.client.importCalendar(entry(7_200_000, ['TRIGGER:-PT10M']), undefined);
    await until(async () => (await planned()).length === 1);
    const [before] = await open.core.schedules.schedules.list({ states: ['active'] }, '', 9);
    await open.client.importCalendar(entry(10_800_000, ['TRIGGER:-PT10M']), undefined);
    await until(async () => {
      const [after] = await open!.core.schedules.schedules.list({ states: ['active'] }, '', 9);
      return after!.nextAt! - before!.nextAt! > 3_000_000;
    });
    expect(await planned()).toEqual(['dentist']);
  });

  test('is not planned if alarms are switched off, and the usual one only for entries without', async () => {
    open = await openCore({
      tools: { calendar: { provider: 'local', remindMinutes: 30 } },
    });
    open.small.script(direct('hello'));
    await open.ask('tell me something nice about tigers');
    await open.client.importCalendar(entry(7_200_000, []), undefined);
    await until(async () => (await planned()).length === 1);
    const [one] = await open.core.schedules.schedules.list({ states: ['active'] }, '', 9);
    expect(Math.round((one!.nextAt! - Date.now()) / 60_000)).toBe(90);
    await open.close();
    open = await openCore({ tools: { calendar: { provider: 'local', alarms: false } } });
    open.small.script(direct('hello'));
    await open.ask('tell me something nice about tigers');
    await open.client.importCalendar(entry(3_600_000, ['TRIGGER:-PT5M']), undefined);
    await open.restart();
    expect(await planned()).toEqual([]);
  });
});

const missing = radicaleMissing();
if (missing !== null) console.warn(`CalDAV tests skipped: ${missing}`);

describe.skipIf(missing !== null)('the alarm of an entry on a CalDAV server', () => {
  test('follows its entry at each look at the server, and is delivered once', async () => {
    const radicale: Radicale = await startRadicale();
    try {
      const { calendar: url, username, password } = radicale;
      open = await openCore({
        tools: { calendar: { provider: 'caldav', url, username, password } },
      });
      open.small.script(direct('hello'));
      await open.ask('tell me something nice about tigers');
      await radicale.put('one', entry(7_200_000, ['TRIGGER:-PT10M']));
      await open.restart();
      await until(async () => (await planned()).length === 1);
      // Moved, then cancelled, then there again with an alarm that is due at once.
      await radicale.put('one', entry(10_800_000, ['TRIGGER:-PT10M']));
      await open.restart();
      await until(async () => {
        const [one] = await open!.core.schedules.schedules.list({ states: ['active'] }, '', 9);
        return one!.nextAt! - Date.now() > 9_000_000;
      });
      const cancelled = entry(10_800_000, ['TRIGGER:-PT10M']);
      await radicale.put('one', cancelled.replace('SUMMARY', 'STATUS:CANCELLED\r\nSUMMARY'));
      await open.restart();
      await until(async () => (await planned()).length === 0);
      await radicale.put('two', entry(3_600_000, ['TRIGGER:-PT60M'], { uid: 'two' }));
      await open.restart();
      await until(async () => (await delivered()).length === 1);
      await open.restart();
      await until(() => open!.core.schedules.worker.state === 'waiting');
      expect(await delivered()).toHaveLength(1);
    } finally {
      await open?.close();
      open = null;
      await radicale.stop();
    }
  });
});
