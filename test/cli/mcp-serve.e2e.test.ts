/** `gatehouse mcp serve` as a client starts it: a process that talks to a running core. */
import { spawn } from 'node:child_process';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { doorTools } from '#http/mcp/door-tools';
import { doorClient } from '#test/http/mcp/door-fixture';
import { json, keys, openKeyedCore, type KeyedCore } from '#test/security/keys';
import { direct, routed } from '#test/support/core';
import { says, saysJson, stalls } from '#test/support/fake-llm-replies';
import { freePort } from '#test/support/free-port';
import { until } from '#test/support/journal';
import { bin } from './cli-process.ts';

let core: KeyedCore;
beforeAll(async () => {
  core = await openKeyedCore();
});
afterAll(() => core.close());

interface Started {
  args?: string[];
  key?: string;
  era?: 'legacy' | 'modern';
  url?: string;
}

/** Closed when the test has finished. */
async function start({ args = [], key = keys.ann, era = 'legacy', url = core.core.url }: Started) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [bin, 'mcp', 'serve', '--url', url, ...args],
    cwd: core.folder,
    env: { PATH: process.env['PATH'] ?? '', GATEHOUSE_API_KEY: key },
    stderr: 'pipe',
  });
  const client = new Client(
    { name: 'test', version: '1' },
    era === 'modern' ? { versionNegotiation: { mode: 'auto' } } : {},
  );
  await client.connect(transport);
  onTestFinished(() => client.close());
  return doorClient(client);
}

describe.each(['legacy', 'modern'] as const)('a process for a client of the %s protocol', (era) => {
  test('has the tools of POST /mcp, sends the stages of a job as progress, and never confirms', async () => {
    core.small.script(routed);
    core.large.script(says('깊은 생각 끝에 드리는 답'));
    const { client, call } = await start({ era });
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(doorTools.map(({ name }) => name));
    const stages: unknown[] = [];
    const answer = await call(
      'chat',
      { message: '양자역학이 뭐야?' },
      { onprogress: ({ message }) => stages.push(message) },
    );
    expect(answer.data).toMatchObject({ status: 'ended', reply: '깊은 생각 끝에 드리는 답' });
    expect(stages.length).toBeGreaterThan(2);

    const title = `치과 ${era}`;
    const params = { title, date: '2031-03-05', time: '15:00' };
    core.small.script(
      saysJson({ action: 'tools', tool: 'calendar', operation: 'create_draft', params }),
      direct('네'),
    );
    const { data } = await call('chat', { message: `3월 5일 3시 ${title} 좀` });
    expect(data).toMatchObject({ status: 'waits_for_person' });
    expect(data['decide_at']).toBe(`${core.core.url}/inspect#/jobs/${data['job_id']}`);
    await call('chat', { message: '확인', conversation: data['conversation'] });
    expect((await call('get_job', { job_id: data['job_id'] })).data).toEqual(data);
    expect((await call('cancel_job', { job_id: data['job_id'] })).data['state']).toBe('cancelled');
  });

  test('cancels the job of a request that is cancelled', async () => {
    const { client } = await start({ era });
    core.small.script(stalls());
    const before = core.small.requests.length;
    const cancelling = new AbortController();
    const message = `오래 생각해 ${era}`;
    const answer = client.callTool(
      { name: 'chat', arguments: { message } },
      { signal: cancelling.signal },
    );
    await core.small.arrived(before + 1);
    cancelling.abort();
    await expect(answer).rejects.toThrow();
    await until(async () => {
      const { jobs } = await json(core.call('ann', 'GET', '/jobs?limit=1'));
      return (jobs as { state: string }[])[0]?.state === 'cancelled';
    });
  });
});

test('reads and keeps documents, asks them, and lists only the jobs of its person, also with the key of the operator', async () => {
  core.small.script(direct('네 bobs-geheimnis'));
  const bob = await start({ key: keys.operator, args: ['--user', 'bob'] });
  const job = await bob.call('chat', { message: '안녕 bobs-geheimnis' });
  expect(job.data['status']).toBe('ended');

  const ann = await start({ key: keys.operator, args: ['--user', 'ann'] });
  const { data: memo } = await ann.call('add_memo', { text: 'The budget is decided on Friday.' });
  const found = await ann.call('search_documents', { query: 'budget' });
  expect(found.data['results'][0].id).toBe(memo['id']);
  core.small.script(says('On Friday [1].'));
  const asked = await ann.call('ask', { query: 'When is the budget decided?' });
  expect(asked.data['answer']).toContain('Friday');
  expect((await ann.call('get_document', { id: memo['id'] })).text).toContain('on Friday');

  const others = await Promise.all([
    ann.call('get_job', { job_id: job.data['job_id'] }),
    ann.call('cancel_job', { job_id: job.data['job_id'] }),
    ann.call('get_document', { id: 'none' }),
  ]);
  expect(others.map(({ text, isError }) => `${isError} ${text.split(':')[0]}`)).toEqual([
    'true GH_JOB_NOT_FOUND',
    'true GH_JOB_NOT_FOUND',
    'true GH_DOCUMENT_NOT_FOUND',
  ]);
  expect((await ann.call('list_jobs')).text).not.toContain('geheimnis');
});

test('says what is wrong without a core, and with a wrong key', async () => {
  const alone = await start({ url: `http://127.0.0.1:${await freePort()}` });
  const lost = await alone.call('chat', { message: '안녕' });
  expect(lost.isError).toBe(true);
  expect(lost.text).toContain('start one with: gatehouse serve');
  const stranger = await start({ key: 'wrong' });
  const refused = await stranger.call('list_jobs');
  expect(refused.text).toMatch(/^GH_REQUEST_UNAUTHORIZED: /);
});

test('writes nothing but messages on standard output, and ends with its standard input', async () => {
  const child = spawn(process.execPath, [bin, 'mcp', 'serve', '--url', core.core.url], {
    cwd: core.folder,
    env: { PATH: process.env['PATH'] ?? '', GATEHOUSE_API_KEY: keys.ann },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  const ended = new Promise((resolve) => child.once('close', resolve));
  const params = {
    protocolVersion: '2024-11-05',
    capabilities: {},
    clientInfo: { name: 'x', version: '1' },
  };
  child.stdin.write('this is no message\n');
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
  await until(() => out.includes('\n'));
  core.small.script(stalls());
  const before = core.small.requests.length;
  const call = { name: 'chat', arguments: { message: '끝까지' } };
  child.stdin.write(
    `${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: call })}\n`,
  );
  await core.small.arrived(before + 1);
  child.stdin.end();
  expect(await ended).toBe(0);
  for (const line of out.trim().split('\n'))
    expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
  // A client that ends cancels nothing.
  const { jobs } = await json(core.call('ann', 'GET', '/jobs?limit=1'));
  const [job] = jobs as { job_id: string; state: string }[];
  expect(job).toMatchObject({ message: '끝까지', outcome: null, state: 'classify' });
  await core.call('ann', 'POST', `/chat/${job!.job_id}/cancel`);
});
