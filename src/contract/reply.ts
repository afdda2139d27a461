/**
 * What goes to a chat and what comes back about it: the only two shapes that pass between the core and
 * a bridge besides the submit of a message.
 */
import { z } from 'zod';

/**
 * - `notice`: while the job runs; the answer is still to come
 * - `draft`: something to be confirmed, with buttons
 * - `final`: the one visible end of the job
 * - `error`: the same, where the job failed
 */
export type ReplyKind = 'notice' | 'final' | 'draft' | 'error';

/** A click on a button, or the same said in words, is a confirm or a reject of the job. */
export interface ReplyButton {
  action: 'confirm' | 'reject';
  text: string;
}

export interface Reply {
  /** The id of the state event that it was made from: a bridge posts each id once. */
  reply_id: string;
  job_id: string;
  user_id: string;
  channel: string;
  /** Grows within a job, with gaps: the `seq` of that state event. */
  n: number;
  kind: ReplyKind;
  /** Never empty. Of any length: the bridge cuts it to what its chat takes. */
  text: string;
  /** With `draft`. */
  buttons?: ReplyButton[];
  /** Where in the channel the question came from, as its sender named it with the submit. */
  thread?: string;
  /** Of a message that did not become a job: the id that its sender gave it. */
  external_id?: string;
  /** The text was cut to what the broker carries. */
  truncated?: boolean;
}

/** What became of a reply in its chat. `uncertain`: it may be there or not, and is not sent again. */
export const deliveryReport = z.object({
  reply_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}:\d{1,9}$/, 'must be <job_id>:<seq>'),
  status: z.enum(['sent', 'uncertain', 'dead']),
  /** Posts that it took; 0 for a notice that was left out because its answer came first. */
  parts: z.number().int().min(0).max(10_000),
  error: z.string().max(2_000).optional(),
});
export type DeliveryReport = z.infer<typeof deliveryReport>;
