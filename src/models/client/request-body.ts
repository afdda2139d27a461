/**
 * The JSON body of a request. It always requests a stream: several servers notice a disconnected client only while
 * writing. It never contains null: mlx-lm closes the connection on null without a response.
 */
import type { ModelRequest } from '#shared/model/model';
import type { ServerProfile } from './server-profiles.ts';

/** mlx-lm would stop at 512 without a value; a long answer or a draft needs this much. */
export const maxTokensDefault = 4_096;

/** Ollama's default 1.0 gives rambling answers. Structured output uses 0. */
const temperatureDefault = 0.7;

export interface RequestBodyOptions {
  model: string;
  profile: ServerProfile;
  /** The server refused a schema before: omit it. */
  withoutSchema: boolean;
}

/** Whether the body will contain a schema. */
export const includesSchema = (request: ModelRequest, options: RequestBodyOptions): boolean =>
  request.jsonSchema !== undefined &&
  options.profile.structuredOutput === 'schema' &&
  !options.withoutSchema;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Most servers take an absent field for "no limit", and some refuse a value above their context size. */
function maxTokensOf({ maxTokens }: ModelRequest, profile: ServerProfile): object {
  if (maxTokens !== Number.POSITIVE_INFINITY) return { max_tokens: maxTokens ?? maxTokensDefault };
  return profile.tokensUnlimited === null ? {} : { max_tokens: profile.tokensUnlimited };
}

const wireMessage = ({ parts, ...message }: ModelRequest['messages'][number]): object =>
  parts === undefined ? message : { ...message, content: parts };

export function requestBody(
  request: ModelRequest,
  options: RequestBodyOptions,
): Record<string, unknown> {
  const { profile } = options;
  const { modelName } = profile;
  const body: Record<string, unknown> = {
    ...request.sampling,
    model: modelName.policy === 'fixed' ? modelName.name : options.model,
    messages: request.messages.map(wireMessage),
    stream: true,
    stream_options: { include_usage: true },
    ...maxTokensOf(request, profile),
    temperature: request.temperature ?? (request.jsonSchema ? 0 : temperatureDefault),
  };
  if (includesSchema(request, options)) {
    body['response_format'] = {
      type: 'json_schema',
      json_schema: { strict: true, ...request.jsonSchema },
    };
  }
  if (request.thinking === false) {
    // The caller's own template settings are kept beside the switch.
    for (const [name, value] of Object.entries(profile.thinkingOff)) {
      const given = body[name];
      body[name] = isRecord(given) && isRecord(value) ? { ...given, ...value } : value;
    }
  }
  if (request.tools && request.tools.length > 0) {
    body['tools'] = request.tools;
    body['tool_choice'] = request.toolChoice ?? 'auto';
  }
  return body;
}
