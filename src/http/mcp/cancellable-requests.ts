/**
 * The open requests of the MCP door, so that `notifications/cancelled` reaches them: in the protocols before 2026-07-28 it
 * comes as a request of its own.
 */
export interface CancellableRequests {
  /** Aborts when the request of this key is cancelled. The caller must call `end`. */
  open(key: string): { signal: AbortSignal; end(): void };
  /** False: no request of this key is open here. */
  cancel(key: string): boolean;
}

export function createCancellableRequests(): CancellableRequests {
  const open = new Map<string, AbortController>();
  return {
    open(key) {
      const controller = new AbortController();
      // A client that uses an id twice can cancel the later request only.
      open.set(key, controller);
      return {
        signal: controller.signal,
        end: () => void (open.get(key) === controller && open.delete(key)),
      };
    },
    cancel(key) {
      const controller = open.get(key);
      controller?.abort();
      return controller !== undefined;
    },
  };
}
