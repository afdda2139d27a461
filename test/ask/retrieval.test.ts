/** The cost of retrieval before the model call: only returned texts are read, and the event loop is not blocked. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { retrieveSources, type RetrievalStore } from '#ask/retrieval';
import { openLibrary } from '#test/library/library-fixture';

test('retrieval for a long question over many documents reads five texts, each step in its own event loop turn', async () => {
  const { library, storage, add, close } = await openLibrary();
  onTestFinished(close);
  for (let n = 0; n < 40; n += 1) await add(`회의 보고서 내용… 비용 ${n} 정리`, `문서 ${n}`);
  const steps: { turn: number; isText: boolean }[] = [];
  let turn = 0;
  let timer = setImmediate(function count() {
    turn += 1;
    timer = setImmediate(count);
  });
  onTestFinished(() => clearImmediate(timer));
  vi.spyOn(storage, 'find');
  const asked: RetrievalStore = {
    async rank(...args) {
      steps.push({ turn, isText: false });
      const { found, isExact } = await library.rank(...args);
      return { ids: found.map(({ id }) => id), isExact };
    },
    getHit(...args) {
      steps.push({ turn, isText: true });
      return library.getHit(...args);
    },
    mergeSemantic: (_user, _query, found) => Promise.resolve(found),
    getTitle: () => Promise.resolve(null),
    getPassage: () => Promise.resolve(null),
  };
  const { hits, isExact } = await retrieveSources(asked, {
    userId: 'minji',
    query: '지난번 회의에서 정한 보일러 교체 비용 보고서 내용을 정리해서 알려줄 수 있어?',
    limit: 5,
    signal: new AbortController().signal,
  });
  expect([hits.length, isExact]).toEqual([5, false]);
  expect(storage.find).toHaveBeenCalledTimes(5);
  expect(steps.filter(({ isText }) => isText)).toHaveLength(5);
  expect(new Set(steps.map((step) => step.turn)).size).toBe(steps.length);
});
