/** What a request says, in the form that each kind of server takes. */
import { expect, test } from 'vitest';
import { serverProfiles } from '#models/client/server-profiles';
import { requestBody } from '#models/client/request-body';
import type { ModelRequest } from '#shared/model/model';

const bodyOf = (kind: keyof typeof serverProfiles, change: Partial<ModelRequest>) =>
  requestBody(
    { messages: [{ role: 'user', content: 'hello' }], ...change },
    { model: 'm', profile: serverProfiles[kind], withoutSchema: false },
  );

test.each(['ollama', 'llama.cpp', 'lm-studio', 'vllm', 'generic'] as const)(
  'an answer without a limit has no max_tokens: %s',
  (kind) => {
    const body = bodyOf(kind, { maxTokens: Number.POSITIVE_INFINITY });
    expect(body).not.toHaveProperty('max_tokens');
    expect(bodyOf(kind, {})['max_tokens']).toBeGreaterThan(1_000);
    expect(bodyOf(kind, { maxTokens: 5 })['max_tokens']).toBe(5);
  },
);

test.each(['mlx-lm', 'mlx-vlm'] as const)(
  'a server that stops early where nothing is said is told a number: %s',
  (kind) => {
    const body = bodyOf(kind, { maxTokens: Number.POSITIVE_INFINITY });
    expect(body['max_tokens']).toBeGreaterThan(100_000);
    expect(JSON.stringify(body)).not.toContain('null');
  },
);

test('thinking is turned off beside the settings of the template that a caller gave', () => {
  const sampling = { chat_template_kwargs: { tone: 'kind' } };
  expect(bodyOf('vllm', { thinking: false, sampling })['chat_template_kwargs']).toEqual({
    tone: 'kind',
    enable_thinking: false,
  });
});

test('a schema is strict, unless the caller says otherwise', () => {
  const jsonSchema = { name: 'a', schema: { type: 'object' } };
  const schemaOf = (strict?: boolean) =>
    bodyOf('generic', {
      jsonSchema: { ...jsonSchema, ...(strict === undefined ? {} : { strict }) },
    });
  expect(schemaOf()).toMatchObject({ response_format: { json_schema: { strict: true } } });
  expect(schemaOf(false)).toMatchObject({ response_format: { json_schema: { strict: false } } });
});
