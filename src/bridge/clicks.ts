/**
 * A press on a button of a draft: a confirm or a reject of its job, by the person whose draft it is.
 *
 * B1: nobody else's click moves a job. The core does not know who may; the bridge showed the draft and does.
 * B2: what is confirmed is what stood above the button: one of a draft that was changed since is too old. The core
 *     checks it, for its newer draft may still be on the way to us; and so do we, should it be an older core.
 * B3: the second click changes nothing. One that comes too late gets a polite word.
 */
import { z } from 'zod';
import type {
  BridgeStorage,
  ClickContent,
  InboxRow,
  NewOutboxRow,
} from '../contract/bridge-storage.ts';
import type { Log } from '../lib/log.ts';
import { textsOf, type Locale } from '../../machines/texts.ts';
import { chatLocale, ownWords } from './own-words.ts';
import { channel, type CoreLink } from './ports.ts';
import { isForGood } from './refusal.ts';

export interface Clicks {
  /** True when the click was dealt with; false: the core is away, try again. */
  handle(row: InboxRow): Promise<boolean>;
}

export interface ClicksParts {
  storage: Pick<BridgeStorage, 'draftOf'>;
  link: CoreLink;
  say(row: NewOutboxRow): void;
  locale: Locale | 'auto';
  now(): number;
  log: Log;
}

const owned = z.object({ user_id: z.string(), channel: z.string() });
const shownDraft = z.object({ state: z.literal('confirm-draft'), seq: z.number() });

export function createClicks(parts: ClicksParts): Clicks {
  const { storage, link, say, log } = parts;
  /** Asked, and nobody knows whether the core has heard it. */
  const inDoubt = new Set<number>();
  /** A click holds the words of its button. */
  const textsFor = ({ text }: InboxRow) => textsOf(chatLocale(text, parts.locale));
  const tell = (row: InboxRow, text: string): true => {
    say(ownWords(row, `click-${row.id}`, 'error', text, parts.now()));
    return true;
  };

  /** Null: it cannot be told now. */
  const ownerOf = async (jobId: string): Promise<string | undefined | null> => {
    const draft = storage.draftOf(jobId);
    if (draft !== null) return draft.userId;
    const asked = await link.request('get', { job_id: jobId });
    if (!asked.ok) return isForGood(asked.problem) ? undefined : null;
    const job = owned.safeParse(asked.value);
    return job.success && job.data.channel === channel ? job.data.user_id : undefined;
  };

  /** It was dealt with, or there is another draft in its place. */
  const tellOld = async (row: InboxRow, { jobId, n }: ClickContent): Promise<true> => {
    const asked = await link.request('get', { job_id: jobId });
    const draft = shownDraft.safeParse(asked.ok ? asked.value : null);
    const isChanged = n !== undefined && draft.success && draft.data.seq > n;
    // Our own first try may have been the one: then its answer says what became of it.
    if (inDoubt.delete(row.id) && !isChanged) return true;
    const { chatDraftChanged, chatButtonOld } = textsFor(row);
    return tell(row, isChanged ? chatDraftChanged : chatButtonOld);
  };

  return {
    async handle(row) {
      const texts = textsFor(row);
      const { jobId, action, n } = row.click!;
      const owner = await ownerOf(jobId);
      if (owner === null) return false;
      if (owner === undefined) return tell(row, texts.chatButtonOld);
      if (owner !== row.userId) {
        log.info({ job: jobId }, 'a button was pressed by somebody else');
        return tell(row, texts.chatButtonForeign);
      }
      if (n !== undefined && n < (storage.draftOf(jobId)?.n ?? 0)) return tellOld(row, row.click!);
      const isOfDraft = action === 'confirm' && n !== undefined;
      const outcome = await link.request(action, {
        job_id: jobId,
        by: row.userId,
        ...(isOfDraft ? { draft_seq: n } : {}),
      });
      if (outcome.ok) return true;
      const { code, message } = outcome.problem;
      if (code === 'GH_JOB_CONFLICT' || code === 'GH_JOB_NOT_FOUND') {
        return tellOld(row, row.click!);
      }
      if (isForGood(outcome.problem)) {
        log.warn({ job: jobId, code }, 'a press on a button was refused');
        return tell(row, `${texts.noAnswer} (${message}, ${code})`);
      }
      inDoubt.add(row.id);
      return false;
    },
  };
}
