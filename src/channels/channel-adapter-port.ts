/**
 * The port to one chat: everything that only this chat knows. Inbox, outbox, order per user, splitting, pacing, probing,
 * recovery and reports are the bridge's, and the same for every chat. One folder implements it, and
 * `src/app/channels.ts` names the folder.
 */
import type { DeliveryEvent } from '#machines/delivery';
import type { CheckResult } from '#shared/check-result';
import type { ErrorCode } from '#shared/errors';
import type { Log } from '#shared/log';
import type { ReplyButton } from '#shared/wire/reply';
import type { NewInboxRow } from './bridge-storage-port.ts';
import type { CharUnit } from './outbox/char-units.ts';
import type { ChannelTarget, ChannelTargets } from './targets.ts';

/** What `src/app/channels.ts` loads. */
export interface ChannelModule<Settings> {
  /** Whether the section of the configuration names a bot, so that the doctor checks it. */
  isConfigured(settings: Settings): boolean;
  /** Does no I/O but reading files. @throws GH_BRIDGE_NOT_CONFIGURED, GH_BRIDGE_NO_USERS, GH_CONFIG_INVALID */
  open(settings: Settings, log: Log): ChannelAdapter;
}

/** What the chat can do, and its limits. */
export interface ChannelAbilities {
  /** Longest post, counted in `charUnit`. */
  maxChars: number;
  charUnit: CharUnit;
  /** Minimum time between two posts to one server. */
  minIntervalMs: number;
  /** Buttons under a post. Without them, a person answers a draft, or uses what an answer offers, in words. */
  buttons: boolean;
  /** Links with a label: `format` makes them of markdown. */
  links: boolean;
  /** Messages with files: `fetchFile` gets them. */
  filesIn: boolean;
  /** Largest file, if it is not the usual one of the attachment loader. */
  fileMegabytesMax?: number;
  /** Posts with files. */
  filesOut: boolean;
  /** A post can be changed: later notices of a job replace its first one (`OutgoingPart.replaces`). */
  edits: boolean;
  /**
   * The chat takes posts with the same `OutgoingPart.key` for one. Then a part with an unknown result is sent again,
   * not given up as uncertain.
   */
  keyedPosts: boolean;
}

export interface ChannelAdapter {
  readonly abilities: ChannelAbilities;
  readonly targets: ChannelTargets;
  /** Called once, before anything is posted. Messages come by webhook, by polling, or both. */
  receive(inbound: InboundHandler, say: SayNotice): { webhook?: Webhook; poll?: Poll };
  /** The text in the markup of the chat; it is stored and split after this. Pure. */
  format(text: string): string;
  /** Never rejects. The answer of the chat as an event of machines/delivery.ts. */
  deliver(part: OutgoingPart): Promise<DeliveryOutcome>;
  /** The limits of one place of the chat, where the chat has such limits. Then `tooFast` pauses this place only. */
  paceOf?(target: ChannelTarget, chatUser: string): Pace;
  /**
   * Removes the buttons of a post: what they offered is decided. Never rejects. A failure is of no consequence, because a
   * press on an old button is refused.
   */
  clearButtons?(target: ChannelTarget, chatUser: string, postId: string): Promise<void>;
  /**
   * Null if the server of the target takes requests, even if it refuses them; else the reason. Asked after a post with
   * an unknown result; without it, the next post is sent at once. Changes nothing; never rejects; `signal` ends it.
   */
  probe?(target: ChannelTarget, signal: AbortSignal): Promise<string | null>;
  /** Required for `filesIn`. Never rejects. */
  fetchFile?(target: ChannelTarget, postId: string, bytesMax: number): Promise<ChannelFile>;
  /** The doctor's findings about the configuration and the chat. Posts nothing. */
  check(): Promise<CheckResult[]>;
  /** What to do about the error of a `DeliveryOutcome`. */
  adviceFor(error: string, target: ChannelTarget): string;
}

export interface OutgoingPart<Target extends ChannelTarget = ChannelTarget> {
  target: Target;
  /** The user's id in the chat; not needed where all members of a target read the post. */
  chatUser: string;
  /** Not longer than `maxChars`. */
  text: string;
  /** Under the last part of a draft or an answer; a click returns `jobId` and `n`. */
  buttons: { jobId: string; n: number; list: readonly ReplyButton[] } | null;
  /** The same for each attempt to send this part. */
  key: string;
  /** Of the first part: the key of the message that it answers; null: none is known. */
  answers: string | null;
  /** `postId` of the post to change (`edits`); null: a new post. */
  replaces: string | null;
}

export interface Pace {
  /** Name of the place whose posts are counted together: a direct chat, a room. */
  place: string;
  /** Minimum time between two posts there. */
  minIntervalMs: number;
  /** Posts per minute there; 0: no limit. */
  perMinute: number;
}

/**
 * - sent: `posted`
 * - to be sent again: `tooFast` (all posts to the server wait, or those to the place: `paceOf`), `tooLong` (in halves), `busy` (a few times), `stopped` and
 *   `unreachable` (waited out). `afterMs` is the chat's own wish, the least pause.
 * - refused for good: `refused`
 * - uncertain: `lost`, whenever the post may be in the chat
 */
export type DeliveryOutcome = Exclude<
  DeliveryEvent,
  { type: 'send' | 'skip' | 'restarted' | 'resume' | 'expired' | 'drop' }
>;

export type ChannelFile =
  | { kind: 'file'; name: string | null; bytes: Buffer }
  /** The post has no file. */
  | { kind: 'none' }
  | { kind: 'tooLarge' }
  /** The chat refused; whether there is a file is unknown. */
  | { kind: 'refused'; error: string }
  | { kind: 'away'; error: string };

/** A message or a click, after the adapter has verified that it comes from the chat. */
export type InboundMessage = Omit<NewInboxRow, 'lane' | 'userId' | 'attachment'> & {
  /** Key of the same post in rows written before keys contained the time; `sentAt` is that time, epoch ms. */
  legacyKey?: { key: string; sentAt: number } | null;
};

export interface Refusal {
  ok: false;
  code: ErrorCode;
  message?: string;
}

export type InboundOutcome = { ok: true; isNew: boolean } | Refusal;

export interface InboundHandler {
  /**
   * Resolves when an accepted message is on disk: only then it may be acknowledged to the chat. Never rejects. `check`
   * is asked for messages that are new and not too fast; an outcome ends the message.
   */
  accept(
    message: InboundMessage,
    check?: () => Promise<InboundOutcome | null>,
  ): Promise<InboundOutcome>;
}

/** Stores a text of the adapter itself, to be posted as every reply is. @throws GH_STORE_UNAVAILABLE */
export type SayNotice = (notice: ChannelNotice) => void;

/** A text of the adapter to a user: the answer to a command of the chat, why a message is not taken. */
export interface ChannelNotice {
  /** Name of the target. */
  target: string;
  chatUser: string;
  /** A second notice with the same name is not posted. */
  name: string;
  text: string;
}

/** A path of the bridge's HTTP server. */
export interface Webhook {
  path: string;
  /** Null: 200 with an empty body. */
  handle(request: WebhookRequest): Promise<Refusal | null>;
}

export interface WebhookRequest {
  body: Buffer;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Of the connection. No header is trusted. */
  address: string;
}

/**
 * One round: waits for messages, passes each to the inbound handler, acknowledges what was accepted. A rejection is
 * logged and followed by a pause. `signal` ends the wait.
 */
export type Poll = (signal: AbortSignal) => Promise<void>;
