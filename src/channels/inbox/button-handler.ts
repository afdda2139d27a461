/**
 * Handles a click on a button on behalf of the owner of its job: that of a draft confirms or rejects it, that of an
 * answer is submitted as a message with the words of the button.
 *
 * B1: only the owner's click changes the job. The core does not know the chat's users; the bridge, which showed the
 *     draft, checks the owner.
 * B2: a click confirms the draft shown above the button: a button of an outdated draft is refused. The core checks
 *     this, because its newer draft may not have arrived here yet; the bridge checks too, in case the core is older.
 * B3: the second click changes nothing. A late click gets a polite notice.
 * B4: a click on what an answer offers is one message, whichever post it comes from: its key is that of job and button.
 */
import { z } from 'zod';
import type {
  BridgeStorage,
  ClickContent,
  InboxRow,
  NewOutboxRow,
} from '../bridge-storage-port.ts';
import { confirmState } from '#machines/job-states';
import type { ReplyOffer } from '#machines/job-types';
import type { Log } from '#shared/log';
import { textsOf, type Locale } from '#machines/texts';
import { noticeLocale, createSystemNotice } from '../system-notices.ts';
import { isPermanentError, type CoreLink } from '../core-link-port.ts';
import type { ChannelTargets } from '../targets.ts';

export interface ButtonHandlerParts {
  storage: Pick<BridgeStorage, 'draftOf'>;
  link: CoreLink;
  /** Only jobs of this channel can be decided by its buttons. */
  channel: string;
  targets: Pick<ChannelTargets, 'threadOf'>;
  say(row: NewOutboxRow): void;
  /** The buttons of the job are of no use any more. */
  onDecided?(jobId: string): void;
  locale: Locale | 'auto';
  now(): number;
  log: Log;
}

const jobOwner = z.object({ user_id: z.string(), channel: z.string() });
const shownDraft = z.object({ state: z.literal(confirmState), seq: z.number() });

/** The answer to the message comes as every other. */
function submitOffer(
  { link, channel, targets }: Pick<ButtonHandlerParts, 'link' | 'channel' | 'targets'>,
  { target, userId }: InboxRow,
  { jobId, name, words }: { jobId: string; name: ReplyOffer; words: string },
) {
  const thread = targets.threadOf(target);
  return link.request('submit', {
    message: words,
    user_id: userId,
    channel,
    ...(thread === null ? {} : { thread }),
    offer: { job_id: jobId, name },
    idempotency_key: `${channel}:offer:${jobId}:${name}`,
  });
}

export function createButtonHandler(parts: ButtonHandlerParts) {
  const { storage, link, channel, say, onDecided, log } = parts;
  /** Ids of clicks that were sent to the core without a response: the core may have handled them. */
  const unconfirmed = new Set<number>();
  /** The language is that of the button's label. */
  const textsFor = ({ text }: InboxRow) => textsOf(noticeLocale(text, parts.locale));
  const notifyUser = (row: InboxRow, text: string): true => {
    say(createSystemNotice(row, `click-${row.id}`, 'error', text, parts.now()));
    return true;
  };

  /** Undefined: the job is not known in this channel. Null: the core cannot be asked now. */
  const ownerOf = async (jobId: string): Promise<string | undefined | null> => {
    const draft = storage.draftOf(jobId);
    if (draft !== null) return draft.userId;
    const jobResult = await link.request('get', { job_id: jobId });
    if (!jobResult.ok) return isPermanentError(jobResult.problem) ? undefined : null;
    const job = jobOwner.safeParse(jobResult.value);
    return job.success && job.data.channel === channel ? job.data.user_id : undefined;
  };

  /** The job is already decided, or shows another draft. */
  const notifyStaleButton = async (row: InboxRow, { jobId, n }: ClickContent): Promise<true> => {
    const jobResult = await link.request('get', { job_id: jobId });
    const draft = shownDraft.safeParse(jobResult.ok ? jobResult.value : null);
    const isChanged = n !== undefined && draft.success && draft.data.seq > n;
    // Our own first try may have succeeded: then the job's reply reports the result.
    if (!isChanged) onDecided?.(jobId);
    if (unconfirmed.delete(row.id) && !isChanged) return true;
    const { chatDraftChanged, chatButtonOld } = textsFor(row);
    return notifyUser(row, isChanged ? chatDraftChanged : chatButtonOld);
  };

  return {
    /** True: handled; false: the core is not reachable, try again. */
    async handle(row: InboxRow): Promise<boolean> {
      const texts = textsFor(row);
      const { jobId, action, n } = row.click!;
      const owner = await ownerOf(jobId);
      if (owner === null) return false;
      if (owner === undefined) return notifyUser(row, texts.chatButtonOld);
      if (owner !== row.userId) {
        log.info({ job: jobId }, 'a button was pressed by somebody else');
        return notifyUser(row, texts.chatButtonForeign);
      }
      if (n !== undefined && n < (storage.draftOf(jobId)?.n ?? 0))
        return notifyStaleButton(row, row.click!);
      const outcome =
        action === 'confirm' || action === 'reject'
          ? await link.request(action, {
              job_id: jobId,
              by: row.userId,
              ...(action === 'confirm' && n !== undefined ? { draft_seq: n } : {}),
            })
          : await submitOffer(parts, row, {
              jobId,
              name: action,
              words: texts.offers[action].words,
            });
      if (outcome.ok) {
        onDecided?.(jobId);
        return true;
      }
      const { code, message } = outcome.problem;
      if (code === 'GH_JOB_CONFLICT' || code === 'GH_JOB_NOT_FOUND') {
        return notifyStaleButton(row, row.click!);
      }
      if (isPermanentError(outcome.problem)) {
        log.warn({ job: jobId, code }, 'a press on a button was refused');
        return notifyUser(row, `${texts.noAnswer} (${message}, ${code})`);
      }
      unconfirmed.add(row.id);
      return false;
    },
  };
}
export type ButtonHandler = ReturnType<typeof createButtonHandler>;
