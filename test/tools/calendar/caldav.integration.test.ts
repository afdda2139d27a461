import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '#test/support/free-port';
import { radicaleMissing, startRadicale, type Radicale } from '#test/support/radicale';
import { between, caldavRegistry, silentServer, type Treatment } from './caldav-setting.ts';
import { calendarOf, seoulZone } from './calendar-texts.ts';
import { calendarCall, localCalendar } from './local-calendar-setting.ts';
import { contextOf } from '../tool-context.ts';

const missing = radicaleMissing();
if (missing !== null) console.warn(`CalDAV tests skipped: ${missing}`);

const draft = {
  tool: 'calendar',
  operation: 'create_confirmed',
  params: { title: '치과', date: '2026-11-25', time: '14:00' },
  summary: '',
};

describe.skipIf(missing !== null)('a calendar on a CalDAV server', () => {
  let radicale: Radicale;
  beforeAll(async () => {
    radicale = await startRadicale();
  });
  afterAll(() => radicale?.stop());

  const login = () => ({ username: radicale.username, password: radicale.password });
  /** The number of calendar objects with this title. */
  const countOf = async (title: string): Promise<number> =>
    (await radicale.objects()).filter((text) => text.includes(`SUMMARY:${title}`)).length;
  const titled = (title: string) => ({ ...draft, params: { ...draft.params, title } });

  /** Executes the draft through a proxy. */
  const executeBetween = async (
    title: string,
    treat: (method: string, count: number) => Treatment,
    toolTimeoutMs = 10_000,
  ) => {
    const proxy = await between(radicale.url, treat);
    const url = radicale.calendar.replace(radicale.url, proxy.url);
    const registry = caldavRegistry({ ...login(), url, toolTimeoutMs });
    const result = await registry.execute(titled(title), contextOf({ key: `key of ${title}` }));
    await proxy.close();
    return { result, seen: proxy.seen };
  };

  test('lists the entries of a week, with the recurrences expanded by the tool', async () => {
    const weekly =
      'UID:w\nDTSTART;TZID=Asia/Seoul:20250106T090000\nDURATION:PT30M\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE\nEXDATE;TZID=Asia/Seoul:20260902T090000\nSUMMARY:회의';
    const moved =
      'UID:w\nRECURRENCE-ID;TZID=Asia/Seoul:20260831T090000\nDTSTART;TZID=Asia/Seoul:20260903T140000\nDURATION:PT1H\nSUMMARY:회의(이동)';
    await radicale.put('w', calendarOf([weekly, moved], [seoulZone]));
    await radicale.put(
      't',
      calendarOf(['UID:t\nDTSTART;VALUE=DATE:20260905\nDTEND;VALUE=DATE:20260906\nSUMMARY:여행']),
    );
    await radicale.put(
      'f',
      calendarOf(['UID:f\nDTSTART:20260903T073000\nDTEND:20260903T080000\nSUMMARY:운동']),
    );
    await radicale.put(
      'u',
      calendarOf(['UID:u\nDTSTART:20260903T150000Z\nDTEND:20260903T160000Z\nSUMMARY:자정']),
    );
    const registry = caldavRegistry({ ...login(), url: radicale.calendar });
    const range = { date_from: '2026-08-31', date_to: '2026-09-06' };
    const { results } = await registry.run([calendarCall('search', range)], contextOf());
    expect(results[0]?.summary).toBe(
      [
        '8월 31일(월)부터 9월 6일(일)까지 일정 4건입니다.',
        '9월 3일(목)',
        '- 07:30–08:00 운동',
        '- 14:00–15:00 회의(이동)',
        '9월 4일(금)',
        '- 00:00–01:00 자정',
        '9월 5일(토)',
        '- 종일 여행',
      ].join('\n'),
    );
  });

  test('is found from the address of the server', async () => {
    const registry = caldavRegistry({ ...login(), url: radicale.url });
    const range = { date_from: '2026-09-05', date_to: '2026-09-05' };
    const { results } = await registry.run([calendarCall('search', range)], contextOf());
    expect(results[0]?.summary).toContain('여행');
  });

  test('is reported as not found if no calendar has the configured name', async () => {
    const registry = caldavRegistry({ ...login(), url: radicale.url, calendar: 'Nobody' });
    const { results } = await registry.run([calendarCall('today')], contextOf());
    expect(results[0]?.error?.code).toBe('GH_TOOL_NOT_FOUND');
  });

  test('gets a confirmed entry once, also with concurrent writes of the same key by two clients', async () => {
    const title = '두 번 누름';
    const registry = caldavRegistry({ ...login(), url: radicale.calendar });
    const other = caldavRegistry({ ...login(), url: radicale.calendar });
    const results = await Promise.all(
      [registry, registry, other].map((one) => one.execute(titled(title), contextOf())),
    );
    expect(results.map((result) => result.ok)).toEqual([true, true, true]);
    expect(await countOf(title)).toBe(1);
  });

  test('keeps the changes of its owner when a write is repeated with the same key', async () => {
    const registry = caldavRegistry({ ...login(), url: radicale.calendar });
    const context = contextOf({ key: 'changed since' });
    const { data } = await registry.execute(titled('처음 제목'), context);
    const { uid } = data as { uid: string };
    const changed = `UID:${uid}\nDTSTART:20261125T050000Z\nDTEND:20261125T060000Z\nSUMMARY:바꾼 제목`;
    await radicale.put(uid.replace(/@.*/, ''), calendarOf([changed]));
    expect((await registry.execute(titled('처음 제목'), context)).ok).toBe(true);
    expect([await countOf('처음 제목'), await countOf('바꾼 제목')]).toEqual([0, 1]);
  });

  test('is read again after a write without an answer, and the entry counts as written', async () => {
    const { result, seen } = await executeBetween('답이 없음', (method, count) =>
      method === 'PUT' && count === 1 ? 'drop-answer' : 'pass',
    );
    expect(result.ok).toBe(true);
    expect(seen.slice(-2)).toEqual(['PUT', 'GET']);
    expect(await countOf('답이 없음')).toBe(1);
  });

  test('gets a write again that was lost before it reached the server', async () => {
    const { result, seen } = await executeBetween('길에서 잃음', (method, count) =>
      method === 'PUT' && count === 1 ? 'drop' : 'pass',
    );
    expect(result.ok).toBe(true);
    expect(seen.filter((method) => method === 'PUT')).toHaveLength(2);
    expect(await countOf('길에서 잃음')).toBe(1);
  });

  test('gets an uncertain write if the write has no answer and the calendar cannot be read', async () => {
    const { result } = await executeBetween('모름', (method) =>
      method === 'PUT' ? 'drop-answer' : method === 'GET' ? 'drop' : 'pass',
    );
    expect(result).toMatchObject({ ok: false, error: { code: 'GH_TOOL_UNCERTAIN' } });
    expect(result.summary).toContain('캘린더를 먼저 확인');
    const registry = caldavRegistry({ ...login(), url: radicale.calendar });
    const again = await registry.execute(titled('모름'), contextOf({ key: 'key of 모름' }));
    expect(again.ok).toBe(true);
    expect(await countOf('모름')).toBe(1);
  });

  test('does not get an entry that the server refuses, and the refusal is reported', async () => {
    const { result } = await executeBetween('거절', (method) => (method === 'PUT' ? 403 : 'pass'));
    expect(result).toMatchObject({ ok: false, error: { code: 'GH_TOOL_REFUSED' } });
    expect(await countOf('거절')).toBe(0);
  });

  test('gets an entry once if a gateway answers the first write with 502', async () => {
    const { result } = await executeBetween('게이트웨이', (method, count) =>
      method === 'PUT' && count === 1 ? 502 : 'pass',
    );
    expect(result.ok).toBe(true);
    expect(await countOf('게이트웨이')).toBe(1);
  });

  test.each(['tool.beforeWrite', 'tool.afterWrite'])(
    'gets one entry from a process that is killed at %s and started again',
    async (point) => {
      const setting = JSON.stringify({ ...login(), url: radicale.calendar });
      const program = join(import.meta.dirname, 'execute-child.ts');
      const before = await countOf('치과');
      const run = (at: string) =>
        spawnSync(process.execPath, [program, at, `killed at ${point}`, setting], {
          timeout: 20_000,
        });
      expect(run(point).signal).toBe('SIGKILL');
      expect(await countOf('치과')).toBe(point === 'tool.afterWrite' ? before + 1 : before);
      expect(JSON.parse(run('none').stdout.toString())).toMatchObject({ ok: true });
      expect(await countOf('치과')).toBe(before + 1);
    },
  );

  test('makes no draft with a wrong password, and the failed login is reported without the password', async () => {
    const registry = caldavRegistry({ ...login(), password: 'wrong', url: radicale.calendar });
    const asked = [calendarCall('today'), calendarCall('create_draft', draft.params)];
    const { results, draft: made } = await registry.run(asked, contextOf());
    expect(results.map((result) => result.error?.code)).toEqual(['GH_TOOL_LOGIN', 'GH_TOOL_LOGIN']);
    expect(results[0]?.summary).toContain('비밀번호');
    expect(JSON.stringify(results)).not.toContain('wrong');
    expect(made).toBeNull();
  });

  test('is not visible to a user outside its list of users', async () => {
    const registry = caldavRegistry({ ...login(), url: radicale.calendar, users: ['jun'] });
    const { results } = await registry.run([calendarCall('today')], contextOf());
    expect(results[0]?.error?.code).toBe('GH_TOOL_NOT_FOUND');
  });
});

describe('a CalDAV server that does not answer properly', () => {
  const setting = { username: 'a', password: 'b', toolTimeoutMs: 300 };

  test('is reported as unreachable, and a draft is made without a check for overlaps', async () => {
    const url = `http://127.0.0.1:${await freePort()}/cal/`;
    const registry = caldavRegistry({ ...setting, url });
    const asked = [calendarCall('today'), calendarCall('create_draft', draft.params)];
    const report = await registry.run(asked, contextOf());
    expect(report.results[0]?.error?.code).toBe('GH_TOOL_UNREACHABLE');
    expect(report.draft?.summary).toContain('겹치는 일정이 있는지는 확인하지 못했습니다');
    const written = await registry.execute(draft, contextOf());
    expect(written.error?.code).toBe('GH_TOOL_UNREACHABLE');
  });

  test('ends the call with a timeout if it accepts connections and never answers', async () => {
    const server = await silentServer();
    const registry = caldavRegistry({ ...setting, url: `${server.url}cal/` });
    const { results } = await registry.run([calendarCall('today')], contextOf());
    expect(results[0]?.error?.code).toBe('GH_TOOL_TIMEOUT');
    expect(results[0]?.summary).toContain('제시간에');
    await server.close();
  });

  test('is reported as a failure if it answers with a web page and status 200', async () => {
    const server = createServer((_, answer) => answer.end('<html>login</html>'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/cal/`;
    const registry = caldavRegistry({ ...setting, toolTimeoutMs: 5000, url });
    const { results } = await registry.run([calendarCall('today')], contextOf());
    expect(results[0]?.ok).toBe(false);
    await new Promise((resolve) => server.close(resolve));
  });

  test('never makes the client send its login to another site by a redirect', async () => {
    const asked: (string | undefined)[] = [];
    const other = createServer((incoming, answer) => {
      asked.push(incoming.headers.authorization);
      answer.writeHead(404).end();
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const target = `http://localhost:${(other.address() as AddressInfo).port}/`;
    const first = createServer((_, answer) => answer.writeHead(301, { location: target }).end());
    await new Promise<void>((resolve) => first.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(first.address() as AddressInfo).port}/cal/`;
    const registry = caldavRegistry({ ...setting, toolTimeoutMs: 5000, url });
    const { results } = await registry.run([calendarCall('today')], contextOf());
    expect(results[0]?.ok).toBe(false);
    expect(asked).toEqual([]);
    await Promise.all([first, other].map((one) => new Promise((resolve) => one.close(resolve))));
  });
});

describe('an answer of a CalDAV server', () => {
  /** The result of a search at a server whose calendar holds these objects. */
  const withObjects = async (objects: Buffer[]) => {
    const server = createServer((incoming, answer) => {
      const isList = incoming.method === 'REPORT';
      const type = '<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>';
      const props = isList ? objects : [Buffer.from(type)];
      const responses = props.map((prop, index) => [
        Buffer.from(`<d:response><d:href>/cal/${index}</d:href><d:propstat><d:prop>`),
        isList
          ? Buffer.concat([
              Buffer.from('<c:calendar-data>'),
              prop,
              Buffer.from('</c:calendar-data>'),
            ])
          : prop,
        Buffer.from('</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>'),
      ]);
      const open = '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">';
      answer.writeHead(207, { 'content-type': 'application/xml; charset=utf-8' });
      answer.end(
        Buffer.concat([Buffer.from(open), ...responses.flat(), Buffer.from('</d:multistatus>')]),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/cal/`;
    const registry = caldavRegistry({ url, username: 'minji', password: 'x' });
    const range = { date_from: '2027-01-15', date_to: '2027-01-16' };
    const { results } = await registry.run([calendarCall('search', range)], contextOf());
    await new Promise((resolve) => server.close(resolve));
    return results[0];
  };

  test('has complete titles although its lines are folded within a character', async () => {
    const folder = join(import.meta.dirname, 'cases');
    const folded = readFileSync(join(folder, '09-fold-inside-character.ics'));
    const result = await withObjects([folded]);
    expect(result?.summary).toContain('교체 일정 논의 그리고 예산 배분');
    expect(result?.summary).toContain('본관 삼층 대회의실');
  });

  test('with one event in two objects counts it once, by its newest version', async () => {
    const version = (sequence: number, title: string): Buffer =>
      Buffer.from(
        calendarOf([`UID:v\nSEQUENCE:${sequence}\nDTSTART:20270115T000000Z\nSUMMARY:${title}`]),
      );
    const result = await withObjects([version(2, '새 제목'), version(1, '옛 제목')]);
    expect(result?.data).toMatchObject({ count: 1, events: [{ title: '새 제목' }] });
  });

  test('with an unreadable event names its UID, and lists the others', async () => {
    const events = [
      'UID:bad\nDTSTART:whenever\nSUMMARY:x',
      'UID:y\nDTSTART:20270115T000000Z\nSUMMARY:y',
    ];
    const result = await withObjects(events.map((event) => Buffer.from(calendarOf([event]))));
    expect(result?.data).toMatchObject({
      events: [{ title: 'y' }],
      unreadable: ['bad: DTSTART "whenever" is no time'],
    });
  });
});

describe('the local calendar', () => {
  test.each(['tool.beforeWrite', 'tool.afterWrite'])(
    'gets one entry from a process that is killed at %s and started again',
    async (point) => {
      const folder = mkdtempSync(join(tmpdir(), 'gatehouse-calendar-'));
      const path = join(folder, 'gatehouse.db');
      const program = join(import.meta.dirname, 'execute-child.ts');
      const killed = spawnSync(
        process.execPath,
        [program, point, contextOf().key, JSON.stringify({ path })],
        { timeout: 20_000 },
      );
      expect(killed.signal).toBe('SIGKILL');
      const calendar = await localCalendar({ path });
      expect((await calendar.registry.execute(draft, contextOf())).ok).toBe(true);
      expect(await calendar.texts('minji')).toHaveLength(1);
      await calendar.close();
      rmSync(folder, { recursive: true });
    },
  );
});
