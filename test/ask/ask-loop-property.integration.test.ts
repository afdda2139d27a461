/** The ask loop with random models: the limits hold, and every tool call is answered once. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RetrievalStore } from '#ask/retrieval';
import { createAskLoop, askLoopLimits } from '#ask/ask-loop';
import type {
  Backend,
  ErrorReason,
  ModelOutcome,
  ModelRequest,
  ModelToolCall,
} from '#shared/model/model';
import { GatehouseError } from '#shared/errors';
import { silentLog } from '#shared/log';
import { answersOf } from './setting.ts';

type Behaviour =
  | { does: 'says'; text: string; finishReason: 'stop' | 'length' }
  | { does: 'calls'; calls: ModelToolCall[]; text: string; finishReason: 'tool_calls' | 'length' }
  | { does: 'fails'; errorReason: ErrorReason; status: number | null };

const timings = { queueMs: 0, firstTokenMs: 1, totalMs: 2 };

/** A model that goes through its behaviours in turn, even if tool calls are not allowed. */
function modelOf(behaviours: readonly Behaviour[]): { backend: Backend; requests: ModelRequest[] } {
  const requests: ModelRequest[] = [];
  const run = (request: ModelRequest): Promise<ModelOutcome> => {
    const behaviour = behaviours[requests.length % behaviours.length]!;
    requests.push(request);
    const common = { backend: 'b', timings };
    if (behaviour.does === 'fails') {
      const { errorReason, status } = behaviour;
      const failure = { message: 'no', partialText: '', retryAfterMs: null };
      return Promise.resolve({ ok: false, ...common, ...failure, errorReason, status });
    }
    const toolCalls = behaviour.does === 'calls' ? behaviour.calls : [];
    const { text, finishReason } = behaviour;
    return Promise.resolve({ ok: true, ...common, text, toolCalls, finishReason, usage: null });
  };
  return { backend: { id: 'b', model: 'm', pictureTypes: [], run }, requests };
}

const titles = ['가', '나', '다'];

function libraryOf(brokenQuery: string): { library: RetrievalStore; blends: string[] } {
  const blends: string[] = [];
  const library: RetrievalStore = {
    rank: async (_user, query) => ({
      ids: titles.filter((title) => query.includes(title)),
      isExact: true,
    }),
    getHit: async (_user, id) => (titles.includes(id) ? { id, title: id, snippet: id } : null),
    mergeSemantic(_user, query, found) {
      blends.push(query);
      if (query.includes(brokenQuery)) return Promise.reject(new Error('the disk is gone'));
      return Promise.resolve(found);
    },
    getTitle: async (_user, id) => (titles.includes(id) ? id : null),
    async getPassage(_user, id, { from = 0 }, charsMax) {
      if (!titles.includes(id)) return null;
      const text = `${id} "`.repeat(900);
      const to = Math.min(text.length, from + charsMax);
      return { text: text.slice(from, to), from, to, length: text.length };
    },
  };
  return { library, blends };
}

const args = fc.oneof(
  fc
    .record({ query: fc.constantFrom('가', '나', '가 나 다', 'x', '') })
    .map((one) => JSON.stringify(one)),
  fc.record({ id: fc.constantFrom('가', '없음') }).map((one) => JSON.stringify(one)),
  fc.constantFrom(
    '{"query": "가"',
    '```{"query":"나",}```',
    '',
    'null',
    '[]',
    '{"query":{"a":1}}',
    '가'.repeat(4_000),
  ),
  fc.string(),
);
const call: fc.Arbitrary<ModelToolCall> = fc.record({
  id: fc.oneof(fc.constantFrom('a', 'b', '', 'gatehouse', 'x'.repeat(99)), fc.string()),
  type: fc.constant('function' as const),
  function: fc.record({
    name: fc.constantFrom('search', 'search_documents', 'read', 'rm -rf', ''),
    arguments: args,
  }),
});
const behaviour: fc.Arbitrary<Behaviour> = fc.oneof(
  fc.record({
    does: fc.constant('says' as const),
    text: fc.constantFrom(
      '답',
      '',
      '  ',
      '<tool_call>{"name":"search","arguments":{"query":"나"}}',
      '<tool_call>{',
    ),
    finishReason: fc.constantFrom('stop' as const, 'length' as const),
  }),
  fc.record({
    does: fc.constant('calls' as const),
    calls: fc.array(call, { minLength: 1, maxLength: 12 }),
    text: fc.constantFrom('', '찾아볼게요'),
    finishReason: fc.constantFrom('tool_calls' as const, 'length' as const),
  }),
  fc.record({
    does: fc.constant('fails' as const),
    errorReason: fc.constantFrom<ErrorReason>(
      'empty_answer',
      'unclosed_thinking',
      'answer_too_long',
      'connection_lost',
      'http_4xx',
      'http_5xx',
      'deadline',
      'queue_full',
    ),
    status: fc.constantFrom(null, 400, 401, 500),
  }),
);

const runs = 400;

async function ask(behaviours: Behaviour[], brokenQuery: string, found: boolean) {
  const { backend, requests } = modelOf(behaviours);
  const { library, blends } = libraryOf(brokenQuery);
  const react = createAskLoop({
    library,
    selectBackend: () => backend,
    timeLimitMs: () => 0,
    clock: { now: () => 1_795_000_000_000 },
    timeZone: 'Asia/Seoul',
    log: silentLog(),
  });
  const seen: string[][] = [];
  const outcome = await react(
    {
      query: '가 나',
      userId: 'u',
      backend: null,
      debug: true,
      ...(found
        ? { found: { query: '가', isExact: true, hits: [{ id: '가', title: '가', snippet: '' }] } }
        : {}),
    },
    {
      sources: (sources) => seen.push(sources.map(({ id }) => id)),
      round: () => undefined,
      text: () => undefined,
      queued: () => undefined,
    },
    new AbortController().signal,
  );
  return { outcome, requests, blends, seen };
}

describe('the ask loop, whatever a model does', () => {
  test('keeps its limits, answers every tool call once, and returns an answer or an error', async () => {
    const ends = { answered: 0, partial: 0, failed: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(behaviour, { minLength: 1, maxLength: 5 }),
        fc.constantFrom('다', 'nothing is broken'),
        fc.boolean(),
        async (behaviours, brokenQuery, found) => {
          const { outcome, requests, blends, seen } = await ask(behaviours, brokenQuery, found);
          expect(requests.length).toBeLessThanOrEqual(askLoopLimits.modelCalls);
          expect(outcome.llmCalls).toBe(requests.length);
          expect(outcome.toolRounds).toBeLessThanOrEqual(askLoopLimits.rounds);
          const made = outcome.trace!.filter(({ step }) => step === 'look-up');
          const counted = made.flatMap(({ logged }) => {
            const { lookups, found } = logged as { lookups: string[]; found: (number | null)[] };
            return lookups.filter((kind, index) => kind === 'search' || found[index] !== null);
          });
          expect(counted.length + (found ? 1 : 0)).toBeLessThanOrEqual(askLoopLimits.lookups);
          expect(blends.length).toBeLessThanOrEqual(askLoopLimits.lookups);

          for (const { messages, toolChoice } of requests) {
            const answers = answersOf(messages);
            expect(new Set(answers.map(([id]) => id)).size).toBe(answers.length);
            expect(answers.every(([, times]) => times === 1)).toBe(true);
            const texts = messages.filter(({ role }) => role === 'tool').map((one) => one.content);
            expect(texts.join('').length).toBeLessThan(askLoopLimits.totalCharsMax + 3_000);
            for (const { tool_calls: calls = [] } of messages) {
              for (const one of calls) JSON.parse(one.function.arguments);
            }
            if (toolChoice === 'none') expect(messages.at(-1)!.role).toBe('user');
          }

          if (outcome.ok) {
            ends[outcome.partial ? 'partial' : 'answered'] += 1;
            expect(outcome.answer.trim()).not.toBe('');
            const ids = outcome.sources.map(({ id }) => id);
            expect(new Set(ids).size).toBe(ids.length);
            // The numbers of sources never change: each list begins with the previous list.
            for (const list of seen) expect(ids.slice(0, list.length)).toEqual(list);
          } else {
            ends.failed += 1;
            expect(outcome.error).toBeInstanceOf(GatehouseError);
            expect(outcome.error.errorReason).not.toBeNull();
          }
        },
      ),
      { numRuns: runs },
    );
    // Each kind of end must occur often enough.
    for (const count of Object.values(ends)) expect(count).toBeGreaterThan(runs / 100);
  });
});
