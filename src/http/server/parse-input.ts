/** Validates bodies and query strings against their schema. */
import { z } from 'zod';
import { GatehouseError } from '#shared/errors';

/** The user whose documents and entries are meant; optional for a single-user installation. */
export const userIdSchema = z.string().min(1).max(256).default('local');

/** The validated input. @throws GH_REQUEST_INVALID with the path of the first problem */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
): z.infer<Schema> {
  const result = schema.safeParse(input ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new GatehouseError('GH_REQUEST_INVALID', `${issue?.path.join('.')}: ${issue?.message}`);
}
