/** Port to the stored schedules: what the chat needs of them. */
export interface ReminderTiming {
  rule:
    | { once: string; repeated?: 'second' | undefined }
    | { cron: string; every?: { n: number; unit: 'day' | 'week' | 'month' } | undefined };
  /** IANA name. */
  zone: string;
  /** `YYYY-MM-DDTHH:MM[:SS]`, as `end`; null: open. */
  start: string | null;
  end: string | null;
  /** Number of occurrences; null: without limit. */
  count: number | null;
}

/** Where a message of the person came from, and where a reminder goes. */
export interface ReminderOrigin {
  userId: string;
  channel: string;
  thread: string | null;
}

export interface NewReminder extends ReminderTiming, ReminderOrigin {
  kind: 'reminder' | 'prompt' | 'digest';
  text: string;
  createdBy: string;
  /** A second call with the same key returns the first reminder. */
  idempotencyKey?: string;
}

export interface StoredReminder extends ReminderTiming, ReminderOrigin {
  id: string;
  kind: NewReminder['kind'];
  text: string;
  createdBy: string;
  state: 'active' | 'paused' | 'done' | 'cancelled';
  /** Epoch ms. */
  createdAt: number;
  updatedAt: number;
  /** Of the next occurrence; null if there is none. */
  nextAt: number | null;
  /** Its wall time, as ms in UTC. */
  nextWall: number | null;
  /** Occurrences so far. */
  settled: number;
}

export interface ReminderBook {
  /** One for all private chats of a person. A plain word is about what was set in the same conversation. */
  conversationOf(origin: ReminderOrigin): string;
  /** The first occurrence after now, epoch ms; null: there is none. @throws GH_SCHEDULE_INVALID */
  next(timing: ReminderTiming): number | null;
  /** @throws GatehouseError GH_SCHEDULE_INVALID, GH_SCHEDULE_LIMIT, GH_STORE_… as the following */
  create(reminder: NewReminder): Promise<StoredReminder>;
  /** All of the user, also final ones that are still stored. */
  all(userId: string): Promise<StoredReminder[]>;
  cancel(id: string): Promise<StoredReminder>;
  pause(id: string): Promise<StoredReminder>;
  resume(id: string): Promise<StoredReminder>;
  move(id: string, timing: Pick<ReminderTiming, 'rule' | 'start' | 'end'>): Promise<StoredReminder>;
  /** The reminder that fired last for this person in this conversation, or the one with this id; null: none. */
  lastFired(
    origin: ReminderOrigin,
    id?: string,
  ): Promise<{ reminder: StoredReminder; at: number } | null>;
}
