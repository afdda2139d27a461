/** Reads the table of docs/openai-api.md and sends every field over HTTP: the server does what the row says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { direct } from '#test/support/core';
import { openOpenAiFixture, user, type OpenAiFixture } from './openai-fixture.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/openai-api.md'), 'utf8');

interface Row {
  field: string;
  fragment: Record<string, unknown>;
  backend: string;
  assistant: string;
}

const rows: Row[] = [...page.matchAll(/^\| `("[a-z_]+": .*?)` \| ([^|]+) \| ([^|]+) \|/gm)].map(
  ([, example, backend = '', assistant = '']) => {
    const fragment = JSON.parse(`{${example}}`) as Record<string, unknown>;
    const [field = ''] = Object.keys(fragment);
    return { field, fragment, backend: backend.trim(), assistant: assistant.trim() };
  },
);

test('every request field of the official openai client has a row in docs/openai-api.md', () => {
  const types = '../../../node_modules/openai/resources/chat/completions/completions.d.ts';
  const source = readFileSync(join(import.meta.dirname, types), 'utf8');
  const [, body = ''] = /interface ChatCompletionCreateParamsBase \{\n([\s\S]*?)\n\}/.exec(source)!;
  const official = [...body.matchAll(/^ {4}([a-z_]+)\??:/gm)].map(([, name]) => name);
  expect(official.length).toBeGreaterThan(30);
  const listed = new Set(rows.map(({ field }) => field));
  expect(official.filter((name) => !listed.has(name!))).toEqual([]);
});

let fixture: OpenAiFixture;
beforeEach(async () => {
  fixture = await openOpenAiFixture();
});

/** The body, or the last chunk of a stream that has a `gatehouse` field. */
async function endOf(response: Response): Promise<{
  error?: { param: string | null; code: string };
  gatehouse?: { ignored?: string[] };
}> {
  const text = await response.text();
  if (!text.startsWith('data:') && !text.startsWith(':')) return JSON.parse(text);
  const chunks = [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json]) => JSON.parse(json!));
  return chunks.findLast((chunk) => 'gatehouse' in chunk) ?? {};
}

async function play(model: string, row: Row, what: string): Promise<void> {
  if (model === 'gatehouse') fixture.small.script(direct('안녕하세요'));
  const body = { messages: [user('안녕')], ...row.fragment, model };
  const response = await fixture.post(body);
  const end = await endOf(response);
  const ignored = end.gatehouse?.ignored ?? [];
  const isNamed = ignored.some((name) => name === row.field || name.startsWith(`${row.field}.`));
  const sent = fixture.large.requests[0]?.body as Record<string, unknown> | undefined;
  const names = (param: string | null | undefined): boolean =>
    param === row.field || param?.startsWith(`${row.field}.`) === true;
  if (what === 'refused') {
    expect(response.status).toBe(400);
    expect(end.error).toMatchObject({ code: 'GH_REQUEST_INVALID' });
    expect(names(end.error?.param), `param is ${end.error?.param}`).toBe(true);
    return;
  }
  expect(response.status, JSON.stringify(end)).toBe(200);
  expect(isNamed, `ignored: ${ignored.join()}`).toBe(what === 'without effect');
  if (model === 'gatehouse' || what === 'honoured') return;
  const [, as = row.field] = /^passed on(?: as `(\w+)`)?$/.exec(what) ?? [];
  if (what.startsWith('passed on')) {
    expect(sent).toMatchObject({ [as]: row.fragment[row.field] });
  } else if (!['temperature', 'max_tokens'].includes(row.field)) {
    expect(sent).not.toHaveProperty(row.field);
  }
}

const known = /^(honoured|passed on( as `\w+`)?|without effect|as if not there|refused)$/;

describe('a request field of docs/openai-api.md', () => {
  test.each(rows.map((row) => [JSON.stringify(row.fragment), row] as const))(
    '%s has the effect that its row describes, at a backend and at the assistant',
    async (_, row) => {
      expect(row.backend).toMatch(known);
      expect(row.assistant).toMatch(known);
      await play('large', row, row.backend);
      await play('gatehouse', row, row.assistant);
    },
  );
});
