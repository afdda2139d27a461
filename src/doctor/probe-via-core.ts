/** One test request to one backend through the running core: its gate schedules it like any other request. */
import { z } from 'zod';
import { reachableUrl } from '#http/client/core-client';
import { serverSentEvents } from '#http/client/server-sent-events';
import type { Config } from '#app/config/config';
import type { ModelRequest, ModelToolCall } from '#shared/model/model';
import { messageOf } from '#shared/errors';
import { apiKeysOf } from '#app/config/persons-settings';
import { cliApiKey } from '#shared/api-keys';
import { tryParseJson } from '#shared/text/json-text';
import type { RequestProbe } from './probe-direct.ts';

/** Sends a test request to one backend through the running core and its gate. */
export async function probeViaCore(
  config: Config,
  backend: string,
  { messages, maxTokens, temperature, tools, toolChoice }: ModelRequest,
  timeoutMs: number,
): Promise<RequestProbe> {
  const apiKey = cliApiKey(apiKeysOf(config));
  const failed = (errorReason: string, message: string): RequestProbe => ({
    outcome: { ok: false, errorReason, message },
    pieces: 0,
    firstMs: null,
  });
  try {
    const beganAt = performance.now();
    const response = await fetch(`${reachableUrl(config.server)}/v1/chat/completions`, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        'content-type': 'application/json',
        ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({
        model: backend,
        stream: true,
        user: 'doctor',
        messages,
        max_tokens: maxTokens,
        temperature,
        tools,
        tool_choice: toolChoice,
      }),
    });
    const text = response.ok ? null : await response.text();
    if (text !== null) return failed(`http_${response.status}`, errorText(text));
    return await readProbe(response, beganAt, failed);
  } catch (error) {
    return failed('timeout_total', messageOf(error));
  }
}

/** The message of an error in OpenAI's format, or the beginning of any other text. */
function errorText(text: string): string {
  const parsed = completionError.safeParse(tryParseJson(text));
  return (parsed.success ? parsed.data.error.message : text).slice(0, 200);
}

const completionError = z.object({
  error: z.object({ message: z.string(), error_reason: z.string().optional() }),
});
const completionChunk = z.object({
  choices: z.array(
    z.object({
      delta: z.object({
        content: z.string().nullish(),
        tool_calls: z.array(z.unknown()).nullish(),
      }),
    }),
  ),
});

async function readProbe(
  response: Response,
  beganAt: number,
  failed: (errorReason: string, message: string) => RequestProbe,
): Promise<RequestProbe> {
  let pieces = 0;
  let firstMs: number | null = null;
  let failure: RequestProbe | null = null;
  const toolCalls: ModelToolCall[] = [];
  for await (const { data } of serverSentEvents(response)) {
    const value = tryParseJson(data);
    const error = completionError.safeParse(value);
    if (error.success) {
      const { message, error_reason: reason } = error.data.error;
      failure = failed(reason ?? 'unknown', message);
    }
    const chunk = completionChunk.safeParse(value);
    const delta = chunk.success ? chunk.data.choices[0]?.delta : undefined;
    if (delta?.content) {
      pieces += 1;
      firstMs ??= performance.now() - beganAt;
    }
    toolCalls.push(...((delta?.tool_calls ?? []) as ModelToolCall[]));
  }
  return failure ?? { outcome: { ok: true, toolCalls }, pieces, firstMs };
}
