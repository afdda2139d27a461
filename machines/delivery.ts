/**
 * One reply on its way into a chat, part by part, until the chat has it or it is known that it has not.
 *
 * - `waiting`    its next part may be sent when it is its turn
 * - `sending`    a request may be out: this is on disk before the first byte, so that a process that died
 *                here knows that it does not know
 * - `pausing`    the chat has said not now, or could not be reached: the part is sent again after `pauseMs`
 * - `sent`       final: the chat has taken every part
 * - `uncertain`  final: of at least one part nobody knows whether it is there; it was not sent again
 * - `dead`       final: given up, with the reason
 * - `dropped`    final: not needed any more (a notice whose answer came first)
 *
 * D1: a part is sent again only where the chat has said that it did not take it, or no byte of it left.
 * D2: after a part of which nobody knows, the next part goes on: a hole is better than a missing rest, and
 *     the whole is marked `uncertain`.
 * D3: every reply ends: only an outage (`unreachable`, `stopped`) is waited out, until `expired`.
 */
import { assign, setup } from 'xstate';

export interface DeliveryInput {
  /** UTF-16 units of the whole text. */
  length: number;
  /** Code points that one part may have. */
  limit: number;
}

export interface DeliveryContext extends DeliveryInput {
  /** Where the next part begins in the text, in UTF-16 units. */
  offset: number;
  /** Where the part that is being sent ends. */
  next: number;
  /** Parts that the chat has taken. */
  posts: number;
  /** Parts of which nobody knows. */
  lost: number;
  /** Refusals of the current part in a row, for the length of the pause. */
  tries: number;
  /** Refusals of the current part that may be the part's own fault. */
  strikes: number;
  pauseMs: number;
  error: string | null;
}

export type DeliveryEvent =
  /** The part up to `next` is about to be sent. */
  | { type: 'send'; next: number }
  /** The part up to `next` is blank: there is nothing to post. */
  | { type: 'skip'; next: number }
  | { type: 'posted' }
  /** The request was out, and no readable answer came. */
  | { type: 'lost'; error: string }
  /** The process that had sent it died. */
  | { type: 'restarted' }
  | { type: 'tooFast' }
  /** The chat takes no part of `chars` code points. */
  | { type: 'tooLong'; chars: number; error: string }
  | { type: 'unreachable'; error: string }
  /** The machine is there, but takes nothing from anybody: its chat has stopped, or does not run yet. */
  | { type: 'stopped'; error: string }
  /** It may work with another try; if not, it is this part. */
  | { type: 'busy'; error: string }
  | { type: 'refused'; error: string }
  /** The pause is over. */
  | { type: 'resume' }
  /** Nobody waits for it any more, or it has no place any more: `error` says which. */
  | { type: 'expired'; error?: string }
  | { type: 'drop' };

/** Synology Chat wants 0.5 to 0.7 s between posts; longer than 8 s makes people wait for nothing. */
const tooFastMs = { first: 700, max: 8_000 };
/** A NAS that restarts is away for minutes. Shorter fills its log, longer leaves people waiting after it is back. */
const outageMs = { first: 1_000, max: 30_000 };
/** A package that was stopped is started by a person. */
const stoppedMs = { first: 5_000, max: 60_000 };
const busyMs = { first: 2_000, max: 30_000 };
/** No pause is longer. */
export const pauseMsMax = Math.max(tooFastMs.max, outageMs.max, stoppedMs.max, busyMs.max);
/** Sources disagree on whether 117 is "busy" or "illegal": a few tries tell. */
const strikesMax = 3;
/** A chat that refuses this little as too long means something else. */
const charsMin = 40;

interface Backoff {
  first: number;
  max: number;
}

const later = (backoff: Backoff, tries: number): number =>
  Math.min(backoff.max, backoff.first * 2 ** Math.min(tries, 16));

/** '' where the event carries none. */
export const errorOf = (event: DeliveryEvent): string =>
  'error' in event ? (event.error ?? '') : '';

const deliverySetup = setup({
  types: {
    context: {} as DeliveryContext,
    events: {} as DeliveryEvent,
    input: {} as DeliveryInput,
    meta: {} as { label: string },
    tags: {} as 'open' | 'in-doubt',
  },
  actions: {
    aim: assign(({ event }) => ({ next: (event as { next: number }).next })),
    moveOn: assign(({ context }) => ({ offset: context.next })),
    countPost: assign(({ context }) => ({
      posts: context.posts + 1,
      offset: context.next,
      tries: 0,
      strikes: 0,
    })),
    countLost: assign(({ context, event }) => ({
      lost: context.lost + 1,
      offset: context.next,
      tries: 0,
      strikes: 0,
      error: errorOf(event) || 'the process ended while the post was out',
    })),
    shorten: assign(({ context, event }) => ({
      limit: Math.min(context.limit, Math.ceil((event as { chars: number }).chars / 2)),
    })),
    pause: assign(({ context }, params: Backoff) => ({
      pauseMs: later(params, context.tries),
      tries: context.tries + 1,
    })),
    strike: assign(({ context }) => ({ strikes: context.strikes + 1 })),
    note: assign(({ event }) => ({ error: errorOf(event) })),
    noteExpiry: assign(({ context, event }) => ({
      error:
        errorOf(event) || `given up after waiting: ${context.error ?? 'it never came to its turn'}`,
    })),
  },
  guards: {
    isWhole: ({ context }) => context.offset >= context.length,
    isDoubtful: ({ context }) => context.lost > 0,
    isTiny: ({ event }) => (event as { chars: number }).chars <= charsMin,
    isOut: ({ context }) => context.strikes >= strikesMax,
  },
});

export const deliveryMachine = deliverySetup.createMachine({
  id: 'delivery',
  context: ({ input }) => ({
    ...input,
    offset: 0,
    next: 0,
    posts: 0,
    lost: 0,
    tries: 0,
    strikes: 0,
    pauseMs: 0,
    error: null,
  }),
  initial: 'waiting',
  states: {
    waiting: {
      meta: { label: 'Waits for its turn' },
      tags: 'open',
      on: {
        send: { target: 'sending', actions: 'aim' },
        skip: { target: 'next', actions: ['aim', 'moveOn'] },
        drop: 'dropped',
        expired: { target: 'dead', actions: 'noteExpiry' },
      },
    },
    sending: {
      meta: { label: 'A post may be out' },
      tags: ['open', 'in-doubt'],
      on: {
        posted: { target: 'next', actions: 'countPost' },
        lost: { target: 'next', actions: 'countLost' },
        restarted: { target: 'next', actions: 'countLost' },
        tooFast: { target: 'pausing', actions: { type: 'pause', params: tooFastMs } },
        unreachable: { target: 'pausing', actions: ['note', { type: 'pause', params: outageMs }] },
        stopped: { target: 'pausing', actions: ['note', { type: 'pause', params: stoppedMs }] },
        busy: [
          { guard: 'isOut', target: 'dead', actions: 'note' },
          { target: 'pausing', actions: ['note', 'strike', { type: 'pause', params: busyMs }] },
        ],
        tooLong: [
          { guard: 'isTiny', target: 'dead', actions: 'note' },
          { target: 'waiting', actions: 'shorten' },
        ],
        refused: { target: 'dead', actions: 'note' },
      },
    },
    pausing: {
      meta: { label: 'Tried again after a pause' },
      tags: 'open',
      on: {
        resume: 'waiting',
        drop: 'dropped',
        expired: { target: 'dead', actions: 'noteExpiry' },
      },
    },
    next: {
      meta: { label: 'Is there more of it?' },
      always: [{ guard: 'isWhole', target: 'whole' }, { target: 'waiting' }],
    },
    whole: {
      meta: { label: 'Every part was tried' },
      always: [{ guard: 'isDoubtful', target: 'uncertain' }, { target: 'sent' }],
    },
    sent: { meta: { label: 'The chat has it' }, type: 'final' },
    uncertain: { meta: { label: 'Nobody knows; not sent again' }, type: 'final' },
    dead: { meta: { label: 'Given up' }, type: 'final' },
    dropped: { meta: { label: 'Not needed any more' }, type: 'final' },
  },
});
