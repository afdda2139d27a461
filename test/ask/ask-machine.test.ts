/** The ask machine by itself, in simulated time: the deadline, and which calls are aborted when. */
import { createActor, fromPromise, SimulatedClock } from 'xstate';
import { describe, expect, test } from 'vitest';
import { askMachine } from '#machines/ask';
import type {
  AskInput,
  FoundSource,
  LookupCall,
  LookupResults,
  ModelCall,
  ModelCallResult,
} from '#machines/ask-types';

const source: FoundSource = { id: 'd', title: '문서', snippet: '…' };
const startAt = 1_000_000;

const input = (more: Partial<AskInput> = {}): AskInput => ({
  limits: {
    rounds: 2,
    modelCalls: 3,
    lookups: 2,
    resultCharsMax: 2_000,
    totalCharsMax: 4_000,
  },
  query: '질문',
  messages: [
    { role: 'system', content: 's' },
    { role: 'user', content: '질문' },
  ],
  closing: '지금 답하십시오',
  at: startAt,
  deadlineAt: startAt + 60_000,
  finalMs: 10_000,
  found: null,
  ...more,
});

/** Starts the machine with effects that the test ends, and whose abort signals it sees. */
function start(more: Partial<AskInput> = {}) {
  const clock = new SimulatedClock();
  const modelCalls: { call: ModelCall; signal: AbortSignal; end: (turn: object) => void }[] = [];
  const lookups: { call: LookupCall; end: (sources: FoundSource[]) => void }[] = [];
  const time = () => ({ at: startAt + clock.now(), finalMs: 10_000 });
  const machine = askMachine.provide({
    actors: {
      model: fromPromise<ModelCallResult, ModelCall>(
        ({ input: call, signal }) =>
          new Promise((resolve) => {
            const end = (turn: object): void => resolve({ ...turn, ...time() } as ModelCallResult);
            modelCalls.push({ call, signal, end });
          }),
      ),
      lookUp: fromPromise<LookupResults, LookupCall>(
        ({ input: call }) =>
          new Promise((resolve) => {
            const end = (sources: FoundSource[]): void =>
              resolve({
                ...time(),
                results: call.plan.map(({ callId }) => ({
                  callId,
                  ok: true,
                  content: '[]',
                  sources,
                  query: '질문',
                })),
              });
            lookups.push({ call, end });
          }),
      ),
    },
  });
  const actor = createActor(machine, { input: input(more), clock });
  actor.start();
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { actor, clock, modelCalls, lookups, settled };
}

const says = (text: string) => ({ ok: true, text, calls: [], isCut: false });

describe('the deadline', () => {
  test('aborts the first call in time for a final call with the search results of the question itself', async () => {
    const { actor, clock, modelCalls, lookups, settled } = start();
    clock.increment(49_999);
    expect(actor.getSnapshot().value).toBe('thinking');
    clock.increment(1);
    expect(actor.getSnapshot().value).toBe('searching');
    expect(modelCalls[0]!.signal.aborted).toBe(true);
    lookups[0]!.end([source]);
    await settled();
    expect(modelCalls[1]!.call).toMatchObject({ choice: 'none', withTools: true });
    modelCalls[1]!.end(says('답'));
    await settled();
    expect(actor.getSnapshot().output).toMatchObject({
      text: '답',
      failure: null,
      shortfalls: ['deadline'],
      sources: [{ id: 'd' }],
    });
  });

  test('ends with the sources only if the final call does not answer in time', async () => {
    const { actor, clock, modelCalls, lookups, settled } = start();
    clock.increment(50_000);
    lookups[0]!.end([source]);
    await settled();
    clock.increment(10_000);
    expect(modelCalls[1]!.signal.aborted).toBe(true);
    expect(actor.getSnapshot()).toMatchObject({
      value: 'answered',
      output: { text: '', shortfalls: ['deadline'], sources: [{ id: 'd' }] },
    });
  });

  test('in the middle of the final call ends with the text sent so far, with or without sources', async () => {
    for (const found of [[source], []]) {
      const { actor, clock, modelCalls, lookups, settled } = start();
      // Text of an earlier call: discarded when the final call begins.
      actor.send({ type: 'written', content: '찾아볼게요', replaces: false });
      clock.increment(50_000);
      lookups[0]!.end(found);
      await settled();
      actor.send({ type: 'written', content: '반쪽', replaces: false });
      actor.send({ type: 'written', content: '보증은 ', replaces: true });
      actor.send({ type: 'written', content: '2027년', replaces: false });
      clock.increment(10_000);
      expect(modelCalls[1]!.signal.aborted).toBe(true);
      expect(actor.getSnapshot()).toMatchObject({
        value: 'answered',
        output: { text: '보증은 2027년', isBrokenOff: true, shortfalls: ['deadline'] },
      });
    }
  });

  test('without text and sources is a failure with its reason', async () => {
    const { actor, clock, lookups, settled } = start();
    clock.increment(50_000);
    lookups[0]!.end([]);
    await settled();
    clock.increment(10_000);
    expect(actor.getSnapshot()).toMatchObject({
      value: 'failed',
      output: { failure: { errorReason: 'deadline' } },
    });
  });

  test('that leaves no time for two calls makes the first call the final call', async () => {
    const { actor, modelCalls, lookups, settled } = start({ deadlineAt: startAt + 9_000 });
    expect(actor.getSnapshot().value).toBe('searching');
    lookups[0]!.end([source]);
    await settled();
    expect(modelCalls.map(({ call }) => call.choice)).toEqual(['none']);
  });
});

describe('the ask machine', () => {
  test('has a label at every state', () => {
    for (const state of Object.values(askMachine.states)) {
      expect(state.config.meta?.label).toMatch(/\w/);
    }
  });

  test('aborts its running model call when it is stopped', () => {
    const { actor, modelCalls } = start();
    actor.stop();
    expect(modelCalls[0]!.signal.aborted).toBe(true);
  });

  test('counts a search that was made before its start as the first round', () => {
    const found = { query: '보일러', content: '[1]', sources: [source] };
    const { actor, modelCalls } = start({ found });
    const { messages, round } = modelCalls[0]!.call;
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool']);
    expect(round).toBe(1);
    expect(actor.getSnapshot().context).toMatchObject({ lookups: 1, sources: [{ round: 1 }] });
  });
});
