/**
 * The lifecycle of one message, from its acceptance to its one visible end.
 *
 * - `ack`            stored and acknowledged; waits for earlier messages of the conversation, then the rules are
 *                    applied
 * - `classify`       the classifier model decides what to do; if it fails, the message is answered directly
 * - `route`          pure decision, left at once
 * - `tools`          runs the tools, then a model summarizes the result
 * - `confirm-draft`  shows the planned write and waits for the user's confirmation; the only way to a write
 * - `reason`         the large model answers
 * - `fallback`       the classifier model answers: after a failed reasoner, or when neither tools nor the reasoner are
 *                    needed
 * - `done`           final, always with a text for the user
 * - `cancelled`      final, from any state; never leads to `fallback`
 *
 * A state that uses a model has the children `running` and `queued`: its timeout counts while the model runs, not while
 * the request waits at the gate. Nondeterministic input enters as the result of an effect (`invoke`); output leaves as
 * emitted events.
 */
import { jobSetup, promptOf } from './job-setup.ts';

/** Increment with every change of states, events or context; docs/storage.md describes what happens to open jobs. */
export const jobMachineVersion = 2;

export const jobMachine = jobSetup.createMachine({
  id: 'job',
  context: ({ input }) => ({
    ...input,
    state: 'ack',
    why: null,
    now: '',
    decision: null,
    results: [],
    draft: null,
    failure: null,
    outcome: null,
    reply: '',
    models: [],
    cancelledBy: null,
  }),
  initial: 'ack',
  on: {
    cancel: { target: '.cancelled', actions: 'cancelWith' },
    progress: { actions: 'emitProgress' },
  },
  states: {
    ack: {
      meta: { label: 'Stored and acknowledged', stage: 'accepted' },
      entry: 'emitAck',
      invoke: {
        id: 'admit',
        src: 'admit',
        input: ({ context }) => ({ message: context.message }),
        onDone: [
          { guard: 'isRuled', target: 'route', actions: 'keepAdmission' },
          { target: 'classify', actions: 'keepAdmission' },
        ],
        onError: { target: 'done', actions: ['recordFailure', 'replyApology', 'emitFailure'] },
      },
    },

    classify: {
      meta: { label: 'The classifier decides', gate: 'classifier' },
      entry: [
        { type: 'announce', params: { state: 'classify' } },
        { type: 'remember', params: { state: 'classify' } },
      ],
      invoke: {
        id: 'classify',
        src: 'classify',
        input: ({ context }) => ({ message: context.message, now: context.now }),
        onDone: { target: 'route', actions: 'keepDecision' },
        onError: { target: 'route', actions: 'decideDirect' },
      },
      initial: 'running',
      states: {
        running: {
          on: { 'gate.queued': { target: 'queued', actions: 'emitProgress' } },
          after: { CLASSIFY_TIMEOUT: { target: '#job.route', actions: 'decideDirectLate' } },
        },
        queued: {
          tags: 'waits-for-gate',
          on: { 'gate.granted': 'running' },
          after: { QUEUE_TIMEOUT: { target: '#job.route', actions: 'decideDirectLate' } },
        },
      },
    },

    route: {
      meta: { label: 'Pure decision' },
      entry: [
        { type: 'announce', params: { state: 'route' } },
        { type: 'remember', params: { state: 'route' } },
      ],
      always: [
        { guard: 'isAnswered', target: 'done', actions: 'replyFromDecision' },
        { guard: 'wantsTools', target: 'tools' },
        { guard: 'wantsReasoner', target: 'reason' },
        { target: 'fallback' },
      ],
    },

    tools: {
      meta: { label: 'Tools run' },
      entry: [
        { type: 'announce', params: { state: 'tools' } },
        { type: 'remember', params: { state: 'tools' } },
      ],
      initial: 'run',
      states: {
        run: {
          meta: { label: 'The tools are called' },
          invoke: {
            id: 'runTools',
            src: 'runTools',
            input: ({ context }) => ({
              calls: context.decision?.calls ?? [
                { tool: 'system', operation: 'status', params: {} },
              ],
              now: context.now,
            }),
            onDone: [
              { guard: 'hasDraft', target: '#job.confirm-draft', actions: 'keepTools' },
              {
                guard: 'allFailed',
                target: '#job.done',
                actions: ['keepTools', 'recordToolFailure', 'replyToolFailure', 'emitFailure'],
              },
              { target: 'word', actions: 'keepTools' },
            ],
            onError: {
              target: '#job.done',
              actions: ['recordFailure', 'replyToolFailure', 'emitFailure'],
            },
          },
          after: {
            TOOL_TIMEOUT: {
              target: '#job.done',
              actions: ['recordTimeout', 'replyToolFailure', 'emitFailure'],
            },
          },
        },
        word: {
          meta: { label: 'The result is put into words', gate: 'classifier' },
          invoke: {
            id: 'word',
            src: 'word',
            input: ({ context }) => ({
              message: context.message,
              now: context.now,
              results: context.results,
            }),
            onDone: { target: '#job.done', actions: 'keepAnswer' },
            onError: { target: '#job.done', actions: ['recordFailure', 'replySummary'] },
          },
          // One timeout covers queue and model: the tool's own summary is already a good answer, so the user should not
          // wait in a queue for a better wording.
          on: { 'gate.queued': { actions: 'emitProgress' } },
          after: {
            CLASSIFY_TIMEOUT: { target: '#job.done', actions: ['recordTimeout', 'replySummary'] },
          },
        },
      },
    },

    'confirm-draft': {
      meta: { label: 'A person decides', stage: 'confirm' },
      entry: [
        { type: 'announce', params: { state: 'confirm-draft' } },
        { type: 'remember', params: { state: 'confirm-draft' } },
      ],
      initial: 'asking',
      states: {
        asking: {
          meta: { label: 'Waits for yes or no' },
          tags: 'waits-for-person',
          entry: 'emitDraft',
          on: {
            confirm: 'executing',
            reject: { target: '#job.done', actions: 'replyDeclined' },
            // The reply refers to the previous draft, or is not a plain yes or no: the draft is shown again.
            'confirm.early': { actions: 'emitDraft' },
            edit: { target: 'revising', actions: 'keepChanges' },
          },
          after: { CONFIRM_TTL: { target: '#job.cancelled', actions: 'cancelExpired' } },
        },
        revising: {
          meta: { label: 'The draft is changed' },
          invoke: {
            id: 'revise',
            src: 'revise',
            input: ({ context }) => ({
              draft: context.draft!,
              changes: context.changes ?? {},
              now: context.now,
            }),
            onDone: { target: 'asking', actions: 'keepDraft' },
            // The unchanged draft is shown again: a failed change loses nothing.
            onError: 'asking',
          },
          // A confirmation does not count before the changed draft was shown; a rejection and a further change do.
          on: {
            'confirm.early': { actions: 'emitChanging' },
            reject: { target: '#job.done', actions: 'replyDeclined' },
            edit: { target: 'revising', reenter: true, actions: 'addChanges' },
          },
          after: { TOOL_TIMEOUT: 'asking' },
        },
        executing: {
          meta: { label: 'The tool writes, once' },
          tags: 'writes',
          invoke: {
            id: 'execute',
            src: 'execute',
            input: ({ context }) => ({ draft: context.draft! }),
            onDone: { target: '#job.done', actions: 'keepWritten' },
            onError: {
              target: '#job.done',
              actions: ['recordFailure', 'replyUncertain', 'emitFailure'],
            },
          },
          on: { cancel: { target: '#job.cancelled', actions: 'cancelWhileWriting' } },
          after: {
            TOOL_TIMEOUT: {
              target: '#job.done',
              actions: ['recordTimeout', 'replyUncertain', 'emitFailure'],
            },
          },
        },
      },
    },

    reason: {
      meta: { label: 'The reasoner answers', gate: 'reasoner' },
      entry: [
        { type: 'announce', params: { state: 'reason' } },
        { type: 'remember', params: { state: 'reason' } },
        'emitPrompt',
        'emitDeeper',
      ],
      invoke: {
        id: 'reason',
        src: 'reason',
        input: ({ context }) => ({ message: promptOf(context), now: context.now }),
        onDone: { target: 'done', actions: 'keepAnswer' },
        onError: { target: 'fallback', actions: ['recordFailure', 'emitSwitch'] },
      },
      initial: 'running',
      states: {
        running: {
          on: { 'gate.queued': { target: 'queued', actions: 'emitProgress' } },
          after: {
            ANSWER_TIMEOUT: { target: '#job.fallback', actions: ['recordTimeout', 'emitSwitch'] },
          },
        },
        queued: {
          tags: 'waits-for-gate',
          on: { 'gate.granted': 'running' },
          after: {
            QUEUE_TIMEOUT: { target: '#job.fallback', actions: ['recordTimeout', 'emitSwitch'] },
          },
        },
      },
    },

    fallback: {
      meta: { label: 'The classifier model answers', gate: 'classifier', stage: 'answer' },
      entry: [
        { type: 'announce', params: { state: 'fallback' } },
        { type: 'remember', params: { state: 'fallback' } },
      ],
      invoke: {
        id: 'answer',
        src: 'answer',
        input: ({ context }) => ({ message: context.message, now: context.now }),
        onDone: { target: 'done', actions: 'keepAnswer' },
        onError: { target: 'done', actions: ['recordFailure', 'replyApology', 'emitFailure'] },
      },
      initial: 'running',
      states: {
        running: {
          on: { 'gate.queued': { target: 'queued', actions: 'emitProgress' } },
          after: {
            ANSWER_TIMEOUT: {
              target: '#job.done',
              actions: ['recordTimeout', 'replyApology', 'emitFailure'],
            },
          },
        },
        queued: {
          tags: 'waits-for-gate',
          on: { 'gate.granted': 'running' },
          after: {
            QUEUE_TIMEOUT: {
              target: '#job.done',
              actions: ['recordTimeout', 'replyApology', 'emitFailure'],
            },
          },
        },
      },
    },

    done: {
      meta: { label: 'Done' },
      type: 'final',
      entry: [
        { type: 'announce', params: { state: 'done' } },
        { type: 'remember', params: { state: 'done' } },
        'emitResult',
        'emitDone',
      ],
    },

    cancelled: {
      meta: { label: 'Cancelled', tone: 'stopped' },
      type: 'final',
      entry: [
        { type: 'announce', params: { state: 'cancelled' } },
        { type: 'remember', params: { state: 'cancelled' } },
        'emitCancelled',
      ],
    },
  },
});
