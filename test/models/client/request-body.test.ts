/** The body of a request in the form of each backend kind. */
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
  'a request without a token limit has no max_tokens: %s',
  (kind) => {
    const body = bodyOf(kind, { maxTokens: Number.POSITIVE_INFINITY });
    expect(body).not.toHaveProperty('max_tokens');
    expect(bodyOf(kind, {})['max_tokens']).toBeGreaterThan(1_000);
    expect(bodyOf(kind, { maxTokens: 5 })['max_tokens']).toBe(5);
  },
);

test.each(['mlx-lm', 'mlx-vlm'] as const)(
  'a request without a token limit has a large max_tokens for a server with a low default: %s',
  (kind) => {
    const body = bodyOf(kind, { maxTokens: Number.POSITIVE_INFINITY });
    expect(body['max_tokens']).toBeGreaterThan(100_000);
    expect(JSON.stringify(body)).not.toContain('null');
  },
);

test('a request without thinking keeps the chat_template_kwargs of the caller', () => {
  const sampling = { chat_template_kwargs: { tone: 'kind' } };
  expect(bodyOf('vllm', { thinking: false, sampling })['chat_template_kwargs']).toEqual({
    tone: 'kind',
    enable_thinking: false,
  });
});

test('the schema of a request is strict unless the caller sets strict to false', () => {
  const jsonSchema = { name: 'a', schema: { type: 'object' } };
  const schemaOf = (strict?: boolean) =>
    bodyOf('generic', {
      jsonSchema: { ...jsonSchema, ...(strict === undefined ? {} : { strict }) },
    });
  expect(schemaOf()).toMatchObject({ response_format: { json_schema: { strict: true } } });
  expect(schemaOf(false)).toMatchObject({ response_format: { json_schema: { strict: false } } });
});
