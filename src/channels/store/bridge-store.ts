/** The storage of a bridge, composed of its inbox and its outbox. */
import type { BridgeStorage } from '../bridge-storage-port.ts';
import { GatehouseError, messageOf } from '#shared/errors';
import { createBridgeInbox } from './bridge-inbox.ts';
import { createBridgeOutbox } from './bridge-outbox.ts';
import type { BridgeDatabase } from './bridge-database.ts';

/** `now`: time stamp of rows that become final; epoch ms. */
export function createBridgeStore(
  { connection, ensureInPlace }: BridgeDatabase,
  now: () => number,
): BridgeStorage {
  const prunes = [
    connection.prepare('delete from inbox where settled_at < ?'),
    connection.prepare('delete from outbox where ended_at < ? and reported_at is not null'),
  ];
  const store = {
    transaction: <Value>(work: () => Value): Value => connection.transaction(work).immediate(),
    ...createBridgeInbox(connection, now),
    ...createBridgeOutbox(connection),
    prune(before: number) {
      for (const statement of prunes) statement.run(before);
    },
  };
  return withStorageErrors(store, ensureInPlace);
}

/**
 * Runs `check` before each call. SQLite's own errors are disk errors: they may be temporary, and must not be taken for
 * a bug.
 */
function withStorageErrors<Store extends object>(store: Store, check: () => void): Store {
  const wrapped = Object.entries(store).map(([name, call]) => [
    name,
    (...args: unknown[]): unknown => {
      check();
      try {
        return (call as (...args: unknown[]) => unknown)(...args);
      } catch (error) {
        if (error instanceof GatehouseError) throw error;
        const what = `the database of the bridge failed: ${messageOf(error)}`;
        throw new GatehouseError('GH_STORE_UNAVAILABLE', what, { cause: error });
      }
    },
  ]);
  return Object.fromEntries(wrapped) as Store;
}
