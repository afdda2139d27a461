/** What the tests of the OpenAI door share: a core with two fake model servers, and foreign clients of it. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import OpenAI from 'openai';
import { onTestFinished } from 'vitest';
import { cliApiKey } from '#shared/api-keys';
import { openCore, type ConfigInput, type CoreFixture } from '#test/support/core';

export interface OpenAiFixture extends CoreFixture {
  openai: OpenAI;
  /** The AI SDK's model of this name. */
  model: (name: string) => ReturnType<ReturnType<typeof createOpenAICompatible>>;
  /** The bare route: body as given. */
  post(body: unknown, init?: RequestInit): Promise<Response>;
}

/** No retries: a test wants to see the first answer. */
export async function openOpenAiFixture(change: ConfigInput = {}): Promise<OpenAiFixture> {
  const fixture = await openCore(change);
  onTestFinished(() => fixture.close());
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

/** What is ours in an answer, which the foreign types do not know. */
export const aboutOf = (answer: object): Record<string, unknown> =>
  (answer as { gatehouse?: Record<string, unknown> }).gatehouse ?? {};

/** All chunks of a stream, and the text that a client makes of them. */
export async function collect(stream: AsyncIterable<OpenAI.ChatCompletionChunk>) {
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
  const finish = chunks.findLast((chunk) => chunk.choices[0]?.finish_reason);
  return { chunks, text, finishReason: finish?.choices[0]?.finish_reason, last: finish! };
}

/** The error that a call of the openai client ends with. */
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
