/**
 * Decides about each post that Chat sends: known or not, allowed or not, new or not; and stores it.
 *
 * I1: `stored` means on disk. The posts of one turn of the event loop share one commit.
 * I2: the same post or click twice is one row, whatever came between: by its number and its time, for a chat that
 *     was installed anew counts from the beginning; a click by its button. The token is never stored.
 * I3: a person's rate is counted after the look for duplicates: a chat that repeats itself costs nobody anything.
 */
import { createHash } from 'node:crypto';
import type { BridgeStorage, NewInboxRow } from '../contract/bridge-storage.ts';
import type { ErrorCode } from '../lib/errors.ts';
import { createLastingFault, type LastingFault } from '../lib/lasting-fault.ts';
import type { Log } from '../lib/log.ts';
import type { RateLimit } from './rate-limit.ts';
import type { Target, Targets } from './targets.ts';
import type { TokenGuard } from './token-guard.ts';
import type { ClickPost, MessagePost, WebhookPost } from './webhook-form.ts';

export type IntakeOutcome =
  | { ok: true; isNew: boolean }
  /** `isKnown`: it came with the token of a bot, so it is Chat that asks. */
  | { ok: false; code: ErrorCode; status: number; message?: string; isKnown: boolean };

export interface Intake {
  /** Resolves when what was accepted is on disk. Never rejects. */
  take(post: WebhookPost | null, address: string): Promise<IntakeOutcome>;
}

export interface IntakeParts {
  storage: Pick<BridgeStorage, 'take' | 'seen' | 'openCounts'>;
  targets: Targets;
  guard: TokenGuard;
  rate: RateLimit;
  /** A text that is the name of a file, or every post, is looked at for a file. */
  files: 'names' | 'always' | 'off';
  /** Whether the NAS has a file of this post; false also where it does not say so soon. */
  hasFile(target: Target, postId: string): Promise<boolean>;
  now(): number;
  /** New rows of this lane are on disk. */
  onStored(lane: string): void;
  /** This person was refused for being too fast, and should be told. */
  onTooFast(row: NewInboxRow): void;
  log: Log;
}

/** A core that is away for days must not fill the disk: then Chat itself tells the person. */
const waitingMax = 10_000;

const fileName = /^[^\n/\\]{1,180}\.(?:txt|text|md|markdown|pdf|csv|log|json|ya?ml)$/i;

export function createIntake(parts: IntakeParts): Intake {
  const { storage, targets, guard, rate } = parts;
  const fault = createLastingFault(parts.log, 'posts cannot be stored');
  const store = createGroupCommit(parts, fault);

  const take = async (post: WebhookPost | null, address: string): Promise<IntakeOutcome> => {
    const known = guard.targetsOf(post?.token ?? '');
    if (known.length === 0) {
      return guard.isTooOften(address)
        ? refuse('GH_REQUEST_TOO_MANY', 429, false, 'Too many wrong tokens')
        : refuse('GH_BRIDGE_TOKEN', 401, false);
    }
    const read = rowOf(post!, known, targets, parts.files);
    if ('ok' in read) return read;
    const { row, target, formerly } = read;
    if (isKnown(row, formerly, storage)) return { ok: true, isNew: false };
    if (!rate.take(row.lane)) {
      if (rate.shouldTell(row.lane)) parts.onTooFast(row);
      return refuse('GH_REQUEST_TOO_MANY', 429, true, 'Too many messages');
    }
    const { text, file } = row;
    const isBlank = text === '' && file !== null && file.name === null;
    if (isBlank && !(await parts.hasFile(target, file.postId)))
      return nothingIn(post as MessagePost);
    return store(row);
  };
  return {
    async take(post, address) {
      try {
        return await take(post, address);
      } catch (error) {
        fault.failed(error);
        return refuse('GH_STORE_UNAVAILABLE', 503, true);
      }
    },
  };
}

const refuse = (
  code: ErrorCode,
  status: number,
  isKnown: boolean,
  message?: string,
): IntakeOutcome & { ok: false } => ({
  ok: false,
  code,
  status,
  isKnown,
  ...(message === undefined ? {} : { message }),
});

const invalid = (message: string): IntakeOutcome & { ok: false } =>
  refuse('GH_REQUEST_INVALID', 400, true, message);

/** The key that the same post would have had before the time was part of it, and that time. */
interface Formerly {
  key: string;
  sentAt: number;
}

/**
 * A row of before times were kept is the same post where its text agrees. Where the text is gone, for it was
 * answered: where the post had been made when the row came.
 */
function isKnown(
  { key, text }: NewInboxRow,
  formerly: Formerly | null,
  storage: IntakeParts['storage'],
): boolean {
  if (storage.seen(key) !== null) return true;
  const old = formerly === null ? null : storage.seen(formerly.key);
  if (old === null) return false;
  return old.text === '' ? formerly!.sentAt <= old.receivedAt : old.text === text;
}

function rowOf(
  post: WebhookPost,
  known: readonly Target[],
  targets: Targets,
  files: IntakeParts['files'],
): { row: NewInboxRow; target: Target; formerly: Formerly | null } | IntakeOutcome {
  if (!isId(post.postId)) return invalid('post_id: missing');
  if (!isId(post.userId)) return invalid('user_id: missing');
  const target =
    known.length === 1
      ? known[0]
      : known.find((one) => one.channelId !== null && one.channelId === post.channelId);
  if (target === undefined) return invalid('channel_id: not one of the configured channels');
  const chatUser = target.personOf(post.userId);
  const made = post.kind === 'click' ? clickRow(post) : messageRow(post, target, files);
  if ('code' in made) return made;
  if (chatUser === null) return refuse('GH_BRIDGE_USER', 403, true);
  if ('ok' in made) return made;
  const { formerly, ...content } = made;
  const row = {
    target: target.name,
    lane: `${target.name}/${chatUser}`,
    chatUser,
    userId: targets.userOf(chatUser),
    attachment: null,
    ...content,
    key: keyAt(target, targets, made.key),
  };
  return {
    row,
    target,
    formerly: formerly === null ? null : { ...formerly, key: keyAt(target, targets, formerly.key) },
  };
}

/** Every NAS counts its posts from 1. Keys of the first one stay as they were before there could be a second. */
function keyAt({ nas }: Target, { all }: Targets, key: string): string {
  return nas === all[0]?.nas ? key : `nas-${digestOf(nas).slice(0, 8)}-${key}`;
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Ids of Chat are numbers; others are taken as long as they are short and plain. */
const isId = (id: string): boolean => /^[A-Za-z0-9_.:@-]{1,64}$/.test(id);

type Content = Pick<NewInboxRow, 'key' | 'kind' | 'text' | 'click' | 'file'> & {
  formerly: Formerly | null;
};

function messageRow(
  post: MessagePost,
  target: Target,
  files: IntakeParts['files'],
): Content | IntakeOutcome {
  const text = withoutTrigger(post.text, post.triggerWord, target.triggerWords);
  const hint = post.fileName ?? (fileName.test(text) ? text : null);
  const isBlank = text === '';
  const mayHaveFile = files === 'always' || (files === 'names' && (hint !== null || isBlank));
  if (isBlank && !mayHaveFile) return nothingIn(post);
  const isName = hint === text;
  const key = `post-${post.postId}`;
  const { sentAt } = post;
  return {
    key: sentAt === null ? key : `${key}-${sentAt}`,
    formerly: sentAt === null ? null : { key, sentAt },
    kind: 'message',
    text: mayHaveFile && isName ? '' : text,
    click: null,
    file: mayHaveFile ? { name: hint, postId: post.postId } : null,
  };
}

/** A trigger word alone asks nothing; but refused, Chat could stop sending. */
const nothingIn = (post: MessagePost): IntakeOutcome =>
  post.text.trim() === '' ? invalid('text: missing') : { ok: true, isNew: false };

function withoutTrigger(raw: string, said: string | null, words: readonly string[]): string {
  const text = raw.trim();
  for (const word of said === null ? words : [said, ...words]) {
    if (word !== '' && text.startsWith(word) && !isWithinWord(text, word.length)) {
      return text.slice(word.length).replace(/^[\s:,]+/, '');
    }
  }
  return text;
}

/** 도움 is no trigger of 도움말; a sign such as ! may stand right before the question. */
const isWithinWord = (text: string, at: number): boolean =>
  /[\p{L}\p{M}\p{N}]$/u.test(text.slice(0, at)) && /^[\p{L}\p{M}\p{N}]/u.test(text.slice(at));

/** Its language is all that is asked of it. */
const labelUnitsMax = 40;

function clickRow(post: ClickPost): Content | (IntakeOutcome & { ok: false }) {
  const [, action, jobId, n] =
    /^(confirm|reject):([A-Za-z0-9_-]{1,64})(?::(\d{1,9}))?$/.exec(post.value) ?? [];
  const version = n === undefined ? '' : `:${n}`;
  if (jobId === undefined || post.callbackId !== `job-${jobId}${version}`) {
    return invalid('actions: not a button of this bridge');
  }
  const clicked = `${post.userId}:${post.callbackId}:${post.value}`;
  return {
    key: `click-${post.postId}-${digestOf(clicked).slice(0, 16)}`,
    formerly: null,
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

/** One commit for all that came in one turn of the event loop. */
function createGroupCommit({ storage, now, onStored }: IntakeParts, fault: LastingFault) {
  let waiting: { row: NewInboxRow; done(outcome: IntakeOutcome): void }[] = [];
  const commit = (): void => {
    const batch = waiting;
    waiting = [];
    try {
      if (storage.openCounts().inbox + batch.length > waitingMax)
        throw new Error('the inbox is full');
      const isNew = storage.take(
        batch.map(({ row }) => row),
        now(),
      );
      fault.worked();
      batch.forEach(({ row, done }, index) => {
        done({ ok: true, isNew: isNew[index] === true });
        if (isNew[index] === true) onStored(row.lane);
      });
    } catch (error) {
      fault.failed(error);
      for (const { done } of batch) done(refuse('GH_STORE_UNAVAILABLE', 503, true));
    }
  };
  return (row: NewInboxRow): Promise<IntakeOutcome> =>
    new Promise((done) => {
      waiting.push({ row, done });
      if (waiting.length === 1) setImmediate(commit);
    });
}
