/** Port to the core, as the bridge needs it. The composition root passes the implementation. */
import type { DeliveryReport, Reply } from '#shared/wire/reply';
import type { ServiceVerb } from '#shared/wire/subjects';
import { errorTable, type ErrorCode } from '#shared/errors';

export type LinkOutcome<Value> =
  | { ok: true; value: Value }
  | { ok: false; problem: { code: ErrorCode; message: string } };

/** Connection to the core. Nothing throws; a failure is a problem with a code. */
export interface CoreLink {
  start(): void;
  stop(): Promise<void>;
  readonly state: 'connected' | 'connecting' | 'off';
  readonly problem: { code: ErrorCode; message: string } | null;
  /** `externalId` is the chat's own id: submitted twice, it is one job. `stored`: on the broker's disk. */
  submit(body: Record<string, unknown>, externalId: string): Promise<LinkOutcome<'stored'>>;
  request(verb: ServiceVerb, body: Record<string, unknown>): Promise<LinkOutcome<unknown>>;
  report(reply: Reply, report: Omit<DeliveryReport, 'reply_id'>): Promise<LinkOutcome<'stored'>>;
}

/** Prefixes of terminal errors that an operator can fix while messages wait: a password, a disk, a second process. */
const operatorFixablePrefixes = ['GH_BUS_', 'GH_STORE_', 'GH_SERVER_', 'GH_CONFIG_'];

/**
 * Whether a refusal of the core is permanent: if so, the user is notified and the request is not retried. A code of a
 * newer core is retried: its meaning is unknown here.
 */
export const isPermanentError = ({ code }: { code: ErrorCode }): boolean =>
  (Object.hasOwn(errorTable, code) ? errorTable[code].kind : 'retryable') === 'terminal' &&
  !operatorFixablePrefixes.some((prefix) => code.startsWith(prefix));
