/**
 * Actors of other programs, reported by their own inspectors (@statelyai/inspect) over the socket. Forwarded to open
 * pages, not stored.
 */
import type { ExternalMessage, PageMessage } from '../page-messages.ts';

type ExternalActorMessage = Extract<PageMessage, { type: 'gatehouse.guest' }>;

export interface ExternalActorFeed {
  subscribe(listener: (message: ExternalActorMessage) => void): () => void;
  publish(peer: number, message: ExternalMessage): void;
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
