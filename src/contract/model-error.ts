/** What a caller is told when a model server gave no answer: our code and status, with the server's reason. */
import { GatehouseError, type ErrorCode } from '../lib/errors.ts';
import type { ModelFailure } from './model.ts';

/** The server's words for "this request is wrong"; its other refusals are about keys, names and addresses. */
const faultsOfRequest: ReadonlySet<number | null> = new Set([400, 413, 422]);

type Failure = Pick<
  ModelFailure,
  'backend' | 'message' | 'errorReason' | 'status' | 'retryAfterMs'
>;

function codeOf({ errorReason, status }: Failure): ErrorCode {
  if (errorReason === 'queue_full') return 'GH_BACKEND_BUSY';
  if (errorReason !== 'http_4xx') return 'GH_BACKEND_UNAVAILABLE';
  return faultsOfRequest.has(status) ? 'GH_BACKEND_INPUT' : 'GH_BACKEND_REFUSED';
}

/** The failure as an error for whoever asked for this backend. Always carries `errorReason`. Pure. */
export function modelError(failure: Failure): GatehouseError {
  const { backend, message, errorReason, retryAfterMs } = failure;
  return new GatehouseError(codeOf(failure), `${backend}: ${message}`, {
    errorReason,
    retryAfterMs,
  });
}
