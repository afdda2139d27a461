/** Ollama's formats of model lists and errors. Our own additions are in the field `gatehouse`. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { GatehouseError } from '#shared/errors';

const details = z.strictObject({
  parent_model: z.string(),
  format: z.string(),
  family: z.string(),
  families: z.array(z.string()),
  parameter_size: z.string(),
  quantization_level: z.string(),
});

const model = {
  name: z.string(),
  model: z.string(),
  size: z.int().describe('0: not known.'),
  digest: z.string().describe('Of the name: the files of a model are not known.'),
  details,
};

export const tagsSchema = z.strictObject({
  models: z.array(
    z.strictObject({
      ...model,
      modified_at: z.string(),
      gatehouse: z.record(z.string(), z.unknown()),
    }),
  ),
});

export const psSchema = z.strictObject({
  models: z.array(
    z.strictObject({
      ...model,
      expires_at: z.string(),
      size_vram: z.int(),
      context_length: z.int().describe('0: not known.'),
    }),
  ),
});

export const showSchema = z.strictObject({
  modelfile: z.string(),
  parameters: z.string(),
  template: z.string(),
  details,
  model_info: z.record(z.string(), z.unknown()),
  capabilities: z.array(z.string()),
  modified_at: z.string(),
});

export const chunkSchema = z
  .looseObject({
    model: z.string(),
    created_at: z.string(),
    done: z.boolean(),
    done_reason: z.enum(['stop', 'length', 'load']).optional(),
    message: z.looseObject({ role: z.literal('assistant'), content: z.string() }).optional(),
    response: z.string().optional(),
    gatehouse: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'OllamaChunk' });

export const embedSchema = z.strictObject({
  model: z.string(),
  embeddings: z.array(z.array(z.number())),
  total_duration: z.int(),
  load_duration: z.int(),
});

export const ollamaErrorSchema = z
  .looseObject({ error: z.string(), code: z.string().describe('One of docs/errors.md.') })
  .meta({ id: 'OllamaError' });

export const toOllamaError = (error: GatehouseError): z.infer<typeof ollamaErrorSchema> => ({
  error: error.message,
  code: error.code,
});

/** A model that Ollama's clients can list. Files, sizes and quantization are not known, whatever the server is. */
export function modelOf(id: string, about: Record<string, unknown>) {
  const family = typeof about['kind'] === 'string' ? about['kind'] : 'gatehouse';
  return {
    name: id,
    model: id,
    size: 0,
    digest: createHash('sha256').update(id).digest('hex'),
    details: {
      parent_model: '',
      format: '',
      family,
      families: [family],
      parameter_size: '',
      quantization_level: '',
    },
  };
}
