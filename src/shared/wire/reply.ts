/**
 * Replies to a chat and the reports about them: with the submit of a message, the only shapes exchanged between the
 * core and a bridge.
 */
import { z } from 'zod';
import type { ReplyOffer } from '#machines/job-types';

/**
 * - `notice`: while the job runs; the answer follows
 * - `draft`: asks for confirmation, with buttons
 * - `final`: the visible end of the job
 * - `error`: the visible end of a failed job
 */
export type ReplyKind = 'notice' | 'final' | 'draft' | 'error';

/**
 * - `confirm`, `reject`: a click, or the same in words, decides the draft
 * - an offer of an answer: a click is submitted as the same words, with `offer`
 */
export type ButtonAction = 'confirm' | 'reject' | ReplyOffer;

export interface ReplyButton {
  action: ButtonAction;
  text: string;
}

export interface Reply {
  /** Id of the state event that it was made from: a bridge posts each id at most once. */
  reply_id: string;
  job_id: string;
  user_id: string;
  channel: string;
  /** `seq` of that state event: increases within a job, with gaps. */
  n: number;
  kind: ReplyKind;
  /** Never empty, of any length: the bridge splits it to fit its chat. */
  text: string;
  /** Only with `draft` and `final`. */
  buttons?: ReplyButton[];
  /** Thread of the channel, as given with the submit. */
  thread?: string;
  /** For a message that did not become a job: the id given by its sender. */
  external_id?: string;
  /** The text was cut to the broker's message limit. */
  truncated?: boolean;
}

/** Delivery report of a reply. `uncertain`: it may have been posted, and is not sent again. */
export const deliveryReport = z.object({
  reply_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}:\d{1,9}$/, 'must be <job_id>:<seq>'),
  status: z.enum(['sent', 'uncertain', 'dead']),
  /** Posts made; 0 for a notice that was dropped because its answer came first. */
  parts: z.number().int().min(0).max(10_000),
  error: z.string().max(2_000).optional(),
});
export type DeliveryReport = z.infer<typeof deliveryReport>;
