/** Bodies and query strings, checked against their schema. */
import { z } from 'zod';
import { GatehouseError } from '../lib/errors.ts';

/** Whose documents and entries are meant; people who are alone need not say. */
export const userId = z.string().min(1).max(256).default('local');

/** The checked input; the first fault by name. @throws GH_REQUEST_INVALID */
export function readInput<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
): z.infer<Schema> {
  const result = schema.safeParse(input ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new GatehouseError('GH_REQUEST_INVALID', `${issue?.path.join('.')}: ${issue?.message}`);
}
