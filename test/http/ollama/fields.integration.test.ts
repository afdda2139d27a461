/** Reads the table of docs/ollama-api.md and sends every field over HTTP: the server does what the row says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { direct, openCore, type CoreFixture } from '#test/support/core';
import { saysJson } from '#test/support/fake-llm-replies';
import { projectRoot } from '#test/support/project-root';

const page = readFileSync(join(projectRoot, 'docs/ollama-api.md'), 'utf8');
const rows = [...page.matchAll(/^\| `("[a-z_]+": .*?)` \| ([^|]+) \| ([^|]+) \|/gm)].map(
  ([, example, backend = '', assistant = '']) => ({
    example: example!,
    fragment: JSON.parse(`{${example}}`) as Record<string, unknown>,
    backend: backend.trim(),
    assistant: assistant.trim(),
  }),
);

let fixture: CoreFixture;
beforeAll(async () => {
  fixture = await openCore();
});
afterAll(() => fixture.close());

const post = (body: object): Promise<Response> =>
  fetch(`${fixture.core.url}/api/chat`, { method: 'POST', body: JSON.stringify(body) });

const messages = [{ role: 'user', content: 'hello' }];

async function answerTo(fragment: object, model: 'large' | 'gatehouse') {
  const before = fixture.large.requests.length;
  if (model === 'large') fixture.large.script(saysJson({ ok: true }));
  else fixture.small.script(direct('hello'));
  const response = await post({ model, messages, stream: false, ...fragment });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, body, sent: fixture.large.requests[before]?.body };
}

/** The name at fault: the innermost field of the example. */
function innermost(fragment: Record<string, unknown>): string {
  const [[name, value] = ['', null]] = Object.entries(fragment);
  if (name !== 'options') return name;
  return Object.keys(value as object)[0]!;
}

describe.each([
  ['large', 'backend'],
  ['gatehouse', 'assistant'],
] as const)('with the model %s', (model, column) => {
  const given = rows.filter(({ fragment }) => model === 'large' || !('model' in fragment));
  test.each(given.map((row) => [row.example, row] as const))('%s', async (_, row) => {
    const { status, body, sent } = await answerTo(row.fragment, model);
    const rule = row[column];
    const name = innermost(row.fragment);
    if (rule === 'refused') {
      expect(status).toBe(400);
      const code = expect.stringMatching(/^GH_(?:REQUEST_INVALID|PICTURE_REFUSED)$/);
      expect(body).toEqual({ error: expect.stringContaining(name), code });
      expect(sent).toBeUndefined();
      return;
    }
    expect(body).toMatchObject({ done: true, done_reason: 'stop' });
    expect(status).toBe(200);
    if (model === 'gatehouse') return;
    const [, passedAs] = /^passed on as `(\w+)`$/.exec(rule) ?? [];
    if (passedAs === undefined) {
      expect(['honoured', 'without effect']).toContain(rule);
      if (rule === 'without effect') expect(JSON.stringify(sent)).not.toContain(name);
    } else {
      const { options = row.fragment } = row.fragment as { options?: Record<string, unknown> };
      expect(sent).toHaveProperty(passedAs);
      if (name === passedAs) expect([sent![passedAs]]).toMatchObject([(options as never)[name]]);
    }
  });
});

test('The table has the fields of Ollama’s documentation', () => {
  const fields = new Set(rows.map(({ fragment }) => Object.keys(fragment)[0]));
  const documented = ['model', 'messages', 'tools', 'think', 'format', 'options', 'stream'];
  expect([...documented, 'keep_alive', 'logprobs', 'top_logprobs']).toSatisfy((all: string[]) =>
    all.every((name) => fields.has(name)),
  );
});
