/** Redaction: what remains of a conversation where texts are hidden. */
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { redact } from '#inspector/server/redact';
import { until } from '#test/support/journal';
import { openInspector, type InspectorFixture } from '../inspector-fixture.ts';
import { openSocketClient, type SocketClient } from './socket-client.ts';

/** Put into every text of the job. ASCII without blanks, so that it could be taken for a code. */
const mark = 'Q7MARK';
const markedNumber = 7_331_733_173;

test('no text of a job is sent to a redacted client, in any field', async () => {
  const overview = {
    state: 'waiting',
    running: null,
    waiting: [{ document_id: 'd1', title: mark, user_id: mark, last_error: { message: mark } }],
    dead: [],
    drafted: [],
  };
  const gate = { running: [{ kind: 'reason', user: mark }], waiting: [] };
  const fixture = await openInspector({
    drafts: () => Promise.resolve(overview),
    gates: () => [{ id: 'small', gate }],
  });
  onTestFinished(() => fixture.close());
  const page = await openSocketClient(fixture.url, { query: '?redact' });
  const receiver = await openSocketClient(fixture.url, { protocols: ['gatehouse.redacted'] });
  for (const what of ['jobs', 'gates', 'drafts', 'guests']) {
    page.send({ type: `gatehouse.${what}`, on: true });
  }
  await until(() => page.count('gatehouse.drafts') > 0 && fixture.listeners() === 2);
  const ids = [await answered(fixture), await drafted(fixture), await failed(fixture)];
  const watched = await Promise.all(ids.map((jobId) => watch(fixture, jobId)));
  await tellOfActors(fixture);
  await until(() => page.count('gatehouse.guest') === 2 && page.count('gatehouse.jobs') > 0);
  await until(() => receiver.received.some(({ sessionId }) => sessionId === ids[2]));

  const asked = await Promise.all([
    fetch(`${fixture.url}/inspect/api/jobs?redact`),
    ...ids.map((jobId) =>
      fetch(`${fixture.url}/inspect/api/jobs/${jobId}/what-if?redact`, {
        method: 'POST',
        body: JSON.stringify({ n: 2, event: { type: 'cancel', by: mark } }),
      }),
    ),
  ]);
  const told = [
    ...(await Promise.all(asked.map((answer) => answer.json()))),
    ...[page, receiver, ...watched].flatMap(({ received: heard }) => heard),
  ];
  expect(told.length).toBeGreaterThan(60);
  expect(told.flatMap((one) => marksIn(one, ''))).toEqual([]);
});

/** The paths of the values that contain a mark. */
function marksIn(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) {
    const text = String(value);
    return text.includes(mark) || value === markedNumber ? [`${path} ${text}`] : [];
  }
  return Object.entries(value).flatMap(([key, inner]) => [
    ...marksIn(key, `${path} key`),
    ...marksIn(inner, `${path}.${key}`),
  ]);
}

async function submit({ jobService, started }: InspectorFixture): Promise<string> {
  const attachment = { name: `${mark}.pdf`, text: mark };
  const body = { message: mark, user_id: mark, thread: mark, attachment };
  const { job_id: jobId } = await jobService.submit(body);
  await until(() => started.some((call) => call.jobId === jobId));
  return jobId;
}

async function answered(fixture: InspectorFixture): Promise<string> {
  const jobId = await submit(fixture);
  const decision = { by: 'classifier', action: 'route', prompt: mark, response: mark, more: mark };
  await fixture.answer(jobId, 'classify', { decision, backend: 'small' });
  fixture.hub.text(jobId, mark, false);
  await fixture.answer(jobId, 'reason', { text: mark, backend: 'large' });
  return jobId;
}

async function drafted(fixture: InspectorFixture): Promise<string> {
  const jobId = await submit(fixture);
  const params = { title: mark, [mark]: 1, at: mark, phone: markedNumber };
  const search = { tool: 'email', operation: 'search', params };
  const decision = { by: 'rule', action: 'tools', calls: [search], reason: 'mail' };
  await fixture.answer(jobId, 'classify', { decision, backend: 'small' });
  const mail = { from: mark, id: mark, type: mark, size: markedNumber };
  const result = { ok: true, ...search, data: [mail], summary: mark, error: null };
  const draft = { tool: 'calendar', operation: 'create_confirmed', params, summary: mark };
  await fixture.answer(jobId, 'runTools', { results: [result], draft });
  await fixture.edit(jobId, params);
  await fixture.journal.send(jobId, { type: 'confirm', by: mark });
  const written = { ...result, ...draft, error: { code: 'GH_TOOL_FAILED', message: mark } };
  await fixture.answer(jobId, 'execute', written);
  return jobId;
}

async function failed(fixture: InspectorFixture): Promise<string> {
  const jobId = await submit(fixture);
  const decision = { by: 'classifier', action: 'route' };
  await fixture.answer(jobId, 'classify', { decision, backend: 'small' });
  await until(() => fixture.started.some((call) => call.jobId === jobId && call.src === 'reason'));
  const call = fixture.started.find((one) => one.jobId === jobId)!;
  call.resolve({ ok: false, failure: { code: 'GH_BACKEND_UNAVAILABLE', message: mark } });
  await until(() => fixture.started.some((one) => one.jobId === jobId && one.src === 'answer'));
  await fixture.journal.send(jobId, { type: 'cancel', by: mark });
  return jobId;
}

async function watch(fixture: InspectorFixture, jobId: string): Promise<SocketClient> {
  const onlooker = await openSocketClient(fixture.url, { query: '?redact' });
  onlooker.send({ type: 'gatehouse.watch', jobId, afterN: 0 });
  await until(() => onlooker.count('gatehouse.check') === 1);
  return onlooker;
}

async function tellOfActors(fixture: InspectorFixture): Promise<void> {
  const guest = await openSocketClient(fixture.url, { protocols: [] });
  const base = { sessionId: 'x:1', rootId: 'x:1', _version: '0.7.2', createdAt: '1' };
  const snapshot = { status: 'active', value: 'on', context: { [`${mark} 김`]: mark, id: mark } };
  guest.send({ ...base, type: '@xstate.actor', name: mark, definition: `{"${mark}":1}`, snapshot });
  guest.send({ ...base, type: '@xstate.event', event: { type: 'press', to: mark } });
}

const prose = fc
  .array(fc.constantFrom('secret', 'word', '비밀', 'two'), { minLength: 2, maxLength: 6 })
  .map((words) => words.join(' '));

test('redact removes every sentence, in a field of any name and depth', () => {
  fc.assert(
    fc.property(fc.object({ values: [prose, fc.nat()], maxDepth: 4 }), (value) => {
      expect(JSON.stringify(Object.values(redact(value) as object))).not.toMatch(
        /"[^"]*(secret|word|two|비밀) (secret|word|two|비밀)[^"]*"\s*[,}\]]/,
      );
    }),
    { numRuns: 300 },
  );
});

test('redact replaces a word in an unknown field by its length', () => {
  const name = fc.string({ minLength: 1 }).map((text) => `new_${text}`);
  fc.assert(
    fc.property(name, fc.stringMatching(/^[\w@.-]{1,20}$/), (key, word) => {
      expect(Object.values(redact({ [key]: word }) as object)).toEqual([
        `[${word.length} characters]`,
      ]);
    }),
  );
});

test('redact keeps states, times, codes and keys', () => {
  const event = {
    id: 'job-1:3',
    state: 'confirm-draft',
    at: '2026-11-18T09:00:00+09:00',
    user_id: 'ann',
    value: { classify: 'running' },
    data: { content: 'yes', outcome: 'answered' },
    changed: [
      { key: 'reply', before: '', after: 'yes' },
      { key: 'state', before: 'ack', after: 'route' },
      { key: 'decision', before: null, after: { action: 'route', prompt: 'yes' } },
    ],
    results: [{ tool: 'calendar', operation: 'today', data: { title: 'dentist' } }],
    running: ['job-1:reason:3'],
    differs: ['row 2: unexpected "yes"', 'reply'],
    output: 'yes',
  };
  expect(redact(event)).toEqual({
    ...event,
    user_id: '[3 characters]',
    data: { content: '[3 characters]', outcome: 'answered' },
    changed: [
      { key: 'reply', before: '', after: '[3 characters]' },
      { key: 'state', before: 'ack', after: 'route' },
      { key: 'decision', before: null, after: { action: 'route', prompt: '[3 characters]' } },
    ],
    results: [{ tool: 'calendar', operation: 'today', data: '[hidden]' }],
    differs: ['row 2', 'reply'],
    output: '[3 characters]',
  });
});

test('redact replaces a piece of a streamed text by the length of the text so far', () => {
  const chunk = { job_id: 'j', n: 3, off: 5, content: 'three' };
  expect(redact({ type: 'gatehouse.token', chunk })).toEqual({
    type: 'gatehouse.token',
    chunk: { job_id: 'j', n: 3, off: 0, content: '[10 characters]' },
  });
});
