/** Work in the background that can be started and stopped, by the core or by the lease of a role. */
import type { Role } from '#cluster/roles';
import type { MaybePromise } from '#shared/maybe-promise';

export interface BackgroundTask extends Role {
  start(): MaybePromise<void>;
}

/** @param begin starts the work, and returns the function that ends it */
export function backgroundTask(
  name: string,
  begin: () => () => MaybePromise<void>,
): BackgroundTask {
  let end: (() => MaybePromise<void>) | null = null;
  return {
    name,
    start() {
      end = begin();
    },
    async stop() {
      await end?.();
      end = null;
    },
  };
}
