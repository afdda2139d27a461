/** Validates input from outside against its schema: bodies, query strings, requests over NATS. */
import type { z } from 'zod';
import { GatehouseError } from './errors.ts';

/** @throws GH_REQUEST_INVALID with the path of the first problem */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
): z.infer<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw inputError(result.error);
}

/**
 * GH_REQUEST_INVALID: the path of the first problem (`body` for the input as a whole) and what is wrong there.
 * @param at path of the input, where it is a part of the body
 */
export function inputError(
  { issues: [issue] }: z.ZodError,
  at: readonly string[] = [],
): GatehouseError {
  const param = [...at, ...(issue?.path ?? [])].join('.') || 'body';
  const why = (issue?.message ?? 'is not valid').replace(/^Invalid input: /, '');
  return new GatehouseError('GH_REQUEST_INVALID', `${param}: ${why}`, { param });
}
