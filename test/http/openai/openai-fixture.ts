/** For the tests of the OpenAI API: a core with two fake model servers, the openai client and the AI SDK. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import OpenAI from 'openai';
import { onTestFinished } from 'vitest';
import { cliApiKey } from '#shared/api-keys';
import { openCore, type ConfigInput, type CoreFixture } from '#test/support/core';

export interface OpenAiFixture extends CoreFixture {
  openai: OpenAI;
  /** The AI SDK's model of this name. */
  model: (name: string) => ReturnType<ReturnType<typeof createOpenAICompatible>>;
  /** Posts the body as given to /v1/chat/completions. */
  post(body: unknown, init?: RequestInit): Promise<Response>;
}

/** The clients do not retry, so that a test sees the first answer. */
export async function openOpenAiFixture(change: ConfigInput = {}): Promise<OpenAiFixture> {
  const fixture = await openCore(change);
  onTestFinished(() => fixture.close());
  return withClients(fixture);
}

/** The clients of a core that is closed elsewhere. */
export function withClients(fixture: CoreFixture): OpenAiFixture {
  const apiKey = cliApiKey(fixture.config.server.apiKeys) ?? 'none';
  const baseURL = `${fixture.core.url}/v1`;
  const provider = createOpenAICompatible({
    name: 'gatehouse',
    baseURL,
    apiKey,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  return Object.assign(fixture, {
    openai: new OpenAI({ baseURL, apiKey, maxRetries: 0 }),
    model: (name: string) => provider(name),
    post: (body: unknown, init: RequestInit = {}) =>
      fetch(`${baseURL}/chat/completions`, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...init,
        headers: { 'content-type': 'application/json', ...(init.headers as object) },
      }),
  });
}

export const user = (content: string) => ({ role: 'user' as const, content });
export const assistant = (content: string) => ({ role: 'assistant' as const, content });

/** The `gatehouse` field of an answer, which the types of OpenAI do not have. */
export const aboutOf = (answer: object): Record<string, unknown> =>
  (answer as { gatehouse?: Record<string, unknown> }).gatehouse ?? {};

/** All chunks of a stream, and their joined text. */
export async function collect(stream: AsyncIterable<OpenAI.ChatCompletionChunk>) {
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
  const finish = chunks.findLast((chunk) => chunk.choices[0]?.finish_reason);
  return { chunks, text, finishReason: finish?.choices[0]?.finish_reason, last: finish! };
}

/** The API error that a call of the openai client throws. */
export async function errorOf(
  call: Promise<unknown>,
): Promise<InstanceType<typeof OpenAI.APIError>> {
  const error = await call.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof OpenAI.APIError) return error;
  throw error as Error;
}
