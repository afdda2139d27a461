/** A job as shown in a list: with its texts cut to previews. */
import { previewOf } from '../listing.ts';
import type { ListedJob } from './job-service.ts';

/** Sets `message_cut` and `reply_cut` where a text was cut. Pure. */
export function previewJob(job: ListedJob): ListedJob {
  const message = previewOf(job.message);
  const reply = job.reply === null ? null : previewOf(job.reply);
  return {
    ...job,
    message: message.text,
    reply: reply === null ? null : reply.text,
    ...(message.isCut ? { message_cut: true } : {}),
    ...(reply?.isCut === true ? { reply_cut: true } : {}),
  };
}
