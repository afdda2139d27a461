/**
 * Counts what each remote address holds, so that one that holds much cannot take everybody's part.
 * It keeps an entry only for an address that holds something.
 */
export interface AddressShares {
  /** Takes one; null where the address has its share already. Call the result once, to give it back. */
  take(address: string): (() => void) | null;
}

/** @param each how many one address may hold at once */
export function createAddressShares(each: number): AddressShares {
  const held = new Map<string, number>();
  return {
    take(address) {
      const count = held.get(address) ?? 0;
      if (count >= each) return null;
      held.set(address, count + 1);
      return () => {
        const left = (held.get(address) ?? 1) - 1;
        if (left === 0) held.delete(address);
        else held.set(address, left);
      };
    },
  };
}
