/** Validates input against its schema. */
import type { z } from 'zod';
import { GatehouseError } from '#shared/errors';

/** @throws GH_REQUEST_INVALID with the first invalid key */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
): z.infer<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const key = issue?.path.join('.') ?? '';
  throw new GatehouseError(
    'GH_REQUEST_INVALID',
    `${key || 'body'}: ${(issue?.message ?? 'is not valid').replace(/^Invalid input: /, '')}`,
  );
}
