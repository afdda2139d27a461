/** Data under ids of chats becomes that of persons, on both databases: whole cores before and after. */
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Config } from '#app/config/config';
import { configSchema } from '#app/config/config';
import {
  adoptEarlierData,
  assertAdoptable,
  readEarlierData,
  selectEarlierData,
} from '#app/person-data';
import { checkPersons } from '#doctor/persons-check';
import { createChannelJobService } from '#events/channel-link/channel-job-service';
import { CoreClient } from '#http/client/core-client';
import { noPersons } from '#shared/persons';
import { direct, openCore, type CoreFixture } from '#test/support/core';
import { dentistMessage, wantsDentist } from '#test/support/dentist';
import { until } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';

const channels = ['synology', 'telegram'];
const kim = {
  id: 'kim',
  name: 'kim',
  keys: ['kim-key'],
  channels: { synology: '4', telegram: 't4' },
};

let server: PostgresServer | null = null;
beforeAll(async () => {
  if (postgresMissing() === null) server = await startPostgres();
});
afterAll(() => server?.remove());

const kinds = [
  { name: 'SQLite', missing: null },
  { name: 'PostgreSQL', missing: postgresMissing() },
];

interface Opened extends CoreFixture {
  /** Of a statement on the database. */
  rows(sql: string): Promise<unknown[]>;
}

async function open(kind: string): Promise<Opened> {
  const name = kind === 'SQLite' ? null : await server!.createDatabase();
  const apiKeys = ['operator', { key: 'four', user: '4' }, { key: 'nine', user: '9' }];
  const fixture = await openCore(
    {
      server: { port: 0, apiKeys },
      timezone: 'Asia/Seoul',
      ...(name === null ? {} : { database: server!.urlOf(name) }),
    },
    { channels },
  );
  onTestFinished(() => fixture.close());
  const rows = async (sql: string): Promise<unknown[]> => {
    if (name !== null) return (await server!.run(sql, name)).rows;
    const connection = new Sqlite(fixture.config.database);
    try {
      const statement = connection.prepare(sql);
      return statement.reader ? statement.all() : [statement.run()];
    } finally {
      connection.close();
    }
  };
  return Object.assign(fixture, { rows });
}

const by = ({ core }: CoreFixture, key: string): CoreClient => new CoreClient(core.url, key);
async function says(
  fixture: CoreFixture,
  user: string,
  message: string,
  place: { channel?: string; thread?: string } = {},
): Promise<string> {
  const { channel = 'synology', ...more } = place;
  // The bridge has no persons yet, or an id that is nobody's.
  const bridge = createChannelJobService(fixture.core.jobService, channel, noPersons);
  const { job_id: id } = await bridge.submit({ message, user_id: user, ...more });
  await until(async () => (await fixture.client.job(id)).reply !== null);
  return (await fixture.client.job(id)).reply!;
}

const entry = (uid: string, title: string): string =>
  [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//test//EN',
    'BEGIN:VEVENT',
    `UID:${uid}`,
    'DTSTAMP:20301201T000000Z',
    'DTSTART:20301224T030000Z',
    'DTEND:20301224T040000Z',
    `SUMMARY:${title}`,
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ].join('\r\n');

/** Something of each kind, in a private chat and in a room. */
async function liveAs(fixture: CoreFixture, user: string, key: string): Promise<void> {
  fixture.small.script(direct(`${user}: 토끼를 좋아하시는군요`), direct('네'));
  await says(fixture, user, '나는 토끼가 좋아');
  await says(fixture, user, '방에서 한 말이야', { thread: 'channel-room' });
  await says(fixture, user, '내일 아침 9시에 약 먹으라고 알려줘');
  await says(fixture, user, `기억해: ${user}의 차고 비밀번호는 QX-88172`);
  const client = by(fixture, key);
  await client.request('POST', '/documents', { title: '일기', text: `비밀 토끼 ${user}` });
  await putEntry(fixture, key, 'dentist', '치과');
}

const putEntry = (fixture: CoreFixture, key: string, uid: string, title: string) =>
  by(fixture, key).request('POST', '/calendar/import', { ics: entry(uid, title) });

/** What a user sees, without the calendar. */
async function seenBy(fixture: CoreFixture, key: string): Promise<Record<string, unknown>> {
  const client = by(fixture, key);
  const [jobs, search, schedules, memory, calendar] = await Promise.all([
    client.jobs({}),
    client.request('GET', '/documents/search?q=토끼'),
    client.request('GET', '/schedules'),
    client.request('GET', '/memory'),
    fetch(`${fixture.core.url}/calendar.ics`, { headers: { authorization: `Bearer ${key}` } }).then(
      (answer) => answer.text(),
    ),
  ]);
  return { jobs, search, schedules, memory, entries: calendar.match(/^SUMMARY:.*$/gm) };
}

const setPersons = (config: CoreFixture['config'], ...persons: (typeof kim)[]): void =>
  void (config.persons = persons);

describe.each(kinds)('data under the id in a chat, on $name', ({ name, missing }) => {
  test.skipIf(missing !== null)(
    'becomes the person’s: history, search, schedules, memory, calendar; of nobody else',
    async () => {
      const fixture = await open(name);
      const { config } = fixture;
      await liveAs(fixture, '4', 'four');
      await liveAs(fixture, '9', 'nine');
      const [before, other] = [await seenBy(fixture, 'four'), await seenBy(fixture, 'nine')];
      setPersons(config, kim);
      const [earlier, ...none] = await readEarlierData(config);
      expect(none).toEqual([]);
      expect(earlier).toEqual({
        person: 'kim',
        address: '4',
        channels: ['synology'],
        data: {
          jobs: 4,
          openJobs: 0,
          documents: 1,
          calendarEntries: 1,
          schedules: 1,
          facts: 1,
          channels: ['synology'],
        },
      });
      expect(await checkPersons(config)).toMatchObject([
        { ok: true, what: expect.stringContaining('no bridge') },
        { ok: true, what: expect.stringContaining('no bridge') },
        {
          ok: true,
          what: expect.stringContaining('4 jobs, 1 document, 1 calendar entry, 1 schedule, 1 fact'),
          advice: expect.stringContaining('gatehouse persons adopt kim synology'),
        },
      ]);
      await expect(adoptEarlierData(config, [earlier!])).rejects.toMatchObject({
        code: 'GH_STORE_LOCKED',
      });
      await fixture.core.stop();
      const places = name === 'SQLite' ? 'pos, job, n' : 'part, pos, job, n';
      const journal = await fixture.rows(`select ${places} from journal order by job, n`);
      expect(await adoptEarlierData(config, [earlier!])).toEqual([
        {
          from: '4',
          to: 'kim',
          jobs: 4,
          documents: 1,
          calendarEntries: 1,
          schedules: 1,
          facts: 1,
          doubles: 0,
          leftEntries: [],
        },
      ]);
      expect(await fixture.rows(`select ${places} from journal order by job, n`)).toEqual(journal);
      expect(await readEarlierData(config)).toEqual([]);
      expect(await adoptEarlierData(config, [earlier!])).toMatchObject([{ jobs: 0, facts: 0 }]);

      await fixture.restart();
      const now = await seenBy(fixture, 'kim-key');
      expect(JSON.stringify(now).replaceAll('"kim"', '"4"')).toBe(JSON.stringify(before));
      expect(await seenBy(fixture, 'nine')).toEqual(other);
      expect((await by(fixture, 'four').jobs({})).jobs).toEqual([]);
      fixture.small.script(direct('토끼요'));
      await says(fixture, 't4', '내가 뭘 좋아한다고 했지?', { channel: 'telegram' });
      const prompt = JSON.stringify(fixture.small.requests.at(-1)!.body.messages);
      expect(prompt).toContain('나는 토끼가 좋아');
      expect(prompt).not.toContain('방에서');
      fixture.small.script(direct('네'));
      await says(fixture, '4', '방에서 뭐라고 했지?', { thread: 'channel-room' });
      const inRoom = JSON.stringify(fixture.small.requests.at(-1)!.body.messages);
      expect(inRoom).toContain('방에서 한 말이야');

      // Old jobs replay, and a forgotten fact is erased in them.
      for (const { job_id: id } of (await by(fixture, 'kim-key').jobs({})).jobs) {
        const answer = await fetch(`${fixture.core.url}/inspect/api/jobs/${id}/choices?n=1`, {
          headers: { authorization: 'Bearer operator' },
        });
        expect(answer.status).toBe(200);
      }
      await says(fixture, '4', '차고 비밀번호 잊어줘');
      const inJobs = async (user: string): Promise<boolean> =>
        JSON.stringify(
          await fixture.rows(`select message, input, reply from job where user_id = '${user}'`),
        ).includes('88172');
      await until(async () => !(await inJobs('kim')));
      expect(await inJobs('9')).toBe(true);
    },
    60_000,
  );

  test.skipIf(missing !== null)(
    'is not doubled and not lost where the person has the same already; an open job stops it all',
    async () => {
      const fixture = await open(name);
      const { config } = fixture;
      await says(fixture, '4', '기억해: 내 차는 빨간색');
      await putEntry(fixture, 'four', 'same', '같은 것');
      await putEntry(fixture, 'four', 'dentist', '치과 3시');
      fixture.small.script(wantsDentist);
      const waiting = await fixture.client.submit({
        message: dentistMessage,
        user_id: '4',
        channel: 'synology',
      });
      await until(async () => (await fixture.client.job(waiting)).state === 'confirm-draft');
      await fixture.core.stop();
      setPersons(config, kim);
      await fixture.restart();
      await says(fixture, 't4', '기억해: 내 차는 빨간색', { channel: 'telegram' });
      await putEntry(fixture, 'kim-key', 'same', '같은 것');
      await putEntry(fixture, 'kim-key', 'dentist', '치과 4시');
      await fixture.core.stop();
      const earlier = await readEarlierData(config);
      expect(() => assertAdoptable(config, earlier[0]!)).toThrow('4 has 1 open jobs');
      const idle = earlier.map((one) => ({ ...one, data: { ...one.data, openJobs: 0 } }));
      await expect(adoptEarlierData(config, idle)).rejects.toMatchObject({
        code: 'GH_PERSON_BUSY',
      });
      expect(await readEarlierData(config)).toEqual(earlier);

      await fixture.restart();
      await fixture.client.controlJob(waiting, 'reject');
      await until(async () => (await fixture.client.job(waiting)).outcome !== null);
      await fixture.core.stop();
      expect(await adoptEarlierData(config, await readEarlierData(config))).toMatchObject([
        { jobs: 2, facts: 0, calendarEntries: 0, doubles: 2, leftEntries: ['dentist'] },
      ]);
      expect((await readEarlierData(config))[0]!.data).toMatchObject({
        jobs: 0,
        facts: 0,
        calendarEntries: 1,
      });
      await fixture.restart();
      const seen = await seenBy(fixture, 'kim-key');
      expect(JSON.stringify(seen['memory']).match(/내 차는 빨간색/g)).toHaveLength(1);
      expect(seen['entries']).toEqual(['SUMMARY:같은 것', 'SUMMARY:치과 4시']);
      expect((await seenBy(fixture, 'four'))['entries']).toEqual(['SUMMARY:치과 3시']);
    },
    60_000,
  );
});

describe('data that cannot be a person’s', () => {
  const data = {
    jobs: 1,
    openJobs: 0,
    documents: 0,
    calendarEntries: 0,
    schedules: 0,
    facts: 0,
    channels: ['synology'],
  };
  const earlier = { person: 'kim', address: '4', channels: ['synology'], data };
  const lee = { id: 'lee', name: 'lee', keys: [], channels: { telegram: '4' } };
  const persons = (...list: object[]) => ({ persons: list }) as unknown as Config;

  test('is under the id of two persons, or of a stranger in another chat', () => {
    expect(() => assertAdoptable(persons(kim), earlier)).not.toThrow();
    expect(() => assertAdoptable(persons(kim, lee), earlier)).toThrow('also the id of lee');
    const strange = { ...earlier, data: { ...data, channels: ['http', 'telegram'] } };
    expect(() => assertAdoptable(persons(kim), strange)).toThrow('somebody in telegram');
  });

  test('is asked for with a person or a chat that is not configured', async () => {
    const config = configSchema.parse({ persons: [kim], database: '/nowhere/gatehouse.db' });
    await expect(selectEarlierData(config, 'lee', undefined)).rejects.toMatchObject({
      code: 'GH_PERSON_UNKNOWN',
    });
    await expect(selectEarlierData(config, 'kim', 'mail')).rejects.toThrow('kim has no id in mail');
    // Before the first start.
    expect(await selectEarlierData(config, 'kim', 'synology')).toEqual([]);
  });
});

test('the doctor names persons without a way to write, and chats without a bridge', async () => {
  const config = configSchema.parse({
    database: '/nowhere/gatehouse.db',
    persons: [kim, { id: 'lee' }],
  });
  expect(await checkPersons(config)).toMatchObject([
    { ok: true, what: expect.stringContaining('lee: no key and no chat') },
    { ok: true, what: expect.stringContaining('synology of kim: no bridge') },
    { ok: true, what: expect.stringContaining('telegram of kim: no bridge') },
  ]);
  expect(await checkPersons(configSchema.parse({}))).toEqual([]);
  const sound = { database: '/nowhere/gatehouse.db', persons: [{ id: 'lee', keys: ['k'] }] };
  expect(await checkPersons(configSchema.parse(sound))).toEqual([
    { part: 'persons', ok: true, what: '1, each with a key or a chat' },
  ]);
});
