/** Maps the failure of a model server to the error that the caller gets: code and status, with the server's reason. */
import { GatehouseError, type ErrorCode } from '../errors.ts';
import type { ModelFailure } from './model.ts';

/** Statuses that mean "the request is wrong"; other 4xx concern keys, model names and addresses. */
const badRequestStatuses: ReadonlySet<number | null> = new Set([400, 413, 422]);

type Failure = Pick<
  ModelFailure,
  'backend' | 'message' | 'errorReason' | 'status' | 'retryAfterMs'
>;

function errorCodeOf({ errorReason, status }: Failure): ErrorCode {
  if (errorReason === 'queue_full') return 'GH_BACKEND_BUSY';
  if (errorReason !== 'http_4xx') return 'GH_BACKEND_UNAVAILABLE';
  return badRequestStatuses.has(status) ? 'GH_BACKEND_INPUT' : 'GH_BACKEND_REFUSED';
}

/** The failure as an error for the caller that named this backend. Always carries `errorReason`. Pure. */
export function modelFailureToError(failure: Failure): GatehouseError {
  const { backend, message, errorReason, retryAfterMs } = failure;
  return new GatehouseError(errorCodeOf(failure), `${backend}: ${message}`, {
    errorReason,
    retryAfterMs,
  });
}
