/**
 * The building blocks of the job machine: effects, emitted events, context updates, guards and delays. Pure: guards and
 * actions read context and event only. The states are in job.ts.
 */
import { assign, emit, fromPromise, setup } from 'xstate';
import type {
  AdmitResult,
  Answer,
  BusyLoad,
  Draft,
  EffectFailure,
  JobContext,
  JobEmitted,
  JobEvent,
  JobInput,
  JobState,
  OfferedCalls,
  ScheduledOccurrence,
  ToolResult,
  ToolsReport,
} from './job-types.ts';
import { replyOffers } from './job-types.ts';
import { describeDecision, type Decision, type ToolCall } from './decision.ts';
import { textsOf } from './texts.ts';

/** The machine only names its effects; the journal runs them after the commit that caused them. */
const effect = <Output, Input>(name: string) =>
  fromPromise<Output, Input>(() => Promise.reject(new Error(`effect ${name} was not provided`)));

interface Classification {
  decision: Decision;
  backend: string | null;
  reasonerLoad?: BusyLoad;
}

interface MessageInput {
  message: string;
  now: string;
}

/** Result or error of an effect: built-in XState events, which `types.events` does not list. */
const outputOf = <Output>(event: unknown): Output => (event as { output: Output }).output;
const failureOf = (event: unknown): EffectFailure => (event as { error: EffectFailure }).error;

const changesIn = (event: JobEvent): Record<string, unknown> =>
  (event as Extract<JobEvent, { type: 'edit' }>).changes;

const timedOut: EffectFailure = {
  code: 'GH_JOB_TIMEOUT',
  message: 'the step took longer than its limit',
};

/** Prompt for the reasoner: the user's own message, truncated, never the classifier's rewrite. */
export const promptOf = (context: JobContext): string =>
  Array.from(context.message).slice(0, context.limits.reasonPromptMaxChars).join('');

/** Mentions a busy reasoner, and a message that was truncated for it. */
function deeperText({ locale, message, limits, reasonerLoad }: JobContext): string {
  const texts = textsOf(locale);
  const { reasonPromptMaxChars } = limits;
  const isCut = Array.from(message).length > reasonPromptMaxChars;
  return [
    texts.deeper,
    ...(reasonerLoad === undefined ? [] : [texts.reasonerBusy(reasonerLoad === 'very_busy')]),
    ...(isCut ? [texts.promptCut(reasonPromptMaxChars)] : []),
  ].join(' ');
}

const summaryOf = (results: ToolResult[]): string =>
  results.map((result) => result.summary).join('\n\n');

/** Only a draft of the calendar is an entry to look for there. */
const uncertainText = (
  { locale, draft }: JobContext,
  ofCalendar: 'draftUncertain' | 'cancelledWhileWriting',
  ofOthers: 'callUncertain' | 'cancelledWhileCalling',
): string => textsOf(locale)[draft === null || draft.tool === 'calendar' ? ofCalendar : ofOthers];

const directAnswer = (reason: string): Decision => ({ by: 'classifier', action: 'direct', reason });

export const jobSetup = setup({
  types: {
    context: {} as JobContext,
    events: {} as JobEvent,
    input: {} as JobInput,
    emitted: {} as JobEmitted,
    meta: {} as {
      /** What happens in the state. */
      label: string;
      gate?: 'classifier' | 'reasoner';
      /** One word for `gatehouse chat`; the name of the state by default. */
      stage?: string;
      /** Of a pill in a list; by default `busy`, or `asks` where a person decides. */
      tone?: 'busy' | 'asks' | 'stopped';
    },
    tags: {} as 'waits-for-person' | 'waits-for-gate' | 'writes',
  },
  actors: {
    admit: effect<AdmitResult, { message: string }>('admit'),
    classify: effect<Classification, MessageInput>('classify'),
    runTools: effect<ToolsReport, { calls: ToolCall[]; now: string }>('runTools'),
    word: effect<Answer, MessageInput & { results: ToolResult[] }>('word'),
    revise: effect<Draft, { draft: Draft; changes: Record<string, unknown>; now: string }>(
      'revise',
    ),
    execute: effect<ToolResult, { draft: Draft }>('execute'),
    reason: effect<Answer, MessageInput>('reason'),
    answer: effect<Answer, MessageInput>('answer'),
  },
  actions: {
    // Emitted events.
    announce: emit(({ context }, params: { state: JobState }) => ({
      type: 'state' as const,
      state: params.state,
      data: {
        from: context.state,
        to: params.state,
        ...(context.why === null ? {} : { reason: context.why }),
        ...(params.state === 'route' && context.decision !== null
          ? { decision: describeDecision(context.decision) }
          : {}),
      },
    })),
    emitAck: emit(({ context }) => ({
      type: 'ack' as const,
      state: 'ack' as const,
      data: {
        message: textsOf(context.locale).ack,
        text: context.message,
        ...(context.scheduled === undefined ? {} : scheduleFields(context.scheduled)),
      },
    })),
    emitProgress: emit(({ context, event }) => {
      const { message, queue } = event as Extract<JobEvent, { type: 'progress' }>;
      return {
        type: 'processing' as const,
        state: context.state,
        data: {
          message: message ?? textsOf(context.locale).queued(queue?.ahead ?? 0),
          ...(queue === undefined ? {} : { queue }),
        },
      };
    }),
    emitDeeper: emit(({ context }) => ({
      type: 'processing' as const,
      state: 'reason' as const,
      data: { message: deeperText(context) },
    })),
    emitPrompt: emit(({ context }) => ({
      type: 'rewrite' as const,
      state: 'reason' as const,
      data: { content: promptOf(context) },
    })),
    emitSwitch: emit(({ context }) => ({
      type: 'error' as const,
      state: context.state,
      data: errorData(context, textsOf(context.locale).switchingModel),
    })),
    emitFailure: emit(({ context }) => ({
      type: 'error' as const,
      state: context.state,
      data: errorData(context, context.reply),
    })),
    emitDraft: emit(({ context }) => ({
      type: 'result' as const,
      state: 'confirm-draft' as const,
      data: {
        content: textsOf(context.locale).askConfirm(context.draft?.summary ?? ''),
        final: false,
      },
    })),
    emitChanging: emit(({ context }) => ({
      type: 'processing' as const,
      state: 'confirm-draft' as const,
      data: { message: textsOf(context.locale).draftChanging },
    })),
    emitResult: emit(({ context }) => ({
      type: 'result' as const,
      state: 'done' as const,
      data: {
        content: context.reply,
        final: true,
        // After a failure this text replaces everything streamed before.
        ...(context.failure === null ? {} : { replaces: true }),
      },
    })),
    emitDone: emit(({ context }) => ({
      type: 'done' as const,
      state: 'done' as const,
      data: { outcome: context.outcome, reply: context.reply, ...offersOf(context) },
    })),
    emitCancelled: emit(({ context }) => ({
      type: 'cancelled' as const,
      state: 'cancelled' as const,
      data: { by: context.cancelledBy, reply: context.reply },
    })),

    // Context updates.
    remember: assign((_, params: { state: JobState }) => ({ state: params.state, why: null })),
    keepAdmission: assign(({ event }) => outputOf<AdmitResult>(event)),
    keepDecision: assign(({ context, event }) => {
      const { decision, backend, reasonerLoad } = outputOf<Classification>(event);
      return {
        decision,
        models: withModel(context, backend),
        ...(reasonerLoad === undefined ? {} : { reasonerLoad }),
      };
    }),
    keepTools: assign(({ event }) => outputOf<ToolsReport>(event)),
    keepChanges: assign(({ event }) => ({ changes: changesIn(event) })),
    addChanges: assign(({ context, event }) => ({
      changes: { ...context.changes, ...changesIn(event) },
    })),
    keepDraft: assign(({ event }) => ({ draft: outputOf<Draft>(event) })),
    keepAnswer: assign(({ context, event }) => {
      const { text, backend } = outputOf<Answer>(event);
      return {
        outcome: 'answered' as const,
        reply: text,
        models: withModel(context, backend),
      };
    }),
    keepWritten: assign(({ event }) => {
      const result = outputOf<ToolResult>(event);
      return {
        results: [result],
        outcome: result.ok ? ('answered' as const) : ('failed' as const),
        reply: result.summary,
        failure: result.error,
      };
    }),
    decideDirect: assign(({ event }) => ({
      decision: directAnswer(failureOf(event).code),
      why: failureOf(event).code,
    })),
    decideDirectLate: assign({ decision: directAnswer(timedOut.code), why: timedOut.code }),
    recordFailure: assign(({ event }) => ({
      failure: failureOf(event),
      why: failureOf(event).errorReason ?? failureOf(event).code,
    })),
    recordTimeout: assign({ failure: timedOut, why: timedOut.code }),
    recordToolFailure: assign(({ context }) => ({
      failure: context.results.find((result) => result.error !== null)?.error ?? timedOut,
    })),

    // Outcomes and final replies.
    replyFromDecision: assign(({ context }) => ({
      outcome:
        context.decision?.action === 'clarify' ? ('clarified' as const) : ('answered' as const),
      reply: context.decision?.response ?? '',
    })),
    replySummary: assign(({ context }) => ({
      outcome: 'answered' as const,
      reply: summaryOf(context.results),
    })),
    replyToolFailure: assign(({ context }) => ({
      outcome: 'failed' as const,
      reply: summaryOf(context.results) || textsOf(context.locale).toolFailed,
    })),
    replyDeclined: assign(({ context }) => ({
      outcome: 'declined' as const,
      reply: textsOf(context.locale).draftRejected,
    })),
    replyUncertain: assign(({ context }) => ({
      outcome: 'failed' as const,
      reply: uncertainText(context, 'draftUncertain', 'callUncertain'),
    })),
    replyApology: assign(({ context }) => ({
      outcome: 'failed' as const,
      reply: textsOf(context.locale).noAnswer,
    })),
    cancelWith: assign(({ context, event }) => ({
      cancelledBy: (event as Extract<JobEvent, { type: 'cancel' }>).by,
      reply: textsOf(context.locale).cancelled,
    })),
    cancelWhileWriting: assign(({ context, event }) => ({
      cancelledBy: (event as Extract<JobEvent, { type: 'cancel' }>).by,
      reply: uncertainText(context, 'cancelledWhileWriting', 'cancelledWhileCalling'),
    })),
    cancelExpired: assign(({ context }) => ({
      cancelledBy: 'expiry',
      reply: textsOf(context.locale).draftExpired,
    })),
  },
  guards: {
    isRuled: ({ event }) => outputOf<AdmitResult>(event).decision !== null,
    isAnswered: ({ context: { decision } }) =>
      (decision?.action === 'direct' || decision?.action === 'clarify') && !!decision.response,
    wantsTools: ({ context: { decision } }) =>
      decision?.action === 'system_status' ||
      (decision?.action === 'tools' && (decision.calls?.length ?? 0) > 0),
    wantsReasoner: ({ context }) =>
      context.decision?.action === 'route' && context.limits.pipelineEnabled,
    hasDraft: ({ event }) => outputOf<ToolsReport>(event).draft !== null,
    allFailed: ({ event }) => outputOf<ToolsReport>(event).results.every((result) => !result.ok),
  },
  delays: {
    CLASSIFY_TIMEOUT: ({ context }) => context.limits.classifyTimeoutMs,
    TOOL_TIMEOUT: ({ context }) => context.limits.toolTimeoutMs,
    CONFIRM_TTL: ({ context }) => context.limits.confirmTtlMs,
    ANSWER_TIMEOUT: ({ context }) => context.limits.answerTimeoutMs,
    QUEUE_TIMEOUT: ({ context }) => context.limits.queueTimeoutMs,
  },
});

/** The buttons under the answer, and what each of them calls. */
function offersOf({ results, scheduled, outcome }: JobContext): Record<string, unknown> {
  if (outcome !== 'answered') return {};
  const calls: OfferedCalls = Object.assign(
    {},
    scheduled?.offers,
    ...results.map((result) => result.offers),
  );
  const offers = replyOffers.filter((offer) => calls[offer] !== undefined);
  return offers.length === 0 ? {} : { offers, offer_calls: calls };
}

const scheduleFields = (scheduled: ScheduledOccurrence) => ({
  schedule: scheduleView(scheduled),
  schedule_id: scheduled.scheduleId,
  scheduled_for: scheduled.wall,
});

const scheduleView = ({ scheduleId, kind, wall, outcome }: ScheduledOccurrence) => ({
  scheduleId,
  kind,
  wall,
  outcome,
});

function errorData(context: JobContext, message: string): Record<string, unknown> {
  return {
    code: context.failure?.code ?? 'GH_JOB_FAILED',
    message,
    ...(context.failure?.errorReason === undefined
      ? {}
      : { error_reason: context.failure.errorReason }),
    ...(context.failure?.detail === undefined ? {} : { error_detail: context.failure.detail }),
  };
}

const withModel = (context: JobContext, backend: string | null): string[] =>
  backend === null ? context.models : [...context.models, backend];
