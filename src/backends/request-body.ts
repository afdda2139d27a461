/**
 * The JSON that goes to a server. It always asks for a stream: several servers notice a vanished client only
 * while writing. It never holds a null: mlx-lm dies on them without an answer.
 */
import type { ModelRequest } from '../contract/model.ts';
import type { BackendProfile } from './profile.ts';

/** mlx-lm would stop at 512 when nothing is said; a long answer or a draft needs this much. */
export const MAX_TOKENS_DEFAULT = 4_096;

/** Ollama would take 1.0, which rambles; 0 for what must be of one form. */
const TEMPERATURE_DEFAULT = 0.7;

export interface BodyOptions {
  model: string;
  profile: BackendProfile;
  /** The server refused a schema before: ask without. */
  withoutSchema: boolean;
}

/** Whether the body will carry a schema. */
export const asksForSchema = (request: ModelRequest, options: BodyOptions): boolean =>
  request.jsonSchema !== undefined &&
  options.profile.structuredOutput === 'schema' &&
  !options.withoutSchema;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Most servers take an absent field for "no limit", and some refuse more than their context holds. */
function maxTokensOf({ maxTokens }: ModelRequest, profile: BackendProfile): object {
  if (maxTokens !== Number.POSITIVE_INFINITY)
    return { max_tokens: maxTokens ?? MAX_TOKENS_DEFAULT };
  return profile.tokensUnlimited === null ? {} : { max_tokens: profile.tokensUnlimited };
}

export function requestBody(request: ModelRequest, options: BodyOptions): Record<string, unknown> {
  const { profile } = options;
  const { modelName } = profile;
  const body: Record<string, unknown> = {
    ...request.sampling,
    model: modelName.policy === 'fixed' ? modelName.name : options.model,
    messages: request.messages,
    stream: true,
    stream_options: { include_usage: true },
    ...maxTokensOf(request, profile),
    temperature: request.temperature ?? (request.jsonSchema ? 0 : TEMPERATURE_DEFAULT),
  };
  if (asksForSchema(request, options)) {
    body['response_format'] = {
      type: 'json_schema',
      json_schema: { strict: true, ...request.jsonSchema },
    };
  }
  if (request.thinking === false) {
    // The caller's own settings of the template stay beside the switch.
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
