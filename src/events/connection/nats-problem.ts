/** Maps errors of the NATS client or the broker to an error code and a message for the operator. */
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { AuthorizationError, UserAuthenticationExpiredError } from 'nats';
import { GatehouseError, messageOf } from '#shared/errors';
import type { NatsProblem } from '../messaging-port.ts';

export const hasApiCode = (error: unknown, code: number): boolean =>
  error instanceof JetStreamApiError && error.code === code;

export function toNatsProblem(error: unknown): NatsProblem {
  if (error instanceof GatehouseError) return { code: error.code, message: error.message };
  if (error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError) {
    return { code: 'GH_BUS_REFUSED', message: `the server refused us: ${error.message}` };
  }
  if (isWithoutJetStream(error)) {
    return {
      code: 'GH_BUS_NO_JETSTREAM',
      message:
        'the server answers, but nobody there takes this: it has no JetStream for us (nats-server -js), or the core has not made its streams yet',
    };
  }
  if (error instanceof JetStreamApiError) {
    return { code: 'GH_BUS_STREAM', message: `the server refused: ${error.message}` };
  }
  if (isStorageProblem(error)) return { code: 'GH_STORE_UNAVAILABLE', message: messageOf(error) };
  // The client rejects with undefined when a socket closes without an error.
  const message = error === undefined ? 'the server closed the connection' : messageOf(error);
  const isConnectionRefused = /connection refused|ECONNREFUSED/i.test(message);
  return {
    code: 'GH_BUS_UNREACHABLE',
    message: isConnectionRefused
      ? 'no server listens at this address (connection refused)'
      : message,
  };
}

/** No responder for JetStream's subjects, or none for the account. The client does not export its error class. */
const isWithoutJetStream = (error: unknown): boolean =>
  (error instanceof Error && error.name === 'JetStreamNotEnabled') ||
  hasApiCode(error, JetStreamApiCodes.JetStreamNotEnabledForAccount);

/** The journal could not be read, or its watermark not saved. */
const isStorageProblem = (error: unknown): boolean =>
  error instanceof Error && String((error as { code?: unknown }).code).startsWith('SQLITE');
