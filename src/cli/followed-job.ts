/** Follows the job of one terminal message from its acceptance to its end, or to the draft that it shows. */
import type { SubmitReceipt } from '#shared/wire/job-service';
import { ChatView } from './chat-view.ts';
import type { ChatTexts } from './chat-texts.ts';
import type { CoreClient } from '#http/client/core-client';
import { toShownDraft, isDraft, type ShownDraft } from './shown-drafts.ts';
import { muteTerminal, ttyOf } from './terminal.ts';

export interface Followed {
  outcome: string | null;
  /** The draft that waits for an answer. */
  draft: ShownDraft | null;
}

export function followJob(
  client: CoreClient,
  { job_id: jobId, after_seq: afterSeq, thread }: SubmitReceipt & { thread: string | null },
  json: boolean,
  texts: ChatTexts,
) {
  const view = new ChatView(json ? muteTerminal : ttyOf(process.stdout), Date.now(), texts);
  const following = new AbortController();
  let draft: ShownDraft | null = null;
  const listener = {
    lost: () => view.lost(),
    token(chunk: Parameters<typeof view.token>[0]) {
      if (json) print({ type: 'token', ...chunk });
      view.token(chunk);
    },
    event(event: Parameters<typeof view.event>[0]) {
      if (json) print(event);
      view.event(event);
      draft = isDraft(event) ? toShownDraft(event, thread) : null;
      // The job now waits for the user's reply: following it further would only wait.
      if (draft !== null) following.abort();
    },
  };
  const follow = async (): Promise<Followed> => {
    await client.follow(jobId, listener, following.signal, afterSeq);
    view.end();
    return { outcome: view.outcome, draft };
  };
  return {
    /** Resolves at the end, at a draft, or after `leave`. @throws CommandError when the core does not come back */
    ended: follow(),
    /** Stops following; the job continues. */
    leave: (): void => following.abort(),
  };
}
export type FollowedJob = ReturnType<typeof followJob>;

const print = (value: unknown): void => console.log(JSON.stringify(value));
