/**
 * Takes the messages of a chat: authorizes, drops duplicates, and stores the rest.
 *
 * I1: accepted means on disk. Group commit: the messages of one turn of the event loop share one commit.
 * I2: the same post or click twice is one row, whatever came between: the adapter's key names it.
 * I3: the rate limit is applied after the check for duplicates: retries of the chat cost the user nothing.
 */
import type { BridgeStorage, NewInboxRow } from '../bridge-storage-port.ts';
import { createThrottledErrorLog, type ThrottledErrorLog } from '#shared/throttled-error-log';
import type { Log } from '#shared/log';
import type {
  InboundHandler,
  InboundMessage,
  InboundOutcome,
  Refusal,
} from '../channel-adapter-port.ts';
import type { RateLimit } from '../rate-limit.ts';
import type { ChannelTargets } from '../targets.ts';

export interface InboundHandlerParts {
  storage: Pick<BridgeStorage, 'insertInbox' | 'findInboxByKey' | 'openCounts'>;
  targets: ChannelTargets;
  rateLimit: RateLimit;
  now(): number;
  /** New rows of this lane are on disk. */
  onStored(lane: string): void;
  /** The user was refused by the rate limit and should be notified. */
  onRateLimited(row: NewInboxRow): void;
  log: Log;
}

/** A core that is away for days must not fill the disk: beyond this, the chat itself reports the error to the user. */
const inboxMax = 10_000;

const notStored: Refusal = { ok: false, code: 'GH_STORE_UNAVAILABLE' };

export function createInboundHandler(parts: InboundHandlerParts): InboundHandler {
  const { storage, targets, rateLimit } = parts;
  const errorLog = createThrottledErrorLog(parts.log, 'posts cannot be stored');
  const store = createGroupCommit(parts, errorLog);

  const handle: InboundHandler['accept'] = async (message, check) => {
    const { legacyKey = null, ...content } = message;
    const { target, chatUser } = content;
    if (targets.byName(target)?.hasMember(chatUser) !== true) {
      return { ok: false, code: 'GH_BRIDGE_USER' };
    }
    const lane = `${target}/${chatUser}`;
    const row = { ...content, lane, userId: targets.userIdOf(chatUser), attachment: null };
    if (isDuplicate(row, legacyKey, storage)) return { ok: true, isNew: false };
    if (!rateLimit.tryConsume(lane)) {
      if (rateLimit.shouldNotify(lane)) parts.onRateLimited(row);
      return { ok: false, code: 'GH_REQUEST_TOO_MANY', message: 'Too many messages' };
    }
    return (await check?.()) ?? store(row);
  };
  return {
    async accept(message, check) {
      try {
        return await handle(message, check);
      } catch (error) {
        errorLog.error(error);
        return notStored;
      }
    },
  };
}

/**
 * A row with the legacy key is the same post if its text is equal. An answered row has no text: then it is the same
 * post if the post was made before the row was received.
 */
function isDuplicate(
  { key, text }: NewInboxRow,
  legacyKey: InboundMessage['legacyKey'],
  storage: InboundHandlerParts['storage'],
): boolean {
  if (storage.findInboxByKey(key) !== null) return true;
  const old = legacyKey ? storage.findInboxByKey(legacyKey.key) : null;
  if (old === null) return false;
  return old.text === '' ? legacyKey!.sentAt <= old.receivedAt : old.text === text;
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
      for (const { done } of batch) done(notStored);
    }
  };
  return (row: NewInboxRow): Promise<InboundOutcome> =>
    new Promise((done) => {
      waiting.push({ row, done });
      if (waiting.length === 1) setImmediate(commit);
    });
}
