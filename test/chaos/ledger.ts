/** The record of all actions of the users and clients of the storm, for the audit. */
import { markOf } from './marks.ts';
import type { CancelSeen, ExplicitSeen, MadeSchedule, Observations, Sent } from './observations.ts';
import type { StateEvent } from '#shared/wire/state-event';

export interface Ledger {
  readonly sent: Sent[];
  readonly consented: Set<string>;
  readonly cancels: CancelSeen[];
  readonly explicit: ExplicitSeen[];
  readonly memos: { id: string; userId: string; text: string }[];
  readonly followed: Map<string, StateEvent[]>;
  readonly schedules: MadeSchedule[];
  readonly refusals: Observations['refusals'];
  /** The number of messages accepted so far. */
  readonly accepted: number;
  /** True while no fault of the storm is active, and its takeovers are over. */
  isCalm: boolean;
}

export function createLedger(): Ledger {
  const sent: Sent[] = [];
  return {
    sent,
    consented: new Set(),
    cancels: [],
    explicit: [],
    memos: [],
    followed: new Map(),
    schedules: [],
    refusals: [],
    get accepted() {
      return sent.reduce((sum, { accepted }) => sum + (accepted === null ? 0 : 1), 0);
    },
    isCalm: false,
  };
}

/** Writes the messages of one user. */
export function createMessageWriter(ledger: Ledger, via: Sent['via'], userId: string, who: string) {
  let n = 0;
  return {
    /** `words`, with a mark unless `marked` is false. */
    write(
      words: string,
      { marked = true, kind = 'question', inOrder = true }: WriteOptions = {},
    ): Sent {
      n += 1;
      const mark = marked ? markOf(who, n) : null;
      const text = mark === null ? words : `${words} ${mark}`;
      const sent: Sent = { via, userId, n, mark, text, kind, inOrder, accepted: null };
      ledger.sent.push(sent);
      return sent;
    },
  };
}

interface WriteOptions {
  marked?: boolean;
  kind?: Sent['kind'];
  inOrder?: boolean;
}
