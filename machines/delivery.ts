/**
 * Delivers one reply to a chat, part by part, each part at most once.
 *
 * - `waiting`    the next part may be sent when the reply is scheduled
 * - `sending`    a request may have been sent: stored before the first byte leaves, so that a restarted process knows
 *                that the result is unknown
 * - `pausing`    the chat refused for now, or could not be reached: the part is sent again after `pauseMs`
 * - `sent`       final: the chat has accepted every part
 * - `uncertain`  final: it is unknown whether at least one part arrived; that part was not sent again
 * - `dead`       final: given up, with the reason
 * - `dropped`    final: no longer needed (a notice whose answer came first)
 *
 * D1: a part is sent again only if the chat reported that it did not accept it, or no byte of it was sent.
 * D2: after a part with an unknown result, the next part is sent: a gap is better than losing the rest, and the whole
 *     reply is marked `uncertain`.
 * D3: every reply ends: only an outage (`unreachable`, `stopped`) is waited out, until `expired`.
 */
import { assign, setup } from 'xstate';

export interface DeliveryInput {
  /** Length of the whole text in UTF-16 units. */
  length: number;
  /** Maximum length of one part, counted as the chat counts. */
  limit: number;
}

export interface DeliveryContext extends DeliveryInput {
  /** Start of the next part in the text, in UTF-16 units. */
  offset: number;
  /** End of the part that is being sent, in UTF-16 units. */
  next: number;
  /** Number of parts that the chat accepted. */
  posts: number;
  /** Number of parts with an unknown result. */
  lost: number;
  /** Consecutive refusals of the current part; determines the length of the pause. */
  tries: number;
  /** Refusals of the current part that its content may have caused. */
  strikes: number;
  pauseMs: number;
  error: string | null;
  /** The chat's id of the last post, if it gave one. */
  postId: string | null;
}

/** A refusal for now. `afterMs`: the least pause, by the chat's own word. */
type Retry<Type, Fields = { error: string }> = { type: Type; afterMs?: number } & Fields;

export type DeliveryEvent =
  /** The part up to `next` is about to be sent. */
  | { type: 'send'; next: number }
  /** The part up to `next` is blank: nothing to post. */
  | { type: 'skip'; next: number }
  | { type: 'posted'; postId?: string }
  /** The request was sent, and no readable response came. */
  | { type: 'lost'; error: string }
  /** The process died while the request was out. */
  | { type: 'restarted' }
  | Retry<'tooFast', unknown>
  /** The chat accepts no part of this length, counted as the chat counts. */
  | { type: 'tooLong'; chars: number; error: string }
  | Retry<'unreachable'>
  /** The server is reachable, but its chat accepts no posts: it was stopped, or is still starting. */
  | Retry<'stopped'>
  /** A retry may succeed; if not, the part itself is the cause. */
  | Retry<'busy'>
  | { type: 'refused'; error: string }
  /** The pause is over. */
  | { type: 'resume' }
  /** The reply is too old, or its target no longer exists: `error` says which. */
  | { type: 'expired'; error?: string }
  | { type: 'drop' };

/** Chats require about half a second between posts; more than 8 s would delay replies without need. */
const tooFastMs = { first: 700, max: 8_000 };
/** A server restarts in minutes. Shorter pauses fill its log, longer pauses delay replies after it is back. */
const outageMs = { first: 1_000, max: 30_000 };
/** A stopped chat is started again by its administrator. */
const stoppedMs = { first: 5_000, max: 60_000 };
const busyMs = { first: 2_000, max: 30_000 };
/** Upper bound of all pauses that the chat has not asked for. */
export const pauseMsMax = Math.max(tooFastMs.max, outageMs.max, stoppedMs.max, busyMs.max);
/** A chat may report a post that it never accepts as "busy": a few retries decide. */
const strikesMax = 3;
/** A chat that refuses a part this short as too long means something else. */
const charsMin = 40;

interface Backoff {
  first: number;
  max: number;
}

const backoffMs = (backoff: Backoff, tries: number): number =>
  Math.min(backoff.max, backoff.first * 2 ** Math.min(tries, 16));

/** '' when the event carries no error. */
export const eventError = (event: DeliveryEvent): string =>
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
    countPost: assign(({ context, event }) => ({
      posts: context.posts + 1,
      postId: (event as { postId?: string }).postId ?? null,
      offset: context.next,
      tries: 0,
      strikes: 0,
    })),
    countLost: assign(({ context, event }) => ({
      lost: context.lost + 1,
      offset: context.next,
      tries: 0,
      strikes: 0,
      error: eventError(event) || 'the process ended while the post was out',
    })),
    shorten: assign(({ context, event }) => ({
      limit: Math.min(context.limit, Math.ceil((event as { chars: number }).chars / 2)),
    })),
    pause: assign(({ context, event }, params: Backoff) => ({
      pauseMs: Math.max(backoffMs(params, context.tries), (event as Retry<string>).afterMs ?? 0),
      tries: context.tries + 1,
    })),
    strike: assign(({ context }) => ({ strikes: context.strikes + 1 })),
    note: assign(({ event }) => ({ error: eventError(event) })),
    noteExpiry: assign(({ context, event }) => ({
      error:
        eventError(event) ||
        `given up after waiting: ${context.error ?? 'it never came to its turn'}`,
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
    postId: null,
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
