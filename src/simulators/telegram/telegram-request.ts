/** A request to the simulated API, with its outcome. */
import type { LoggedRequest } from '../request-log.ts';

export interface TelegramRequest extends LoggedRequest {
  /** Counts from 1, in the order in which the headers arrived. */
  n: number;
  /** Epoch milliseconds. */
  atMs: number;
  /** As sent; '' if absent. `file` for a download. */
  method: string;
  /** Parameters as sent, each cut to 500 characters; without files. */
  params: Record<string, string>;
  httpStatus: number | null;
  /** Of a refusal. */
  description: string | null;
  /** The kind of the injected fault. */
  fault: string | null;
  /** The message that it made or changed. With outcome `cut` the client cannot know of it. */
  messageId: number | null;
  chatId: number | null;
}
