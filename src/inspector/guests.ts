/**
 * Actors of other programs, told to us by their own inspectors (@statelyai/inspect) over the socket. Passed
 * on to the pages that look, kept nowhere.
 */
export type GuestMessage = { type: 'gatehouse.guest'; peer: number; message: unknown };

export interface Guests {
  subscribe(listener: (message: GuestMessage) => void): () => void;
  tell(peer: number, message: unknown): void;
}

export function createGuests(): Guests {
  const listeners = new Set<(message: GuestMessage) => void>();
  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell(peer, message) {
      for (const listener of listeners) listener({ type: 'gatehouse.guest', peer, message });
    },
  };
}
