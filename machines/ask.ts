/**
 * A question to the documents, answered by a model that looks things up itself: at most so many rounds of tool
 * calls, model calls and look-ups, and whatever happens a last call that must answer. Pure; docs/ask.md has the
 * limits in prose, ask-steps.ts what happens to the data.
 *
 * - `deciding`    pure, left at once: what comes next follows from the counters and the time
 * - `thinking`    the model answers, or asks for look-ups
 * - `searching`   the look-ups of a round, side by side; the gate is free meanwhile
 * - `concluding`  the last call: no tool may be called, the instruction stands at the end
 * - `answered`    final: with a text, or with the sources alone
 * - `failed`      final: the server gave no answer
 *
 * Run as a live actor: an ask has one reader, who asks again where it breaks off. The effects are `model` and
 * `lookUp`; neither throws, their outcomes are data. Leaving a state aborts its effect. While the last call runs,
 * `written` says what the reader sees of it: where time runs out, that is the answer.
 */
import { assign, emit, fromPromise, setup } from 'xstate';
import * as steps from './ask-steps.ts';
import type {
  AskContext,
  AskEmitted,
  AskInput,
  AskOutput,
  AskWritten,
  LookupCall,
  LookupsDone,
  ModelCall,
  ModelTurn,
} from './ask-types.ts';

const effect = <Output, Input>(name: string) =>
  fromPromise<Output, Input>(() => Promise.reject(new Error(`effect ${name} was not provided`)));

/** The result of an effect: an event of XState itself. */
const outputOf = <Output>(event: unknown): Output => (event as { output: Output }).output;
const turnOf = (event: unknown): ModelTurn => outputOf<ModelTurn>(event);

const modelCall = (context: AskContext, choice: ModelCall['choice']): ModelCall => ({
  messages: choice === 'none' ? steps.closingMessages(context) : context.messages,
  choice,
  withTools: context.withTools,
  call: context.modelCalls,
  round: context.rounds,
});

export const askMachine = setup({
  types: {
    context: {} as AskContext,
    events: {} as AskWritten,
    input: {} as AskInput,
    emitted: {} as AskEmitted,
    output: {} as AskOutput,
    meta: {} as { label: string; gate?: string },
  },
  actors: {
    model: effect<ModelTurn, ModelCall>('model'),
    lookUp: effect<LookupsDone, LookupCall>('lookUp'),
  },
  actions: {
    countCall: assign(({ context }) => ({ modelCalls: context.modelCalls + 1, shown: '' })),
    keepWritten: assign(({ context, event }) => steps.keepWritten(context, event)),
    keepText: assign(({ context, event }) =>
      steps.keepText(context, turnOf(event) as Extract<ModelTurn, { ok: true }>),
    ),
    giveUp: assign(({ context, event }) => steps.giveUp(context, turnOf(event))),
    recordFailure: assign(({ event }) => {
      const turn = turnOf(event);
      return { failure: turn.ok ? null : turn.failure };
    }),
    recordNoTime: assign({ failure: steps.outOfTime }),
    keepAnswer: assign(({ context, event }) => steps.keepAnswer(context, turnOf(event))),
    serve: assign(({ context, event }) =>
      steps.serve(context, turnOf(event) as Extract<ModelTurn, { ok: true }>),
    ),
    settle: assign(({ context, event }) => steps.settle(context, outputOf<LookupsDone>(event))),
    planOwnSearch: assign(({ context }) => steps.planOwnSearch(context)),
    runLate: assign(({ context }) => steps.runLate(context)),
    runOut: assign(({ context }) => steps.runOut(context)),
    tellSources: emit(({ context }) => ({ type: 'sources' as const, sources: context.sources })),
    tellRound: emit(({ context, event }) => {
      const turn = turnOf(event) as Extract<ModelTurn, { ok: true }>;
      return {
        type: 'round' as const,
        round: context.rounds,
        calls: turn.calls.map(({ id, name, arguments: text, wants }) => ({
          id,
          name,
          arguments: text,
          ...('error' in wants ? { error: wants.error } : {}),
        })),
      };
    }),
  },
  guards: {
    hasPlan: ({ context }) => context.plan.length > 0,
    owesSearch: ({ context }) => steps.owesSearch(context),
    mustClose: ({ context }) => steps.mustClose(context),
    hasCalls: ({ event }) => {
      const turn = turnOf(event);
      return turn.ok && turn.calls.length > 0;
    },
    hasText: ({ event }) => {
      const turn = turnOf(event);
      return turn.ok && turn.text.trim() !== '';
    },
    isGone: ({ event }) => {
      const turn = turnOf(event);
      return !turn.ok && (turn.kind === 'gone' || turn.kind === 'refuses-tools');
    },
    isGoneForGood: ({ event }) => {
      const turn = turnOf(event);
      return !turn.ok && turn.kind === 'gone';
    },
    isLateForNothing: ({ context, event }) => {
      const turn = turnOf(event);
      return !turn.ok && turn.kind === 'late' && context.sources.length === 0;
    },
    hasSources: ({ context }) => context.sources.length > 0,
    hasAnything: ({ context }) => context.sources.length > 0 || context.shown.trim() !== '',
  },
  delays: {
    THINKING_TIME: ({ context }) => Math.max(0, context.deadlineAt - context.at - context.finalMs),
    FINAL_TIME: ({ context }) => Math.max(0, context.deadlineAt - context.at),
  },
}).createMachine({
  id: 'ask',
  context: ({ input }) => steps.begin(input),
  output: ({ context }) => ({
    failure: context.failure,
    text: context.text,
    isBrokenOff: context.isBrokenOff,
    sources: context.sources,
    shortfalls: context.shortfalls,
    rounds: context.rounds,
    modelCalls: context.modelCalls,
    lookups: context.lookups,
  }),
  initial: 'deciding',
  states: {
    deciding: {
      meta: { label: 'Pure decision' },
      always: [
        { guard: 'hasPlan', target: 'searching' },
        { guard: 'owesSearch', target: 'searching', actions: 'planOwnSearch' },
        { guard: 'mustClose', target: 'concluding' },
        { target: 'thinking' },
      ],
    },

    thinking: {
      meta: { label: 'The model answers or looks things up', gate: 'react' },
      entry: 'countCall',
      invoke: {
        id: 'model',
        src: 'model',
        input: ({ context }) => modelCall(context, 'auto'),
        onDone: [
          { guard: 'isGoneForGood', target: 'failed', actions: 'recordFailure' },
          { guard: 'hasCalls', target: 'deciding', actions: ['serve', 'tellRound'] },
          { guard: 'hasText', target: 'answered', actions: 'keepText' },
          { target: 'deciding', actions: 'giveUp' },
        ],
      },
      after: { THINKING_TIME: { target: 'deciding', actions: 'runLate' } },
    },

    searching: {
      meta: { label: 'What was asked for is looked up' },
      invoke: {
        id: 'lookUp',
        src: 'lookUp',
        input: ({ context }) => ({
          plan: context.plan,
          sources: context.sources,
          charsMax: steps.shareOf(context),
          round: context.rounds,
        }),
        onDone: { target: 'deciding', actions: ['settle', 'tellSources'] },
      },
      after: {
        FINAL_TIME: [
          { guard: 'hasSources', target: 'answered', actions: 'runOut' },
          { target: 'failed', actions: 'recordNoTime' },
        ],
      },
    },

    concluding: {
      meta: { label: 'The last call: no tools, an answer', gate: 'react' },
      entry: 'countCall',
      invoke: {
        id: 'model',
        src: 'model',
        input: ({ context }) => modelCall(context, 'none'),
        onDone: [
          { guard: 'isGone', target: 'failed', actions: 'recordFailure' },
          { guard: 'isLateForNothing', target: 'failed', actions: 'recordFailure' },
          { target: 'answered', actions: 'keepAnswer' },
        ],
      },
      on: { written: { actions: 'keepWritten' } },
      after: {
        FINAL_TIME: [
          { guard: 'hasAnything', target: 'answered', actions: 'runOut' },
          { target: 'failed', actions: 'recordNoTime' },
        ],
      },
    },

    answered: { type: 'final', meta: { label: 'Answered' } },
    failed: { type: 'final', meta: { label: 'The server gave no answer' } },
  },
});
