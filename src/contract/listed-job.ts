/** A job as a list shows it: with the beginnings of its texts. */
import { headOfText } from '../lib/listing.ts';
import type { ListedJob } from './door.ts';

/** Marked where something was cut; what is short stays as it is. */
export function cutJob(job: ListedJob): ListedJob {
  const message = headOfText(job.message);
  const reply = job.reply === null ? null : headOfText(job.reply);
  return {
    ...job,
    message: message.text,
    reply: reply === null ? null : reply.text,
    ...(message.isCut ? { message_cut: true } : {}),
    ...(reply?.isCut === true ? { reply_cut: true } : {}),
  };
}
