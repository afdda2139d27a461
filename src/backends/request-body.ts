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

export function requestBody(request: ModelRequest, options: BodyOptions): Record<string, unknown> {
  const { profile } = options;
  const { modelName } = profile;
  const body: Record<string, unknown> = {
    ...request.sampling,
    model: modelName.policy === 'fixed' ? modelName.name : options.model,
    messages: request.messages,
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: request.maxTokens ?? MAX_TOKENS_DEFAULT,
    temperature: request.temperature ?? (request.jsonSchema ? 0 : TEMPERATURE_DEFAULT),
  };
  if (asksForSchema(request, options)) {
    body['response_format'] = {
      type: 'json_schema',
      json_schema: { ...request.jsonSchema, strict: true },
    };
  }
  if (request.thinking === false) Object.assign(body, profile.thinkingOff);
  if (request.tools && request.tools.length > 0) {
    body['tools'] = request.tools;
    body['tool_choice'] = request.toolChoice ?? 'auto';
  }
  return body;
}
