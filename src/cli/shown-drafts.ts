/**
 * The drafts that were shown in a chat and wait for an answer. Each is watched, because it may be decided or changed
 * elsewhere.
 */
import { confirmState } from '#machines/job-states';
import type { StateEvent } from '#shared/wire/state-event';
import { messageOf } from '#shared/errors';
import type { CoreClient } from '#http/client/core-client';

export interface ShownDraft {
  jobId: string;
  /** `seq` of the event that showed it. */
  seq: number;
  content: string;
  /**
   * The thread of its job: an answer must name it, and messages sent while the draft is shown go to this thread too.
   */
  thread: string | null;
}

export interface DraftListener {
  changed(draft: ShownDraft): void;
  /** It was decided, cancelled or expired; `how` is the core's text about it. */
  over(draft: ShownDraft, how: string): void;
  /** Watching has failed. */
  unwatched(why: string): void;
}

export const isDraft = ({ type, data }: StateEvent): boolean =>
  type === 'result' && data['final'] === false;

export const toShownDraft = (event: StateEvent, thread: string | null): ShownDraft => ({
  jobId: event.job_id,
  seq: event.seq,
  content: String(event.data['content']),
  thread,
});

export class ShownDrafts {
  readonly #client: Pick<CoreClient, 'follow'>;
  readonly #listener: DraftListener;
  /** In the order in which they were shown; a reply answers the last. */
  #all: { draft: ShownDraft; watching: AbortController }[] = [];

  constructor(client: Pick<CoreClient, 'follow'>, listener: DraftListener) {
    this.#client = client;
    this.#listener = listener;
  }

  get last(): ShownDraft | null {
    return this.#all.at(-1)?.draft ?? null;
  }

  add(draft: ShownDraft): void {
    const watching = new AbortController();
    this.#all.push({ draft, watching });
    void this.#watch(draft, watching.signal);
  }

  /** Its answer is being sent, or it is no longer on the screen. */
  drop(jobId: string): void {
    for (const one of this.#all) if (one.draft.jobId === jobId) one.watching.abort();
    this.#all = this.#all.filter(({ draft }) => draft.jobId !== jobId);
  }

  clear(): void {
    for (const { draft } of this.#all) this.drop(draft.jobId);
  }

  async #watch(draft: ShownDraft, signal: AbortSignal): Promise<void> {
    const event = (one: StateEvent): void => {
      if (signal.aborted) return;
      if (isDraft(one)) {
        Object.assign(draft, toShownDraft(one, draft.thread));
        this.#listener.changed(draft);
      } else if (one.type === 'done' || one.type === 'cancelled') {
        this.drop(draft.jobId);
        this.#listener.over(draft, String(one.data['reply'] ?? one.data['outcome']));
      }
    };
    try {
      const listener = { event, token: () => undefined, lost: () => undefined };
      await this.#client.follow(draft.jobId, listener, signal, draft.seq);
    } catch (error) {
      if (!signal.aborted) this.#listener.unwatched(messageOf(error));
    }
  }
}

/** The drafts of this user that wait for a reply from a terminal, oldest first. */
export async function fetchWaitingDrafts(
  client: CoreClient,
  userId: string | undefined,
): Promise<ShownDraft[]> {
  const user = userId ?? (await userOfKey(client)) ?? 'local';
  const query = { state: confirmState, user_id: user, limit: '50' };
  const { jobs } = await client.jobs(query);
  const terminalJobs = jobs.filter(({ channel }) => channel === 'terminal').toReversed();
  const drafts: ShownDraft[] = [];
  for (const { job_id: jobId, thread } of terminalJobs) {
    const event = (await client.events(jobId)).findLast(isDraft);
    if (event !== undefined) drafts.push(toShownDraft(event, thread));
  }
  return drafts;
}

/** Null: the key is the operator's, or there is no key. */
export async function userOfKey(client: CoreClient): Promise<string | null> {
  const session = await client.request('GET', '/inspect/api/session').catch(() => null);
  return (session as { user?: string | null } | null)?.user ?? null;
}
