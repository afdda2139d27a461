/** The everyday commands with a running core: memos, documents, events, times, and the environment. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { direct, openCore, type ConfigInput } from '#test/support/core';
import { until } from '#test/support/journal';
import { lastLine, startCommand } from './cli-process.ts';

const ids = /[0-9A-Z]{26}/;
/** A zone whose date differs from that of UTC for a part of the day. */
const zone = { TZ: 'Asia/Kathmandu' };

async function setUp(change: ConfigInput = {}) {
  const fixture = await openCore(change);
  onTestFinished(() => fixture.close());
  const env = { ...zone, GATEHOUSE_URL: `${fixture.core.url}/` };
  const start = (args: string[], more: Record<string, string> = {}, input?: string) =>
    startCommand(args, {
      cwd: fixture.folder,
      env: { ...env, ...more },
      ...(input === undefined ? {} : { input }),
    });
  const run = (...args: string[]) => start(args).ended;
  return { fixture, start, run };
}

/** The time as the commands print it in that zone. */
const inZone = (iso: string): string =>
  new Date(iso).toLocaleString('sv-SE', { timeZone: zone.TZ });

describe('memo', () => {
  test('stores its arguments or standard input, memos lists the memos, and promote requests a draft', async () => {
    const { start, run } = await setUp();
    const kept = await run('memo', '치과', '전화하기');
    expect(kept).toMatchObject({ code: 0, err: '' });
    const [id] = ids.exec(kept.out)!;
    const piped = await start(['memo', '--title', 'Shopping', '--json'], {}, 'milk\neggs\n').ended;
    const { id: second } = JSON.parse(piped.out) as { id: string };
    const list = await run('memos');
    expect(list.out.trimEnd().split('\n')).toEqual([
      expect.stringMatching(new RegExp(`^${second}  20\\d\\d-.*  Shopping$`)),
      expect.stringMatching(new RegExp(`^${id}  20\\d\\d-.*  치과 전화하기$`)),
    ]);
    expect((await run('memos', 'promote', id)).out).toBe(`${id} waits to be drafted\n`);
    expect((await run('memos', '--limit', '1')).out).toContain('there are more');
  });

  test('refuses an empty memo', async () => {
    const { start } = await setUp();
    const { code, err } = await start(['memo', '-'], {}, ' \n').ended;
    expect(code).toBe(2);
    expect(lastLine(err)).toBe('gatehouse: memo: there is nothing to keep');
  });
});

test('documents lists the documents, shows the text alone on standard output, and removes a document', async () => {
  const { run } = await setUp();
  const [id] = ids.exec((await run('memo', '계약서 초안')).out)!;
  const list = await run('documents', 'list');
  expect(list.out).toMatch(new RegExp(`^${id}  .*  memo +계약서 초안\\n$`));
  const shown = await run('documents', 'show', id);
  expect(shown.out).toBe('계약서 초안\n');
  expect(shown.err).toContain(id);
  const [json] = [await run('documents', '--json')];
  expect(JSON.parse(json.out)).toMatchObject({ documents: [{ id }], next_cursor: null });
  expect(await run('documents', 'rm', id)).toMatchObject({ code: 0, out: `removed ${id}\n` });
  expect((await run('documents')).out).toBe('no documents\n');
  const again = await run('documents', 'rm', id);
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining('GH_DOCUMENT_NOT_FOUND') });
});

test('jobs filters by outcome and shows local times; with --json it shows ISO times', async () => {
  const { fixture, run } = await setUp();
  fixture.small.script(direct('네'));
  const { jobId } = await fixture.ask('안녕');
  const { created_at: at } = await fixture.client.job(jobId);
  const [answered, done, failed, json] = await Promise.all([
    run('jobs', '--state', 'answered'),
    run('jobs', '--state', 'done'),
    run('jobs', '--state', 'failed'),
    run('jobs', '--json'),
  ]);
  expect(answered.out).toContain(`${jobId}  ${inZone(at)}  answered`);
  expect(done.out).toBe(answered.out);
  expect(failed.out).toBe('no jobs\n');
  expect(json.out).toContain(at);
});

test('tail prints new events with their position, and with --from the events after a position', async () => {
  const { fixture, start } = await setUp();
  fixture.small.script(direct('네'), direct('네'));
  const old = await fixture.ask('안녕');
  const all = start(['tail', '--from', '0']);
  const rowsNow = (): string[] =>
    all.ran.out.split('\n').filter((line) => line.includes(old.jobId));
  // The state event that leads to `done` has the word too, and may be printed first.
  await until(() => rowsNow().length >= old.events.length);
  const rows = rowsNow();
  expect(rows).toHaveLength(old.events.length);
  const [, position = ''] = /^ *(\d+)  20\d\d-/.exec(rows.at(-1)!)!;
  expect(rows.at(-1)).toContain(inZone(old.end.at));

  const live = start(['tail']);
  const again = start(['tail', '--from', position]);
  // Both are subscribed when both print a new job; until then, further jobs are sent.
  let jobId = '';
  while (!live.ran.out.includes('done') || !again.ran.out.includes('done')) {
    fixture.small.script(direct('네'));
    ({ jobId } = await fixture.ask('또 안녕'));
  }
  expect(live.ran.out + again.ran.out).not.toContain(old.jobId);
  expect(again.ran.out).toMatch(ids);
  expect(jobId).not.toBe('');
});

describe('the environment variables', () => {
  test('give the address and the key of the core, and an option takes precedence', async () => {
    const keys = ['operator-key-of-the-test', { key: 'ann-key-of-the-test', user: 'ann' }];
    const { start, fixture } = await setUp({ server: { port: 0, apiKeys: keys } });
    const none = await start(['jobs']).ended;
    expect(none).toMatchObject({ code: 1 });
    expect(none.err).toContain('GH_REQUEST_UNAUTHORIZED');
    const ann = { GATEHOUSE_API_KEY: 'ann-key-of-the-test' };
    fixture.small.script(direct('네'));
    // The message names no user: the key identifies the user.
    expect(await start(['chat', '안녕'], ann).ended).toMatchObject({ code: 0, out: '네\n' });
    expect((await start(['memo', 'milk'], ann).ended).code).toBe(0);
    expect((await start(['jobs'], ann).ended).out).toContain(' ann ');
    const elsewhere = await start(['jobs', '--url', 'http://127.0.0.1:9'], ann).ended;
    expect(elsewhere.err).toContain('http://127.0.0.1:9');
  });

  test('with an invalid address are wrong usage, and the variable is named', async () => {
    const { start } = await setUp();
    const { code, err } = await start(['jobs'], { GATEHOUSE_URL: 'nonsense' }).ended;
    expect(code).toBe(2);
    expect(lastLine(err)).toContain('GATEHOUSE_URL: expected an address');
  });
});
