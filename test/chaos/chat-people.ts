/**
 * A simulated user of the chat: asks questions, confirms or rejects drafts, presses buttons twice, cancels with a
 * message, types several messages in a row, presses old buttons. The seed determines the next action; the results
 * depend on the storm.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Post } from '#simulators/synology-chat/chat-types';
import type { FakeDsm, SentPost } from '#simulators/synology-chat/dsm-controls';
import type { Random } from '#simulators/random';
import { createMessageWriter, type Ledger } from './ledger.ts';
import { requestPhrases } from './marks.ts';
import type { Sent } from './observations.ts';

/** The longest time that a user waits for a draft. */
const buttonTimeoutMs = 5_000;

export interface PersonOptions {
  dsm: FakeDsm;
  board: ButtonBoard;
  ledger: Ledger;
  userId: number;
  random: Random;
  /** The average pause between two actions of a user. */
  pauseMs: number;
  /** True: no new action starts. */
  isOver(): boolean;
}

/** Acts until `isOver`, then waits for the open requests. */
export async function runPerson(options: PersonOptions): Promise<void> {
  const person = createPerson(options);
  const { random, pauseMs, isOver } = options;
  while (!isOver()) {
    await sleep(pauseMs * (0.3 + 1.4 * random()));
    if (!isOver()) await person.actOnce();
  }
  await person.atRest();
}

/** The posts with buttons, found by mark or by user. */
export interface ButtonBoard {
  /** Waits for the post of the draft; null after `timeoutMs`. */
  shown(mark: string, timeoutMs: number): Promise<Post | null>;
  /** All posts with buttons in this user's conversation so far. */
  ofPerson(userId: number): readonly Post[];
  close(): void;
}

export function createButtonBoard(dsm: FakeDsm): ButtonBoard {
  const known: Post[] = [];
  const waiting = new Map<string, (post: Post) => void>();
  const close = dsm.subscribe((happening) => {
    if (happening.type !== 'post' || happening.post.attachments.length === 0) return;
    const { post } = happening;
    known.push(post);
    const text = JSON.stringify([post.text, post.attachments]);
    for (const [mark, take] of waiting) if (text.includes(mark)) take(post);
  });
  const owner = ({ conversationId }: Post): number | null => {
    const place = dsm.conversations().find(({ id }) => id === conversationId);
    return place?.kind === 'direct' ? place.userId : null;
  };
  return {
    async shown(mark, timeoutMs) {
      const { promise, resolve } = Promise.withResolvers<Post>();
      waiting.set(mark, resolve);
      const timer = new AbortController();
      const tooLong = sleep(timeoutMs, null, { signal: timer.signal }).catch(() => null);
      const post = await Promise.race([promise, tooLong]);
      timer.abort();
      waiting.delete(mark);
      return post;
    },
    ofPerson: (userId) => known.filter((post) => owner(post) === userId),
    close,
  };
}

function createPerson({ dsm, board, ledger, userId, random, isOver }: PersonOptions) {
  const pen = createMessageWriter(ledger, 'chat', String(userId), `c${userId}`);
  const open: Promise<unknown>[] = [];
  let mayBeUnordered = false;

  /** Sends the message; resolves when the bridge has accepted it. */
  const type = async (sent: Sent): Promise<void> => {
    // No user can type while Chat is stopped.
    let typed: SentPost | null = null;
    while (typed === null) {
      try {
        typed = dsm.say({ userId, text: sent.text });
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        await sleep(100);
      }
    }
    const [delivery] = await typed.settled;
    if (delivery?.state === 'answered') sent.accepted = { jobId: null };
  };
  const say = async (text: string, change: Parameters<typeof pen.write>[1] = {}): Promise<Sent> => {
    const sent = pen.write(text, { inOrder: !mayBeUnordered, ...change });
    mayBeUnordered = false;
    await type(sent);
    return sent;
  };
  const press = (post: Post, value: string): void => {
    try {
      open.push(dsm.press({ userId, postId: post.postId, value }).settled);
    } catch (error) {
      // A click may have replaced the buttons.
      if (!(error instanceof RangeError)) throw error;
    }
  };
  const valueOf = (post: Post, action: 'confirm' | 'reject'): string =>
    post.attachments.flatMap(({ actions }) => actions).find(({ value }) => value.startsWith(action))
      ?.value ?? action;
  /** A consent in words applies to any waiting draft of the user. */
  const agreeInWords = async (word: string): Promise<void> => {
    for (const { mark, userId: owner } of ledger.sent) {
      if (mark !== null && owner === String(userId)) ledger.consented.add(mark);
    }
    await say(word, { marked: false, kind: 'word' });
  };

  const decide = async (mark: string, post: Post): Promise<void> => {
    const drawn = random();
    if (drawn < 0.25) {
      ledger.consented.add(mark);
      press(post, valueOf(post, 'confirm'));
    } else if (drawn < 0.45) {
      ledger.consented.add(mark);
      // Press twice, as users do after no visible reaction.
      press(post, valueOf(post, 'confirm'));
      press(post, valueOf(post, 'confirm'));
    } else if (drawn < 0.55) {
      ledger.consented.add(mark);
      press(post, valueOf(post, 'confirm'));
      press(post, valueOf(post, 'reject'));
    } else if (drawn < 0.65) press(post, valueOf(post, 'reject'));
    else if (drawn < 0.8) await agreeInWords('확인');
    else if (drawn < 0.9) await say('취소', { marked: false, kind: 'word' });
    // Otherwise the draft is not answered and expires.
  };

  const acts: readonly [weight: number, act: () => Promise<unknown>][] = [
    [28, () => say(requestPhrases.plain)],
    [14, () => say(requestPhrases.deep)],
    [5, () => say(requestPhrases.long)],
    [5, () => say(requestPhrases.ask)],
    [5, () => say(requestPhrases.look)],
    [5, () => say(requestPhrases.ruled, { marked: false })],
    [2, () => say(`${requestPhrases.plain} ${'긴 말 '.repeat(2_100)}`, { kind: 'tooLong' })],
    [
      14,
      async () => {
        const { mark } = await say(requestPhrases.draft);
        const post = await board.shown(mark!, buttonTimeoutMs);
        if (post !== null && !isOver()) await decide(mark!, post);
      },
    ],
    [
      6,
      async () => {
        await say(requestPhrases.slow);
        await sleep(1_500 * random());
        await say(random() < 0.5 ? '취소' : '그만', { marked: false, kind: 'word' });
      },
    ],
    [
      4,
      async () => {
        const sent = Array.from({ length: 3 }, () =>
          pen.write(requestPhrases.plain, { inOrder: false }),
        );
        mayBeUnordered = true;
        await Promise.all(sent.map(type));
      },
    ],
    [
      4,
      async () => {
        const posts = board.ofPerson(userId);
        const post = posts[Math.floor(random() * posts.length)];
        // Rejects only: a late consent would make the audit of the calendar ambiguous.
        if (post !== undefined) press(post, valueOf(post, 'reject'));
      },
    ],
    [
      4,
      async () => {
        const past = dsm.deliveries().filter((one) => one.userId === userId);
        const delivery = past[Math.floor(random() * past.length)];
        if (delivery?.state === 'answered') open.push(dsm.redeliver(delivery.id));
      },
    ],
  ];
  const total = acts.reduce((sum, [weight]) => sum + weight, 0);
  return {
    async actOnce(): Promise<void> {
      let drawn = random() * total;
      const [, act] = acts.find(([weight]) => (drawn -= weight) < 0) ?? acts[0]!;
      await act();
    },
    /** Waits until all open requests have ended. */
    async atRest(): Promise<void> {
      await Promise.all(open);
    },
  };
}
