/** The schedule worker on a real journal: what is due fires once, also late, after a restart and on an odd clock. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ScheduleRule } from '#schedules/schedule';
import { scratchFolder, until } from '#test/support/journal';
import { openSchedules, reminder, type ScheduleFixture } from '#test/support/schedules';

let folder: ReturnType<typeof scratchFolder>;
let open: ScheduleFixture;
const start = '2026-12-02T10:00+09:00';

beforeEach(async () => {
  folder = scratchFolder();
  open = await openSchedules(`${folder.path}/gatehouse.db`, start);
});
afterEach(async () => {
  await open.close();
  folder.remove();
});

async function restart(now: string): Promise<void> {
  await open.close();
  open = await openSchedules(`${folder.path}/gatehouse.db`, now);
}
const daily = (change = {}) => reminder({ rule: { cron: '0 9 * * *' }, ...change });

describe('a reminder', () => {
  test('fires once at its time, in its channel and thread, and is done', async () => {
    const { id } = await open.schedules.create(reminder());
    await open.at('2026-12-03T08:59:59+09:00');
    expect(open.messages()).toEqual([]);
    await open.at('2026-12-03T09:00+09:00');
    await open.at('2026-12-03T09:01+09:00');
    expect(open.messages()).toEqual(['fired: ⏰ 약 먹기']);
    expect(await open.schedules.get(id)).toMatchObject({ state: 'done', nextAt: null, settled: 1 });
    const [record] = await open.schedules.history(id, 10);
    expect(record).toMatchObject({ wall: '2026-12-03T09:00:00', outcome: 'fired' });
    const job = open.journal.storage.find(record!.jobId)!;
    expect(job.conversation).toBe('synology/dm:ann');
    expect(job.input).toMatchObject({ channel: 'synology', thread: 'dm', userId: 'ann' });
    expect(await open.events(id)).toEqual([
      { type: 'created', state: 'active', jobId: undefined },
      { type: 'fired', state: 'done', jobId: record!.jobId },
    ]);
    const ack = open.journal.events.find(({ type }) => type === 'ack')!;
    expect(ack.data).toMatchObject({ schedule_id: id, scheduled_for: '2026-12-03T09:00:00' });
    expect(ack.data['schedule']).toEqual({
      scheduleId: id,
      kind: 'reminder',
      wall: '2026-12-03T09:00:00',
      outcome: 'fired',
    });
  });

  test('is committed with its key and its answer in one transaction', async () => {
    await open.schedules.create(reminder());
    await open.at('2026-12-03T09:00+09:00');
    const rows = open.journal.database.connection
      .prepare('select count(distinct at) as times, count(*) as rows from journal')
      .get();
    expect(rows).toEqual({ times: 1, rows: 2 });
  });

  test('waits for no running job of its conversation, and for no slot', async () => {
    for (let n = 0; n < 12; n += 1) {
      await open.journal.submit({ jobId: `j${n}`, channel: 'synology', thread: 'dm' });
      await open.journal.submit({ jobId: `k${n}`, userId: `user${n}` });
    }
    await open.schedules.create(reminder());
    await open.at('2026-12-03T09:00+09:00');
    expect(open.messages()).toEqual(['fired: ⏰ 약 먹기']);
  });

  test('whose time passed while the machine was off fires once, and its message says how late', async () => {
    await open.schedules.create(reminder());
    await restart('2026-12-05T11:30+09:00');
    await restart('2026-12-05T11:31+09:00');
    expect(open.messages()).toEqual([
      'late: ⏰ 약 먹기\n(2일 2시간 늦은 알림입니다. 원래 시각: 2026-12-03 (목) 09:00 Asia/Seoul)',
    ]);
  });

  test('that repeats tells all missed times in one message, and goes on', async () => {
    const { id } = await open.schedules.create(daily({ text: 'Take the pill' }));
    await restart('2026-12-05T11:30+09:00');
    await open.at('2026-12-06T09:00+09:00');
    expect(open.messages()).toEqual([
      'late: ⏰ Take the pill\n(2 h 30 min late. It was due at 2026-12-05 (Sat) 09:00 Asia/Seoul.)\n' +
        '(2 earlier times were missed.)',
      'fired: ⏰ Take the pill',
    ]);
    expect(await open.schedules.get(id)).toMatchObject({ settled: 4, missed: 2, state: 'active' });
  });

  test('of every minute does not flood after two days', async () => {
    await open.schedules.create(daily({ rule: { cron: '* * * * *' } }));
    await open.at('2026-12-04T10:00:30+09:00');
    expect(open.messages()).toHaveLength(1);
    await open.at('2026-12-04T10:01:00+09:00');
    expect(open.messages()).toHaveLength(2);
  });

  test('with a count ends after that many times', async () => {
    const { id } = await open.schedules.create(daily({ count: 2 }));
    for (const day of [3, 4, 5]) await open.at(`2026-12-0${day}T09:00+09:00`);
    expect(open.messages()).toHaveLength(2);
    expect((await open.schedules.get(id)).state).toBe('done');
  });
});

describe('a clock', () => {
  test('that is set back tells nothing twice, and loses no later time', async () => {
    await open.schedules.create(daily());
    await open.at('2026-12-03T09:00+09:00');
    await open.at('2026-12-03T07:00+09:00');
    await open.at('2026-12-03T09:00:30+09:00');
    expect(open.messages()).toHaveLength(1);
    await open.at('2026-12-04T09:00+09:00');
    expect(open.messages()).toHaveLength(2);
  });

  test('that was a year ahead and is set back does not silence a schedule', async () => {
    await open.schedules.create(daily());
    await open.at('2027-12-03T09:00+09:00');
    await open.at('2026-12-03T08:00+09:00');
    await open.at('2026-12-03T09:00+09:00');
    expect(open.messages()).toHaveLength(2);
    await restart('2026-12-03T09:00:10+09:00');
    await open.at('2026-12-04T09:00+09:00');
    expect(open.messages()).toHaveLength(3);
    expect(open.messages().slice(1)).toEqual(['fired: ⏰ 약 먹기', 'fired: ⏰ 약 먹기']);
  });

  test('that was ahead only in an earlier process does not silence a schedule', async () => {
    await open.schedules.create(daily());
    await open.at('2027-12-03T09:00+09:00');
    await restart('2026-12-03T08:00+09:00');
    await open.at('2026-12-03T09:00+09:00');
    expect(open.messages()).toHaveLength(2);
  });
});

describe('a zone', () => {
  test('whose rules changed since the last start moves the next time', async () => {
    const { id } = await open.schedules.create(daily());
    // As if the old rules had been an hour ahead, then an hour behind.
    for (const hours of [-1, 1]) {
      open.journal.database.connection
        .prepare('update schedule set next_at = next_at + ?')
        .run(hours * 3_600_000);
      await restart('2026-12-02T11:00+09:00');
      expect((await open.schedules.get(id)).nextAt).toBe(Date.parse('2026-12-03T09:00+09:00'));
    }
    await open.at('2026-12-03T09:00+09:00');
    expect(open.messages()).toEqual(['fired: ⏰ 약 먹기']);
  });

  test.each([
    ['America/New_York', '30 2 * * *', '2027-03-14', ['07:00']],
    ['Europe/London', '30 1 * * *', '2027-03-28', ['01:00']],
    ['Europe/London', '30 1 * * *', '2027-10-31', ['00:30']],
    ['Australia/Lord_Howe', '45 1 * * *', '2027-04-03', ['14:45']],
    ['Africa/Cairo', '30 0 * * *', '2027-04-29', ['22:00']],
  ] as [string, string, string, string[]][])(
    '%s: a schedule of %s fires once on the day %s of its clock change',
    async (zone, cron, day, times) => {
      await open.at(`${day}T00:00Z`);
      await open.schedules.create(daily({ rule: { cron }, zone, kind: 'reminder', text: 'x' }));
      const fired: string[] = [];
      for (let minute = 1; minute < 1440; minute += 15) {
        const at = new Date(Date.parse(`${day}T00:00Z`) + (minute - 1) * 60_000).toISOString();
        const before = open.messages().length;
        await open.at(at);
        if (open.messages().length > before) fired.push(at.slice(11, 16));
      }
      expect(fired).toEqual(times);
    },
  );
});

describe('a prompt', () => {
  const prompt = (rule: ScheduleRule = { cron: '0 9 * * *' }) =>
    reminder({ kind: 'prompt', text: '이번 주 일정 정리해줘', rule });

  test('is a message of its person: its job runs as any other', async () => {
    await open.schedules.create(prompt());
    await open.at('2026-12-03T09:00+09:00');
    await until(() => open.journal.started.some(({ src }) => src === 'classify'));
    const [call] = open.journal.started;
    expect(call!.context.message).toBe('이번 주 일정 정리해줘');
    expect(call!.context.scheduled).toMatchObject({ kind: 'prompt', outcome: 'fired' });
  });

  test('that still runs at the next time is skipped, with a message', async () => {
    await open.schedules.create(prompt());
    await open.at('2026-12-03T09:00+09:00');
    await open.at('2026-12-04T09:00+09:00');
    expect(open.messages()).toEqual([
      'fired: null',
      'skipped: 건너뛴 예약: 이번 주 일정 정리해줘\n' +
        '(2026-12-04 (금) 09:00 Asia/Seoul. 앞의 실행이 아직 끝나지 않았습니다.)',
    ]);
  });

  const outcomes = (): string[] => open.messages().map((message) => message.split(':')[0]!);
  const endRun = async (): Promise<void> => {
    await until(() => open.journal.started.some(({ src }) => src === 'classify'));
    const { jobId } = open.journal.started.find(({ src }) => src === 'classify')!;
    await open.journal.fail(jobId, 'classify');
    await open.journal.fail(jobId, 'answer');
  };

  test('that runs over several times is skipped each time, and its failure counts once', async () => {
    const { id } = await open.schedules.create(prompt());
    for (const day of [3, 4, 5]) await open.at(`2026-12-0${day}T09:00+09:00`);
    expect(outcomes()).toEqual(['fired', 'skipped', 'skipped']);
    await endRun();
    await open.at('2026-12-06T09:00+09:00');
    expect(outcomes()).toEqual(['fired', 'skipped', 'skipped', 'fired']);
    expect(await open.schedules.get(id)).toMatchObject({ failures: 1, missed: 2 });
  });

  test('with overlap queue-one has one run waiting, with queue-all every one', async () => {
    const { id } = await open.schedules.create({ ...prompt(), overlap: 'queue-one' });
    await open.at('2026-12-03T09:00+09:00');
    await until(() => open.journal.started.some(({ src }) => src === 'classify'));
    for (const day of [4, 5]) await open.at(`2026-12-0${day}T09:00+09:00`);
    expect(outcomes()).toEqual(['fired', 'fired', 'skipped']);
    await open.schedules.cancel(id);
    await open.schedules.create({ ...prompt(), overlap: 'queue-all' });
    for (const day of [6, 7, 8]) await open.at(`2026-12-0${day}T09:00+09:00`);
    expect(outcomes().slice(3)).toEqual(['fired', 'fired', 'fired']);
  });

  test('keeps its last occurrence with its job', async () => {
    const { id } = await open.schedules.create(prompt());
    expect((await open.schedules.get(id)).last).toBeNull();
    await open.at('2026-12-03T09:00+09:00');
    const [run] = await open.schedules.history(id, 1);
    const { jobId, at } = run!;
    expect((await open.schedules.get(id)).last).toEqual({ at, jobId, outcome: 'fired' });
    const byHand = await open.schedules.runNow(id);
    expect((await open.schedules.get(id)).last).toMatchObject({ jobId: byHand, outcome: 'manual' });
  });

  test('that is too late is not run, is counted, and a message reports it', async () => {
    const { id } = await open.schedules.create(prompt());
    await restart('2026-12-03T11:00+09:00');
    expect(open.messages()).toEqual([
      'missed: 놓친 예약: 이번 주 일정 정리해줘\n' +
        '(원래 시각: 2026-12-03 (목) 09:00 Asia/Seoul. 2시간이 지나 실행하지 않았습니다.)',
    ]);
    expect(await open.schedules.get(id)).toMatchObject({ missed: 1, settled: 1 });
    expect((await open.events(id)).at(-1)!.type).toBe('missed');
  });

  test('that fails several times in a row is paused, with a message', async () => {
    const { id } = await open.schedules.create({ ...prompt(), pauseOnFailures: 2 });
    for (const day of [3, 4]) {
      await open.at(`2026-12-0${day}T09:00+09:00`);
      await until(() => open.journal.started.some(({ src }) => src === 'classify'));
      const { jobId } = open.journal.started.find(({ src }) => src === 'classify')!;
      await open.journal.fail(jobId, 'classify');
      await open.journal.fail(jobId, 'answer');
      // The second time the process ends before it has told so: the next occurrence does.
      if (day === 3) for (let n = 0; n < 2; n += 1) await open.runFailed(jobId);
    }
    await open.at('2026-12-05T09:00+09:00');
    expect(open.messages().at(-1)).toContain('paused: 예약을 멈췄습니다: 이번 주 일정 정리해줘');
    expect(await open.schedules.get(id)).toMatchObject({ state: 'paused', failures: 2 });
    const types = (await open.events(id)).map(({ type }) => type);
    expect(types).toEqual(['created', 'fired', 'failed', 'fired', 'failed', 'paused']);
  });
});

describe('a digest', () => {
  test('that is late says how late, above its parts', async () => {
    await open.schedules.create(daily({ kind: 'digest', text: '아침 브리핑' }));
    await restart('2026-12-03T09:40+09:00');
    await until(() => open.journal.started.some(({ src }) => src === 'runTools'));
    expect(open.journal.started[0]!.context.message).toBe(
      '⏰ 아침 브리핑\n(40분 늦은 알림입니다. 원래 시각: 2026-12-03 (목) 09:00 Asia/Seoul)',
    );
  });

  test('asks the calendar of its day, the unread mail and the open drafts', async () => {
    await open.schedules.create(daily({ kind: 'digest', text: '아침 브리핑' }));
    await open.at('2026-12-03T09:00+09:00');
    await until(() => open.journal.started.some(({ src }) => src === 'runTools'));
    const { calls } = open.journal.started[0]!.input as { calls: { tool: string }[] };
    expect(calls.map(({ tool }) => tool)).toEqual(['calendar', 'email', 'document']);
  });
});

describe('a person', () => {
  test('cancels a schedule: it does not fire any more', async () => {
    const { id } = await open.schedules.create(daily());
    await open.schedules.cancel(id);
    await open.at('2026-12-03T09:00+09:00');
    expect(open.messages()).toEqual([]);
    await expect(open.schedules.resume(id)).rejects.toMatchObject({ code: 'GH_SCHEDULE_CONFLICT' });
  });

  test('pauses and resumes a schedule: times in between are not due any more', async () => {
    const { id } = await open.schedules.create(daily());
    await open.schedules.pause(id);
    await open.at('2026-12-04T09:30+09:00');
    await open.schedules.resume(id);
    await open.at('2026-12-05T09:00+09:00');
    expect(open.messages()).toEqual(['fired: ⏰ 약 먹기']);
  });

  test('runs a schedule now: the planned time stays', async () => {
    const { id } = await open.schedules.create(daily());
    await open.schedules.runNow(id);
    await open.at('2026-12-03T09:00+09:00');
    expect(open.messages()).toEqual(['manual: ⏰ 약 먹기', 'fired: ⏰ 약 먹기']);
    expect((await open.schedules.history(id, 10)).map(({ outcome }) => outcome).sort()).toEqual([
      'fired',
      'manual',
    ]);
  });

  test('gets a reason for a schedule that cannot be made', async () => {
    const bad: [Parameters<typeof reminder>[0], string][] = [
      [{ zone: 'Mars/Olympus' }, 'IANA'],
      [{ rule: { once: '2026-12-01T09:00' } }, 'no time in the future'],
      [{ rule: { cron: '0 9 30 2 *' } }, 'no time in the future'],
      [{ rule: { cron: 'x x x x x' } }, 'x'],
      [{ end: '2026-13-01T00:00' }, 'no such day'],
    ];
    for (const [change, why] of bad) {
      await expect(open.schedules.create(reminder(change))).rejects.toMatchObject({
        code: 'GH_SCHEDULE_INVALID',
        message: expect.stringContaining(why) as string,
      });
    }
  });

  test('makes one schedule with one idempotency key', async () => {
    const make = () => open.schedules.create({ ...reminder(), idempotencyKey: 'job:execute:3' });
    const ids = await Promise.all([make(), make()]);
    expect(ids[0].id).toBe(ids[1].id);
    expect(await open.schedules.list({ userId: 'ann' }, '', 10)).toHaveLength(1);
  });
});

describe('a damaged schedule', () => {
  test('is paused with a message, and the others go on', async () => {
    const { id } = await open.schedules.create(daily());
    await open.schedules.create(daily({ userId: 'bob' }));
    open.journal.database.connection
      .prepare("update schedule set rule = '{broken' where id = ?")
      .run(id);
    await open.at('2026-12-03T09:00+09:00');
    expect((await open.schedules.get(id)).state).toBe('paused');
    expect(open.messages().sort()).toEqual([
      'fired: ⏰ 약 먹기',
      expect.stringContaining('paused: 예약을 멈췄습니다: 약 먹기'),
    ]);
  });
});

describe('many schedules', () => {
  test('that must wait for the queue of jobs hold up no reminder', async () => {
    for (let n = 0; n < 80; n += 1) {
      await open.schedules.create(
        reminder({ kind: 'prompt', text: `summary ${n}`, rule: { once: '2026-12-03T08:59' } }),
      );
    }
    await open.schedules.create(reminder({ userId: 'bob' }));
    open.wake('2026-12-03T09:00+09:00');
    await until(() => open.messages().includes('fired: ⏰ 약 먹기'));
    expect(open.messages().length).toBeLessThan(81);
  });

  test('of one minute all fire, also the one of a person whose queue is full', async () => {
    for (let n = 0; n < 300; n += 1) await open.schedules.create(reminder({ userId: `u${n % 3}` }));
    await open.at('2026-12-03T09:00+09:00');
    expect(open.messages()).toHaveLength(300);
    expect(new Set(open.messages())).toEqual(new Set(['fired: ⏰ 약 먹기']));
  });
});
