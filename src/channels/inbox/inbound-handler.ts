/**
 * Handles each post of Chat: authenticates, authorizes, drops duplicates, and stores the rest.
 *
 * I1: `stored` means on disk. Group commit: the posts of one turn of the event loop share one commit.
 * I2: the same post or click twice is one row, whatever came between. A post's key is its number and its time, because
 *     a reinstalled chat counts from the beginning; a click's key is its button. The token is never stored.
 * I3: the rate limit is applied after the check for duplicates: retries of the chat cost the user nothing.
 */
import { createHash } from 'node:crypto';
import type { BridgeStorage, NewInboxRow } from '../bridge-storage-port.ts';
import type { ErrorCode } from '#shared/errors';
import { createThrottledErrorLog, type ThrottledErrorLog } from '#shared/throttled-error-log';
import type { Log } from '#shared/log';
import type { RateLimit } from '../rate-limit.ts';
import type { Target, Targets } from '../synology/targets.ts';
import type { WebhookAuthenticator } from '../synology/webhook-auth.ts';
import type { ClickPost, MessagePost, WebhookPost } from '../synology/webhook-payload.ts';

export type InboundOutcome =
  | { ok: true; isNew: boolean }
  /** `isAuthenticated`: the post carried the token of a target, so it comes from Chat. */
  | { ok: false; code: ErrorCode; status: number; message?: string; isAuthenticated: boolean };

export interface InboundHandler {
  /** Resolves when an accepted post is on disk. Never rejects. */
  handle(post: WebhookPost | null, address: string): Promise<InboundOutcome>;
}

export interface InboundHandlerParts {
  storage: Pick<BridgeStorage, 'insertInbox' | 'findInboxByKey' | 'openCounts'>;
  targets: Targets;
  auth: WebhookAuthenticator;
  rateLimit: RateLimit;
  /** `names`: a text that is a file name is checked for a file; `always`: every post. */
  files: 'names' | 'always' | 'off';
  /** Whether the NAS has a file of this post; also false if the NAS does not answer in time. */
  hasFile(target: Target, postId: string): Promise<boolean>;
  now(): number;
  /** New rows of this lane are on disk. */
  onStored(lane: string): void;
  /** The user was refused by the rate limit and should be notified. */
  onRateLimited(row: NewInboxRow): void;
  log: Log;
}

/** A core that is away for days must not fill the disk: beyond this, Chat itself reports the error to the user. */
const inboxMax = 10_000;

const fileName = /^[^\n/\\]{1,180}\.(?:txt|text|md|markdown|pdf|csv|log|json|ya?ml)$/i;

export function createInboundHandler(parts: InboundHandlerParts): InboundHandler {
  const { storage, targets, auth, rateLimit } = parts;
  const errorLog = createThrottledErrorLog(parts.log, 'posts cannot be stored');
  const store = createGroupCommit(parts, errorLog);

  const handlePost = async (post: WebhookPost | null, address: string): Promise<InboundOutcome> => {
    const known = auth.targetsForToken(post?.token ?? '');
    if (known.length === 0) {
      return auth.recordFailure(address)
        ? refuse('GH_REQUEST_TOO_MANY', 429, false, 'Too many wrong tokens')
        : refuse('GH_BRIDGE_TOKEN', 401, false);
    }
    const read = buildRow(post!, known, targets, parts.files);
    if ('ok' in read) return read;
    const { row, target, legacyKey } = read;
    if (isDuplicate(row, legacyKey, storage)) return { ok: true, isNew: false };
    if (!rateLimit.tryConsume(row.lane)) {
      if (rateLimit.shouldNotify(row.lane)) parts.onRateLimited(row);
      return refuse('GH_REQUEST_TOO_MANY', 429, true, 'Too many messages');
    }
    const { text, file } = row;
    const isBlank = text === '' && file !== null && file.name === null;
    if (isBlank && !(await parts.hasFile(target, file.postId)))
      return emptyPostOutcome(post as MessagePost);
    return store(row);
  };
  return {
    async handle(post, address) {
      try {
        return await handlePost(post, address);
      } catch (error) {
        errorLog.error(error);
        return refuse('GH_STORE_UNAVAILABLE', 503, true);
      }
    },
  };
}

const refuse = (
  code: ErrorCode,
  status: number,
  isAuthenticated: boolean,
  message?: string,
): InboundOutcome & { ok: false } => ({
  ok: false,
  code,
  status,
  isAuthenticated,
  ...(message === undefined ? {} : { message }),
});

const invalid = (message: string): InboundOutcome & { ok: false } =>
  refuse('GH_REQUEST_INVALID', 400, true, message);

/** Key of the same post in rows written before keys contained the time; `sentAt` is that time. */
interface LegacyKey {
  key: string;
  sentAt: number;
}

/**
 * A row with the legacy key is the same post if its text is equal. An answered row has no text: then it is the same
 * post if the post was made before the row was received.
 */
function isDuplicate(
  { key, text }: NewInboxRow,
  legacyKey: LegacyKey | null,
  storage: InboundHandlerParts['storage'],
): boolean {
  if (storage.findInboxByKey(key) !== null) return true;
  const old = legacyKey === null ? null : storage.findInboxByKey(legacyKey.key);
  if (old === null) return false;
  return old.text === '' ? legacyKey!.sentAt <= old.receivedAt : old.text === text;
}

function buildRow(
  post: WebhookPost,
  known: readonly Target[],
  targets: Targets,
  files: InboundHandlerParts['files'],
): { row: NewInboxRow; target: Target; legacyKey: LegacyKey | null } | InboundOutcome {
  if (!isId(post.postId)) return invalid('post_id: missing');
  if (!isId(post.userId)) return invalid('user_id: missing');
  const target =
    known.length === 1
      ? known[0]
      : known.find((one) => one.channelId !== null && one.channelId === post.channelId);
  if (target === undefined) return invalid('channel_id: not one of the configured channels');
  const chatUser = target.resolveChatUser(post.userId);
  const made = post.kind === 'click' ? clickRow(post) : messageRow(post, target, files);
  if ('code' in made) return made;
  if (chatUser === null) return refuse('GH_BRIDGE_USER', 403, true);
  if ('ok' in made) return made;
  const { legacyKey, ...content } = made;
  const row = {
    target: target.name,
    lane: `${target.name}/${chatUser}`,
    chatUser,
    userId: targets.userIdOf(chatUser),
    attachment: null,
    ...content,
    key: keyForNas(target, targets, made.key),
  };
  return {
    row,
    target,
    legacyKey:
      legacyKey === null ? null : { ...legacyKey, key: keyForNas(target, targets, legacyKey.key) },
  };
}

/** Every NAS counts its posts from 1. The first NAS has no prefix, so that keys from before several NAS stay valid. */
function keyForNas({ nas }: Target, { all }: Targets, key: string): string {
  return nas === all[0]?.nas ? key : `nas-${digestOf(nas).slice(0, 8)}-${key}`;
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Ids of Chat are numbers; others are accepted if they are short and plain. */
const isId = (id: string): boolean => /^[A-Za-z0-9_.:@-]{1,64}$/.test(id);

type Content = Pick<NewInboxRow, 'key' | 'kind' | 'text' | 'click' | 'file'> & {
  legacyKey: LegacyKey | null;
};

function messageRow(
  post: MessagePost,
  target: Target,
  files: InboundHandlerParts['files'],
): Content | InboundOutcome {
  const text = stripTriggerWord(post.text, post.triggerWord, target.triggerWords);
  const hint = post.fileName ?? (fileName.test(text) ? text : null);
  const isBlank = text === '';
  const mayHaveFile = files === 'always' || (files === 'names' && (hint !== null || isBlank));
  if (isBlank && !mayHaveFile) return emptyPostOutcome(post);
  const isName = hint === text;
  const key = `post-${post.postId}`;
  const { sentAt } = post;
  return {
    key: sentAt === null ? key : `${key}-${sentAt}`,
    legacyKey: sentAt === null ? null : { key, sentAt },
    kind: 'message',
    text: mayHaveFile && isName ? '' : text,
    click: null,
    file: mayHaveFile ? { name: hint, postId: post.postId } : null,
  };
}

/** A trigger word alone asks nothing; it is accepted, because Chat may stop sending after a refusal. */
const emptyPostOutcome = (post: MessagePost): InboundOutcome =>
  post.text.trim() === '' ? invalid('text: missing') : { ok: true, isNew: false };

function stripTriggerWord(
  raw: string,
  usedTrigger: string | null,
  words: readonly string[],
): string {
  const text = raw.trim();
  for (const word of usedTrigger === null ? words : [usedTrigger, ...words]) {
    if (word !== '' && text.startsWith(word) && !isWithinWord(text, word.length)) {
      return text.slice(word.length).replace(/^[\s:,]+/, '');
    }
  }
  return text;
}

/** 도움 is no trigger of 도움말; a symbol such as ! may stand right before the question. */
const isWithinWord = (text: string, at: number): boolean =>
  /[\p{L}\p{M}\p{N}]$/u.test(text.slice(0, at)) && /^[\p{L}\p{M}\p{N}]/u.test(text.slice(at));

/** Only the language of the label is used. */
const labelUnitsMax = 40;

function clickRow(post: ClickPost): Content | (InboundOutcome & { ok: false }) {
  const [, action, jobId, n] =
    /^(confirm|reject):([A-Za-z0-9_-]{1,64})(?::(\d{1,9}))?$/.exec(post.value) ?? [];
  const version = n === undefined ? '' : `:${n}`;
  if (jobId === undefined || post.callbackId !== `job-${jobId}${version}`) {
    return invalid('actions: not a button of this bridge');
  }
  const clicked = `${post.userId}:${post.callbackId}:${post.value}`;
  return {
    key: `click-${post.postId}-${digestOf(clicked).slice(0, 16)}`,
    legacyKey: null,
    kind: 'click',
    text: post.label.slice(0, labelUnitsMax),
    click: {
      jobId,
      action: action as 'confirm' | 'reject',
      ...(n === undefined ? {} : { n: Number(n) }),
    },
    file: null,
  };
}

/** Group commit: one transaction for all rows of one turn of the event loop. */
function createGroupCommit(
  { storage, now, onStored }: InboundHandlerParts,
  errorLog: ThrottledErrorLog,
) {
  let waiting: { row: NewInboxRow; done(outcome: InboundOutcome): void }[] = [];
  const commit = (): void => {
    const batch = waiting;
    waiting = [];
    try {
      if (storage.openCounts().inbox + batch.length > inboxMax)
        throw new Error('the inbox is full');
      const isNew = storage.insertInbox(
        batch.map(({ row }) => row),
        now(),
      );
      errorLog.recovered();
      batch.forEach(({ row, done }, index) => {
        done({ ok: true, isNew: isNew[index] === true });
        if (isNew[index] === true) onStored(row.lane);
      });
    } catch (error) {
      errorLog.error(error);
      for (const { done } of batch) done(refuse('GH_STORE_UNAVAILABLE', 503, true));
    }
  };
  return (row: NewInboxRow): Promise<InboundOutcome> =>
    new Promise((done) => {
      waiting.push({ row, done });
      if (waiting.length === 1) setImmediate(commit);
    });
}
