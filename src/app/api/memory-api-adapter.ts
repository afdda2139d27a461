/** The memory for the doors: its shapes, and whose fact it is. */
import type { Fact } from '#memory/fact';
import type { FactCursor } from '#memory/memory-port';
import type { Memories } from '#memory/memories';
import { isoTime } from '#shared/calendar/time-units';
import { GatehouseError } from '#shared/errors';
import type { FactRef, FactView, MemoryService } from '#shared/wire/memory-service';

/** Facts that are forgotten in one go. */
const forgetPage = 500;

export function createMemoryApi(memories: Memories): MemoryService {
  const own = async ({ id, userId }: FactRef): Promise<Fact> => {
    const one = await memories.get(id);
    if (userId !== null && one.userId !== userId) throw new GatehouseError('GH_MEMORY_NOT_FOUND');
    return one;
  };
  return {
    async list({ user_id: userId, query, limit, cursor }) {
      if (query !== undefined) {
        if (userId === undefined) {
          throw new GatehouseError('GH_REQUEST_INVALID', 'user_id: a query is about one person', {
            param: 'user_id',
          });
        }
        const facts = await memories.fitting(userId, query, { count: limit, chars: Infinity });
        return { facts: facts.map(viewOf), next: null, next_cursor: null };
      }
      const rows = await memories.list(userId ?? null, cursorOf(cursor), limit + 1);
      const last = rows.length > limit ? rows[limit - 1]! : null;
      const next = last === null ? null : `${last.createdAt}_${last.id}`;
      return { facts: rows.slice(0, limit).map(viewOf), next, next_cursor: next };
    },
    async keep({ user_id: userId, text, idempotency_key: key }, createdBy) {
      const { fact } = await memories.keep({
        userId,
        text,
        createdBy,
        channel: null,
        jobId: null,
        // The key of one person finds no fact of another.
        ...(key === undefined ? {} : { idempotencyKey: JSON.stringify([userId, key]) }),
      });
      return viewOf(fact);
    },
    get: async (ref) => viewOf(await own(ref)),
    async forget(ref) {
      const { id, userId } = await own(ref);
      return { forgotten: (await memories.forget(userId, [id], null)).length };
    },
    async forgetAll(userId) {
      for (let forgotten = 0; ;) {
        const facts = await memories.list(userId, null, forgetPage);
        if (facts.length === 0) return { forgotten };
        const ids = facts.map(({ id }) => id);
        forgotten += (await memories.forget(userId, ids, null)).length;
      }
    },
  };
}

/** @throws GH_REQUEST_INVALID */
function cursorOf(cursor: string | undefined): FactCursor | null {
  if (cursor === undefined) return null;
  const [, at = '', id = ''] = /^(\d{1,15})_(.+)$/.exec(cursor) ?? [];
  if (id !== '') return { createdAt: Number(at), id };
  throw new GatehouseError('GH_REQUEST_INVALID', 'cursor: not one of a page', { param: 'cursor' });
}

const viewOf = (one: Fact): FactView => ({
  id: one.id,
  memory_id: one.id,
  user_id: one.userId,
  text: one.text,
  created_by: one.createdBy,
  channel: one.channel,
  job_id: one.jobId,
  created_at: isoTime(one.createdAt),
});
