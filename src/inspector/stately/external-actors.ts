/**
 * Actors of other programs, reported by their own inspectors (@statelyai/inspect) over the socket. Forwarded to open
 * pages, not stored.
 */
export type ExternalActorMessage = { type: 'gatehouse.guest'; peer: number; message: unknown };

export interface ExternalActorFeed {
  subscribe(listener: (message: ExternalActorMessage) => void): () => void;
  publish(peer: number, message: unknown): void;
}

export function createExternalActorFeed(): ExternalActorFeed {
  const listeners = new Set<(message: ExternalActorMessage) => void>();
  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    publish(peer, message) {
      for (const listener of listeners) listener({ type: 'gatehouse.guest', peer, message });
    },
  };
}
