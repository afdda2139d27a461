/**
 * Limits concurrency per remote address, so that one address cannot use the whole capacity. Holds an entry only for
 * addresses with something acquired.
 */
export interface PerAddressLimit {
  /** Null: the address is at its limit. Call the returned function once, to release. */
  acquire(address: string): (() => void) | null;
}

/** @param limit how many one address may hold at once */
export function createPerAddressLimit(limit: number): PerAddressLimit {
  const held = new Map<string, number>();
  return {
    acquire(address) {
      const count = held.get(address) ?? 0;
      if (count >= limit) return null;
      held.set(address, count + 1);
      return () => {
        const left = (held.get(address) ?? 1) - 1;
        if (left === 0) held.delete(address);
        else held.set(address, left);
      };
    },
  };
}
