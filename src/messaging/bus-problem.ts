/** Puts what the client or the broker threw into a code and a sentence for whoever runs the system. */
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { AuthorizationError, UserAuthenticationExpiredError } from 'nats';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import type { BusProblem } from './ports.ts';

export const hasApiCode = (error: unknown, code: number): boolean =>
  error instanceof JetStreamApiError && error.code === code;

export function busProblemOf(error: unknown): BusProblem {
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
  if (isOfStore(error)) return { code: 'GH_STORE_UNAVAILABLE', message: messageOf(error) };
  // The client rejects with undefined when a socket closes without an error.
  const message = error === undefined ? 'the server closed the connection' : messageOf(error);
  const isNobodyThere = /connection refused|ECONNREFUSED/i.test(message);
  return {
    code: 'GH_BUS_UNREACHABLE',
    message: isNobodyThere ? 'no server listens at this address (connection refused)' : message,
  };
}

/** Nobody answers on JetStream's subjects, or the account has none. The client does not export its class for it. */
const isWithoutJetStream = (error: unknown): boolean =>
  (error instanceof Error && error.name === 'JetStreamNotEnabled') ||
  hasApiCode(error, JetStreamApiCodes.JetStreamNotEnabledForAccount);

/** The journal could not be read or marked. */
const isOfStore = (error: unknown): boolean =>
  error instanceof Error && String((error as { code?: unknown }).code).startsWith('SQLITE');
