/** Errors as RFC 9457 problem documents. */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { errorTable, GatehouseError, messageOf, type ErrorCode } from '#shared/errors';

interface FrameworkError {
  code?: string;
  statusCode?: number;
}

/** Maps the framework's own errors to our codes. */
const frameworkCodes: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'GH_REQUEST_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'GH_REQUEST_NOT_JSON',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'GH_REQUEST_NOT_JSON',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'GH_REQUEST_INVALID',
  FST_ERR_MAX_PARAM_LENGTH: 'GH_REQUEST_NOT_FOUND',
};

export function normalizeRequestError(error: unknown): GatehouseError {
  if (error instanceof GatehouseError) return error;
  const { code = '', statusCode = 500 } = error as FrameworkError;
  if (code.startsWith('SQLITE_')) {
    return new GatehouseError('GH_STORE_UNAVAILABLE', 'The database cannot be read', {
      cause: error,
    });
  }
  const known = frameworkCodes[code];
  if (known !== undefined) return new GatehouseError(known, undefined, { cause: error });
  if (statusCode < 500) {
    return new GatehouseError('GH_REQUEST_INVALID', messageOf(error), { cause: error });
  }
  return new GatehouseError('GH_JOB_BUG', 'The request failed because of a fault in Gatehouse', {
    cause: error,
  });
}

export function sendProblem(reply: FastifyReply, error: GatehouseError): FastifyReply {
  if (error.status === 401) void reply.header('www-authenticate', 'Bearer');
  if (error.retryAfterMs !== null) {
    void reply.header('retry-after', String(Math.ceil(error.retryAfterMs / 1000)));
  }
  return reply.code(error.status).type('application/problem+json').send(toProblemDetails(error));
}

export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    error_reason: z.string().optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457. `code` is one of docs/errors.md.' });

export function toProblemDetails(error: GatehouseError): z.infer<typeof problemSchema> {
  return {
    type: `urn:gatehouse:error:${error.code}`,
    title: errorTable[error.code].title,
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(error.errorReason === null ? {} : { error_reason: error.errorReason }),
  };
}
