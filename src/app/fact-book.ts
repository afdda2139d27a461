/** Connects the chat's tool of the memory to the memory. */
import type { Fact } from '#memory/fact';
import type { Memories } from '#memory/memories';
import type { Persons } from '#shared/persons';
import type { FactBook } from '#tools/memory/fact-book';

const rowsPerRead = 1_000;
/** The fact that was told last is among the newest. */
const lookedAtMax = 20;
/** Facts that a selection of words is compared with. */
const fittingMax = 32;

export function createFactBook(memories: Memories, persons: Persons): FactBook {
  const newest = (userId: string, limit: number): Promise<Fact[]> =>
    memories.list(userId, null, limit);
  const find = (userId: string, id: string): Promise<Fact | null> => memories.find(userId, id);
  return {
    keep: ({ key, ...fact }) => memories.keep({ ...fact, createdBy: 'chat', idempotencyKey: key }),
    similarTo: async (id) => memories.similarTo(await memories.get(id)),
    newest,
    async all(userId) {
      const all = await newest(userId, rowsPerRead);
      for (let page = all; page.length === rowsPerRead;) {
        page = await memories.list(userId, page.at(-1)!, rowsPerRead);
        all.push(...page);
      }
      return all;
    },
    count: (userId) => memories.count(userId),
    fitting: (userId, words) =>
      memories.fitting(userId, words, { count: fittingMax, chars: Infinity }),
    async last({ userId, channel, thread }, since) {
      const chatOf = (one: string): string => persons.conversationOf({ userId, channel: one });
      const isOfHere = (of: string | null): boolean =>
        of === channel ||
        (of !== null && (thread ?? null) === null && chatOf(of) === chatOf(channel));
      const found = (await newest(userId, lookedAtMax)).find(
        (one) => isOfHere(one.channel) && one.createdBy === 'chat',
      );
      return found !== undefined && found.createdAt >= since ? found : null;
    },
    find,
    forget: async (userId, ids, jobId) => (await memories.forget(userId, ids, jobId)).length,
  };
}
