/** A request about reminders, as the rules read it. Resolved with the message's own clock: no model takes part. */
import type { KnownWhen, When, WhenContext } from './when-types.ts';

export type ScheduleRequestKind = 'reminder' | 'prompt' | 'digest';

/** Which of the user's reminders is meant. All given properties must hold. */
export interface ReminderSelector {
  /** Words of its text. */
  words?: string;
  /** `HH:MM`, any of them. */
  times?: string[];
  /** 0 Monday to 6 Sunday: due on all of these. */
  weekdays?: number[];
  /** `YYYY-MM-DD`: due on this day. */
  date?: string;
  /** In the order of the list, from 1. */
  index?: number;
  all?: boolean;
  /** The one that was set last. */
  last?: boolean;
}

/** The new time of a moved reminder. */
export type MoveTarget =
  | { time?: string; isHalfOpen?: boolean; date?: string }
  | { rule: Extract<When, { ok: true }> };

export type ScheduleRequest =
  | { do: 'set'; kind: ScheduleRequestKind; text: string; when: When }
  | { do: 'list' }
  | { do: 'cancel' | 'pause' | 'resume'; which: ReminderSelector }
  | { do: 'move'; which: ReminderSelector; to: MoveTarget | null }
  /** Another time for the reminder that was set just before, in this conversation. */
  | { do: 'correct'; to: MoveTarget | null }
  /** Null: for the usual time. */
  | { do: 'snooze'; when: When | null }
  /** `isOfSet`: 취소 takes back what was set, and restores nothing. */
  | { do: 'undo'; isOfSet: boolean };

export interface ScheduleClause {
  /** Normalised, in lower case. */
  text: string;
  /** The same with capitals, of the same length. */
  cased: string;
  context: WhenContext;
}

/** Makes a reading doubtful: its words were not all in one place. */
export const doubtful = (when: When): When =>
  when.ok ? ({ ...when, isDoubtful: true } satisfies KnownWhen) : when;
