/**
 * Answers a question from the documents with a model that makes its own look-ups. Rounds of tool calls, model calls and
 * look-ups are limited, and a final call without tools must answer in every case. Pure; the limits are described in
 * docs/ask.md, the data changes are in ask-steps.ts.
 *
 * - `deciding`    pure, left at once: the next state follows from the counters and the time
 * - `thinking`    the model answers, or requests look-ups
 * - `searching`   the look-ups of a round run in parallel; the gate is free meanwhile
 * - `concluding`  the final call: tools are not allowed, the instruction is appended at the end
 * - `answered`    final: with a text, or with the sources alone
 * - `failed`      final: the server gave no answer
 *
 * Runs as a live actor and is not persisted: an ask has one client, which repeats it when the connection breaks. The
 * effects `model` and `lookUp` never throw; their failures are data. Leaving a state aborts its effect. While the final
 * call runs, `written` reports the text that the user sees; when time runs out, that text is the answer.
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
  LookupResults,
  ModelCall,
  ModelCallResult,
} from './ask-types.ts';

const effect = <Output, Input>(name: string) =>
  fromPromise<Output, Input>(() => Promise.reject(new Error(`effect ${name} was not provided`)));

/** The result of an effect: a built-in XState event. */
const outputOf = <Output>(event: unknown): Output => (event as { output: Output }).output;
const modelResultOf = (event: unknown): ModelCallResult => outputOf<ModelCallResult>(event);

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
    model: effect<ModelCallResult, ModelCall>('model'),
    lookUp: effect<LookupResults, LookupCall>('lookUp'),
  },
  actions: {
    countCall: assign(({ context }) => ({ modelCalls: context.modelCalls + 1, shown: '' })),
    keepWritten: assign(({ context, event }) => steps.keepWritten(context, event)),
    keepText: assign(({ context, event }) =>
      steps.keepText(context, modelResultOf(event) as Extract<ModelCallResult, { ok: true }>),
    ),
    giveUp: assign(({ context, event }) => steps.giveUp(context, modelResultOf(event))),
    recordFailure: assign(({ event }) => {
      const modelResult = modelResultOf(event);
      return { failure: modelResult.ok ? null : modelResult.failure };
    }),
    recordNoTime: assign({ failure: steps.outOfTime }),
    keepAnswer: assign(({ context, event }) => steps.keepAnswer(context, modelResultOf(event))),
    applyToolCalls: assign(({ context, event }) =>
      steps.applyToolCalls(context, modelResultOf(event) as Extract<ModelCallResult, { ok: true }>),
    ),
    applyLookupResults: assign(({ context, event }) =>
      steps.applyLookupResults(context, outputOf<LookupResults>(event)),
    ),
    planOwnSearch: assign(({ context }) => steps.planOwnSearch(context)),
    runLate: assign(({ context }) => steps.runLate(context)),
    runOut: assign(({ context }) => steps.runOut(context)),
    emitSources: emit(({ context }) => ({ type: 'sources' as const, sources: context.sources })),
    emitRound: emit(({ context, event }) => {
      const modelResult = modelResultOf(event) as Extract<ModelCallResult, { ok: true }>;
      return {
        type: 'round' as const,
        round: context.rounds,
        calls: modelResult.calls.map(({ id, name, arguments: text, wants }) => ({
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
      const modelResult = modelResultOf(event);
      return modelResult.ok && modelResult.calls.length > 0;
    },
    hasText: ({ event }) => {
      const modelResult = modelResultOf(event);
      return modelResult.ok && modelResult.text.trim() !== '';
    },
    isGone: ({ event }) => {
      const modelResult = modelResultOf(event);
      return (
        !modelResult.ok && (modelResult.kind === 'gone' || modelResult.kind === 'refuses-tools')
      );
    },
    isGoneForGood: ({ event }) => {
      const modelResult = modelResultOf(event);
      return !modelResult.ok && modelResult.kind === 'gone';
    },
    isLateForNothing: ({ context, event }) => {
      const modelResult = modelResultOf(event);
      return !modelResult.ok && modelResult.kind === 'late' && context.sources.length === 0;
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
  context: ({ input }) => steps.initialContext(input),
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
          { guard: 'hasCalls', target: 'deciding', actions: ['applyToolCalls', 'emitRound'] },
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
          charsMax: steps.charsPerResult(context),
          round: context.rounds,
        }),
        onDone: { target: 'deciding', actions: ['applyLookupResults', 'emitSources'] },
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
