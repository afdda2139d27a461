/** `gatehouse chat` without a terminal: piped input, and a yes to a draft. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { direct, openCore, type CoreFixture } from '#test/support/core';
import { saysJson } from '#test/support/fake-llm-replies';
import { projectRoot } from '#test/support/project-root';

const bin = join(projectRoot, 'src', 'cli', 'gatehouse.ts');

let fixture: CoreFixture;
beforeEach(async () => {
  fixture = await openCore();
});
afterEach(() => fixture.close());

interface Ran {
  code: number | null;
  out: string;
  err: string;
}

/** `input` null: /dev/null. */
function chat(words: string[], input: string | Buffer | null): Promise<Ran> {
  const argv = [bin, 'chat', ...words, '--url', fixture.core.url];
  const child = spawn(process.execPath, argv, {
    cwd: fixture.folder,
    stdio: [input === null ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const ran: Ran = { code: null, out: '', err: '' };
  child.stdout!.on('data', (data: Buffer) => (ran.out += data.toString()));
  child.stderr!.on('data', (data: Buffer) => (ran.err += data.toString()));
  child.stdin?.end(input ?? '');
  return new Promise((resolve) => child.on('close', (code) => resolve({ ...ran, code })));
}

const messages = async (): Promise<string[]> =>
  (await fixture.client.jobs({})).jobs.map(({ message }) => message).toReversed();

async function drafted(title: string): Promise<string> {
  const params = { title, date: '2031-03-05', time: '15:00' };
  const call = { action: 'tools', tool: 'calendar', operation: 'create_draft', params };
  fixture.small.script(saysJson(call));
  const message = `2031년 3월 5일 3시에 ${title} 잡아줘`;
  expect((await chat([message], null)).err).toContain('초안이 답을 기다립니다');
  return (await fixture.client.jobs({})).jobs.find((job) => job.message === message)!.job_id;
}

describe('the standard input of chat', () => {
  test('is appended to the message, or is the message', async () => {
    fixture.small.script(direct('one'), direct('two'));
    expect(await chat(['요약해줘'], '첫 줄\r\n둘째 줄\n')).toMatchObject({ code: 0, out: 'one\n' });
    expect(await chat([], 'hi there\n')).toMatchObject({ code: 0, out: 'two\n' });
    expect(await messages()).toEqual(['요약해줘\n\n첫 줄\n둘째 줄', 'hi there']);
  });

  test('is sent as a document with the message if it is too long', async () => {
    fixture.small.script(direct('long'));
    const { code, err } = await chat(['summarize'], 'word '.repeat(4_000));
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining('as a document') });
    expect(await messages()).toEqual(['summarize']);
  });

  test('is refused if it is binary, or empty without a message', async () => {
    expect((await chat(['x'], Buffer.from([97, 0, 98]))).code).toBe(1);
    expect((await chat([], '')).code).toBe(2);
    expect((await chat([], null)).code).toBe(2);
    expect(await messages()).toEqual([]);
  });
});

describe('a yes by chat without a terminal', () => {
  test('confirms the only waiting draft, and lists the drafts if several wait', async () => {
    const [one, other] = [await drafted('치과'), await drafted('미용실')];
    const { code, err } = await chat(['네'], null);
    expect(code).toBe(1);
    expect(err).toContain(one);
    expect(err).toContain(other);
    await fixture.client.controlJob(other, 'cancel');
    expect(await chat(['네'], null)).toMatchObject({ code: 0 });
    expect(await fixture.client.job(one)).toMatchObject({ outcome: 'answered' });
  });
});
