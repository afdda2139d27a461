/**
 * The database of a chat bridge: inbound messages (inbox) and outgoing replies (outbox). Used by src/channels,
 * implemented by src/channels/store. All calls are synchronous; writes are durable when they return, and throw
 * GH_STORE_UNAVAILABLE when the disk fails.
 *
 * A **lane** is one user in one target of the chat (a bot or a channel): its rows are processed in order.
 */
import type { DeliveryContext } from '#machines/delivery';
import type { ButtonAction, ReplyButton, ReplyKind } from '#shared/wire/reply';

/**
 * - `stored`: on disk, and acknowledged to the chat
 * - `submitted`: on the broker's disk
 * - `accepted`: the core has returned the job id
 * - `answered`: a visible reply is in the outbox
 * - `apologised`: closed by the bridge, with an error notice where the user can be reached
 * - `done`: a click that was handled
 */
export type InboxState = 'stored' | 'submitted' | 'accepted' | 'answered' | 'apologised' | 'done';

export interface ClickContent {
  jobId: string;
  action: ButtonAction;
  /** `seq` of the draft that carried the button; absent on buttons of earlier versions. */
  n?: number;
}

export interface FileContent {
  /** File name as given by the chat; null if it gave none. */
  name: string | null;
  /** Id by which the chat gives the file: that of its post, or of the file. */
  postId: string;
  /** Set before the file is parsed: if the process dies while parsing, the file is not parsed again. */
  isTried?: boolean;
}

export interface NewInboxRow {
  /** Derived from the chat's own ids: the same post or click twice is one row. */
  key: string;
  kind: 'message' | 'click';
  /** Name of the source target in the configuration. */
  target: string;
  lane: string;
  /** The user's id in the chat. */
  chatUser: string;
  /** The user's id in Gatehouse. */
  userId: string;
  /** For a click: the label of the button. Cleared once the row is answered. */
  text: string;
  click: ClickContent | null;
  file: FileContent | null;
  /** Text of the file, once extracted. */
  attachment: { name: string; text: string } | null;
}

export interface InboxRow extends NewInboxRow {
  id: number;
  state: InboxState;
  jobId: string | null;
  /** Only job events with a `seq` above this one answer the message. */
  afterSeq: number;
  /** Epoch ms. */
  receivedAt: number;
}

/** States of machines/delivery.ts that are stored. */
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
  /** Id from the core, or `own:…` for the bridge's own notices. Unique. */
  replyId: string;
  jobId: string | null;
  /** The user's id in Gatehouse, as in the reply. */
  userId: string;
  target: string;
  lane: string;
  chatUser: string;
  n: number;
  kind: ReplyKind;
  /** Text as posted. Cleared once the delivery has ended. */
  text: string;
  buttons: ReplyButton[] | null;
  delivery: StoredDelivery;
  /** Inbox row that this answers; null: found through the job. Replies of a lane are ordered by it. */
  replyToInboxId: number | null;
  /** Earliest time to send, epoch ms. */
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
  /** Replies not posted yet. */
  outbox: number;
  sent: number;
  uncertain: number;
  dead: number;
  /** Ended replies whose report is not on the broker yet. */
  unreported: number;
  lastSentAt: number | null;
}

export interface BridgeStorage {
  /** Runs `work` in one transaction: all its writes are on disk on return, none when it throws. */
  transaction<Value>(work: () => Value): Value;
  /** Inserts the rows whose key is new; returns for each row whether it was inserted. */
  insertInbox(rows: readonly NewInboxRow[], at: number): boolean[];
  /** The row with this key; its text is empty once it was answered. */
  findInboxByKey(key: string): { text: string; receivedAt: number } | null;
  /** Messages and clicks not submitted yet, of all lanes, in order. */
  unsubmittedInbox(): InboxRow[];
  /** The lane's next rows in state `stored` or `submitted`. */
  nextInboxOf(lane: string): InboxRow[];
  /** Changes nothing if the row is in a final state already. */
  setInboxState(id: number, state: InboxState, job?: { jobId: string; afterSeq: number }): void;
  markFileTried(id: number): void;
  saveAttachment(id: number, attachment: InboxRow['attachment'], text: string): void;
  /** The row submitted under this key, while it waits for an answer. */
  findUnansweredByKey(key: string): InboxRow | null;
  /** Sets messages of this job to `answered` once a visible reply with `n` above `afterSeq` is stored. */
  markJobAnswered(jobId: string): void;
  /** Rows received before `receivedBefore` (epoch ms) that still wait for an answer. */
  unanswered(receivedBefore: number): InboxRow[];

  /** Inserts the rows whose reply id is new; returns for each row whether it was inserted. */
  insertOutbox(rows: readonly NewOutboxRow[], at: number): boolean[];
  /**
   * The next reply of each lane: one already begun, else the one to the earliest message. Reads only the oldest 64
   * rows of a lane, so that a long backlog costs no more than a short one.
   */
  nextPerLane(): OutboxEntry[];
  /** Whether an earlier message of the lane still waits for its own answer. */
  hasEarlierUnanswered(entry: OutboxEntry): boolean;
  saveDelivery(
    id: number,
    delivery: StoredDelivery,
    change: { dueAt?: number; endedAt?: number },
  ): void;
  /** Notices of a job that are not sent yet. */
  openNotices(jobId: string): OutboxEntry[];
  appendText(id: number, text: string, delivery: StoredDelivery): void;
  /** Whether a notice about the job was posted, or will be. */
  hasNotice(jobId: string): boolean;
  /** The chat's id of the job's last notice in this lane; null if there is none. */
  postedNotice(jobId: string, lane: string): string | null;
  /** Key of the inbox row that the reply answers; null if none is known. */
  answeredKey(entry: OutboxEntry): string | null;
  /** Posts of the job that show buttons, without the row `exceptId`; they count as without buttons after this. */
  takeButtonPosts(
    jobId: string,
    exceptId: number | null,
  ): { target: string; chatUser: string; postId: string }[];
  hasReply(replyId: string): boolean;
  /** Whether a visible reply for the job with a larger `n` was stored. */
  hasAnswer(jobId: string, n: number): boolean;
  /** Owner, lane and `seq` of the job's newest draft; null if there is none. */
  draftOf(jobId: string): { userId: string; lane: string; n: number } | null;
  interruptedDeliveries(): OutboxEntry[];
  /** All replies not posted yet, in order. */
  openReplies(): OutboxEntry[];
  retargetReply(id: number, target: string, lane: string): void;
  unreported(limit: number): OutboxEntry[];
  markReported(id: number, at: number): void;

  /** Learned post limit of a server; null if none was learned since `since` (epoch ms). */
  charLimitOf(server: string, since: number): number | null;
  saveCharLimit(server: string, limit: number, at: number): void;
  /** Counts all rows, 30 days of them: too slow for a hot path. */
  counts(): BridgeCounts;
  /** `inbox` and `outbox` of `counts()`; reads open rows only. */
  openCounts(): Pick<BridgeCounts, 'inbox' | 'outbox'>;
  /** Deletes rows that ended before `before` (epoch ms). */
  prune(before: number): void;
}
