/**
 * What a bridge to a chat keeps on its own disk: messages that came in (inbox) and replies on their way out
 * (outbox). The bridge uses it, src/store implements it. All calls are synchronous; those that write are
 * durable when they return, and throw GH_STORE_UNAVAILABLE when the disk fails.
 *
 * A **lane** is one person in one place of the chat: what it holds is handled in order.
 */
import type { DeliveryContext } from '../../machines/delivery.ts';
import type { ReplyButton, ReplyKind } from './reply.ts';

/**
 * - `stored`: accepted, the chat was told so
 * - `submitted`: on the broker's disk
 * - `accepted`: the core has named its job
 * - `answered`: a reply that a person sees is in the outbox
 * - `apologised`: it will get no other answer than an apology of the bridge's own
 * - `done`: a click that was dealt with
 */
export type InboxState = 'stored' | 'submitted' | 'accepted' | 'answered' | 'apologised' | 'done';

export interface ClickContent {
  jobId: string;
  action: 'confirm' | 'reject';
  /** Of the draft that had the button; buttons of earlier versions have none. */
  n?: number;
}

export interface FileContent {
  /** What the chat calls it; null where it did not say. */
  name: string | null;
  /** The post that it came with. */
  postId: string;
  /** Its reading has begun once: where the process ended over it, it is not read again. */
  isTried?: boolean;
}

export interface NewInboxRow {
  /** The chat's own id of it: the same one twice is one row. */
  key: string;
  kind: 'message' | 'click';
  /** Where it came from, by the name in the configuration. */
  target: string;
  lane: string;
  /** The person's number in the chat. */
  chatUser: string;
  /** The person's id in Gatehouse. */
  userId: string;
  /** Of a click: what stands on the button. Removed once it is answered. */
  text: string;
  click: ClickContent | null;
  file: FileContent | null;
  /** The text of the file, once it was read. */
  attachment: { name: string; text: string } | null;
}

export interface InboxRow extends NewInboxRow {
  id: number;
  state: InboxState;
  jobId: string | null;
  /** What answers it comes after this event of the job. */
  afterSeq: number;
  /** Epoch ms. */
  receivedAt: number;
}

/** The states of machines/delivery.ts that are ever stored. */
export type DeliveryState =
  | 'waiting'
  | 'sending'
  | 'pausing'
  | 'sent'
  | 'uncertain'
  | 'dead'
  | 'dropped';

export interface StoredDelivery {
  state: DeliveryState;
  context: DeliveryContext;
}

export interface NewOutboxRow {
  /** Of the core, or `own:…` for what the bridge itself says. Each once. */
  replyId: string;
  jobId: string | null;
  /** The person's id in Gatehouse, as in the reply. */
  userId: string;
  target: string;
  lane: string;
  chatUser: string;
  n: number;
  kind: ReplyKind;
  /** As it is posted. Removed once the delivery has ended. */
  text: string;
  buttons: ReplyButton[] | null;
  delivery: StoredDelivery;
  /** The inbox row that it answers; null where its job says so. Replies of a lane go in this order. */
  place: number | null;
  /** Epoch ms; not sent before. */
  dueAt: number;
}

export interface OutboxEntry extends NewOutboxRow {
  id: number;
  createdAt: number;
  endedAt: number | null;
}

export interface BridgeCounts {
  /** Messages without an answer. */
  inbox: number;
  /** Replies that are not posted yet. */
  outbox: number;
  sent: number;
  uncertain: number;
  dead: number;
  /** Ended replies that the core has not been told of. */
  unreported: number;
  lastSentAt: number | null;
}

export interface BridgeStorage {
  /** What `work` writes is on disk whole when this returns; where it throws, nothing of it is. */
  inOneStep<Value>(work: () => Value): Value;
  /** Stores those whose key is new; says for each whether it was. */
  take(rows: readonly NewInboxRow[], at: number): boolean[];
  /** What came under this key; its text is empty once it was answered. */
  seen(key: string): { text: string; receivedAt: number } | null;
  /** Messages and clicks that were not handed on yet, of all lanes, in order. */
  unsent(): InboxRow[];
  /** Lane's next rows that are `stored` or `submitted`. */
  nextOf(lane: string): InboxRow[];
  move(id: number, state: InboxState, job?: { jobId: string; afterSeq: number }): void;
  markFileTried(id: number): void;
  keepAttachment(id: number, attachment: InboxRow['attachment'], text: string): void;
  /** The row that was submitted under this key, while it waits for an answer. */
  openByKey(key: string): InboxRow | null;
  /** Messages of this job that wait for an answer and have one with an `n` behind their own: they are `answered`. */
  settleJob(jobId: string): void;
  /** Rows that have waited for an answer since before `receivedBefore`. */
  unanswered(receivedBefore: number): InboxRow[];

  /** Stores those whose id is new; says for each whether it was. */
  put(rows: readonly NewOutboxRow[], at: number): boolean[];
  /**
   * Of each lane the reply that comes next: one that has begun, else the one to the earliest message. Looks at
   * the oldest 64 of each lane, so that a long line costs no more than a short one.
   */
  heads(): OutboxEntry[];
  /** Whether a message of the lane before the one that it answers still waits for its own answer. */
  isBehind(entry: OutboxEntry): boolean;
  save(id: number, delivery: StoredDelivery, change: { dueAt?: number; endedAt?: number }): void;
  /** Notices of a job that nobody has sent yet. */
  openNotices(jobId: string): OutboxEntry[];
  addText(id: number, text: string, delivery: StoredDelivery): void;
  /** What the person was or will be told of the job besides its answers. */
  hasNotice(jobId: string): boolean;
  hasReply(replyId: string): boolean;
  /** Whether a reply that a person sees came for the job after `n`. */
  hasAnswer(jobId: string, n: number): boolean;
  /** Whose draft the job's newest is, and where it was shown; null for none. */
  draftOf(jobId: string): { userId: string; lane: string; n: number } | null;
  inDoubt(): OutboxEntry[];
  /** All that are not posted yet, in order. */
  openReplies(): OutboxEntry[];
  moveReply(id: number, target: string, lane: string): void;
  unreported(limit: number): OutboxEntry[];
  reported(id: number, at: number): void;

  /** The longest post that a NAS is known to take, in code points; null where it has refused none lately. */
  limitOf(nas: string, since: number): number | null;
  learnLimit(nas: string, limit: number, at: number): void;
  /** Counts all that is kept, 30 days of it: for a look now and then. */
  counts(): BridgeCounts;
  /** The first two of `counts()`, at the price of what is open. */
  openCounts(): Pick<BridgeCounts, 'inbox' | 'outbox'>;
  /** Removes what has ended before `before`. */
  prune(before: number): void;
}
