/** Wires the memory to the stored jobs, to the live events and to the tool of the chat. */
import type { LiveHub } from '#jobs/runtime/live-hub';
import { Memories } from '#memory/memories';
import type { FactChange, MemoryStorage } from '#memory/memory-port';
import { messageOf } from '#shared/errors';
import { createIdSource } from '#shared/ids';
import { createSerialQueue } from '#shared/serial-queue';
import type { CoreParts } from './core-parts.ts';
import type { Stores } from './stores/stores.ts';

export interface MemoryParts extends Pick<CoreParts, 'cluster' | 'config' | 'clock' | 'log'> {
  stores: Stores;
  hub: LiveHub;
}

/** People whose forgotten facts wait for the end of a job, as read at the start. */
const waitingMax = 1_000;

export interface OpenedMemory {
  memories: Memories;
  /** Erases what can be erased, of all people; for the retention. */
  eraseAll(): Promise<number>;
}

export function openMemory({
  cluster,
  stores,
  hub,
  clock,
  log,
  config,
}: MemoryParts): OpenedMemory {
  const waiting = new Set<string>();
  const inOrder = createSerialQueue();
  const noteForgotten = (owner: string): void => {
    waiting.add(owner);
    erase(owner);
  };
  const memories = new Memories({
    storage: told(stores.memory, noteForgotten),
    jobs: {
      messageOf: async (jobId) => (await stores.jobs.find(jobId))?.input.message ?? null,
      redact: (userId, texts) => stores.redaction.redact(userId, texts),
    },
    clock,
    nextId: createIdSource(),
    perUserMax: config.memory.perUserMax,
    onChanged: () => hub.memory(),
  });
  /** One after another: two at once would look at the same jobs. */
  const erase = (owner: string): void => {
    void inOrder('memory', async () => {
      try {
        await memories.erase(owner);
        if ((await stores.memory.unerased(owner, 1)).length === 0) waiting.delete(owner);
      } catch (error) {
        // It is tried again with the next job of the person that ends, and by the retention.
        log.warn({ error: messageOf(error) }, 'forgotten facts are not erased yet');
      }
    });
  };
  hub.subscribe(null, {
    event({ type, user_id: owner }) {
      if ((type === 'done' || type === 'cancelled') && waiting.has(owner)) erase(owner);
    },
    token: () => undefined,
  });
  // Another worker has changed facts of a person whose jobs run here.
  cluster?.onFactsChanged((owner) => {
    noteForgotten(owner);
    hub.memory();
  });
  stores.memory.unerased(null, waitingMax).then(
    (facts) => facts.forEach(({ userId }) => waiting.add(userId)),
    (error: unknown) => log.warn({ error: messageOf(error) }, 'forgotten facts are not known yet'),
  );
  return {
    memories,
    eraseAll: () => inOrder('memory', () => memories.erase(null)),
  };
}

/** The storage, with a call after each commit that has forgotten something. */
const told = (storage: MemoryStorage, onForgotten: (owner: string) => void): MemoryStorage => ({
  ...storage,
  async commit(changes: readonly FactChange[], perUserMax) {
    const result = await storage.commit(changes, perUserMax);
    if (result === 'conflict') return result;
    const gone = changes.filter(({ fact }) => fact.forgottenAt !== null);
    for (const owner of new Set(gone.map(({ fact }) => fact.userId))) onForgotten(owner);
    return result;
  },
});
