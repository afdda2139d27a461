/** What the bridge asks of the Chat API of a NAS: a post, the users, a file that somebody posted. */
import { z } from 'zod';
import type { DeliveryEvent } from '../../machines/delivery.ts';
import type { ReplyButton } from '../contract/reply.ts';
import type { TlsTrust } from '../lib/tls-trust.ts';
import { deliveryEventOf, isChatStopped, isLoginPage, readApiAnswer } from './nas-answer.ts';
import { refusalText } from './nas-codes.ts';
import { exchange, type ExchangeOutcome } from './nas-exchange.ts';
import { codePoints } from './post-cut.ts';
import type { Target } from './targets.ts';

export interface ChatPost {
  text: string;
  /** The chat's number of the person; not used in a channel. */
  chatUser: string;
  /** Under the text; a click names the job, and the draft of it that was shown by its `n`. */
  buttons: { jobId: string; n: number; list: readonly ReplyButton[] } | null;
}

export type NasFile =
  | { kind: 'file'; name: string | null; bytes: Buffer }
  /** The post has no file. */
  | { kind: 'none' }
  | { kind: 'tooLarge' }
  /** The Chat API says no, with a code. */
  | { kind: 'refused'; error: string }
  | { kind: 'away'; error: string };

export interface NasClient {
  /** What became of the post, as an event for its delivery. Never rejects. */
  post(target: Target, post: ChatPost): Promise<DeliveryEvent>;
  /**
   * Null when the Chat API answers in its own words, be it with a refusal of its own; else why it does not. Asks
   * for the list of users: that changes nothing. Never rejects; `signal` ends it at once.
   */
  probe(target: Target, signal: AbortSignal): Promise<string | null>;
  /** The people of the chat, or why they cannot be had. */
  users(target: Target): Promise<{ ok: true; ids: string[] } | { ok: false; error: string }>;
  file(target: Target, postId: string, bytesMax: number): Promise<NasFile>;
  /** Whether the post has a file, as far as the NAS says so within a moment. */
  hasFile(target: Target, postId: string): Promise<boolean>;
}

/** Answers are a line of JSON; a page of a web server that is not Chat's is a few kilobytes. */
const answerBytesMax = 256 * 1024;
const usersBytesMax = 4 * 1024 * 1024;
/** Chat waits for an answer meanwhile. */
const lookMsMax = 3_000;

const userList = z.object({
  users: z.array(z.object({ user_id: z.union([z.string(), z.number()]) })),
});

export function createNasClient(trust: TlsTrust): NasClient {
  const get = (url: string, bodyBytesMax: number, signal?: AbortSignal): Promise<ExchangeOutcome> =>
    exchange({
      url,
      method: 'GET',
      trust,
      bodyBytesMax,
      ...(signal === undefined ? {} : { signal }),
    });
  const file = async (
    target: Target,
    postId: string,
    bytesMax: number,
    signal?: AbortSignal,
  ): Promise<NasFile> => {
    const url = `${methodUrl(target, 'post_file_get')}&post_id=${encodeURIComponent(postId)}`;
    return fileOf(await get(url, bytesMax, signal));
  };
  return {
    file,

    async hasFile(target, postId) {
      // A file that is larger than an answer in words is not read to its end.
      const signal = AbortSignal.timeout(lookMsMax);
      const { kind } = await file(target, postId, answerBytesMax, signal);
      return kind === 'file' || kind === 'tooLarge';
    },

    async post(target, post) {
      const outcome = await exchange({
        url: target.url,
        method: 'POST',
        body: `payload=${encodeURIComponent(JSON.stringify(payloadOf(target, post)))}`,
        trust,
        bodyBytesMax: answerBytesMax,
      });
      return deliveryEventOf(outcome, codePoints(post.text));
    },

    async probe(target, signal) {
      const url = methodUrl(target, 'user_list');
      const outcome = await exchange({
        url,
        method: 'GET',
        trust,
        bodyBytesMax: usersBytesMax,
        signal,
      });
      if (outcome.kind !== 'answer') return outcome.error;
      const answer = outcome.status === 200 ? readApiAnswer(outcome.body) : null;
      if (answer === null) return `HTTP ${outcome.status}, not the Chat API`;
      return isChatStopped(answer) ? 'the Chat package does not run' : null;
    },

    async users(target) {
      const outcome = await get(methodUrl(target, 'user_list'), usersBytesMax);
      if (outcome.kind !== 'answer') return { ok: false, error: outcome.error };
      const answer = readApiAnswer(outcome.body);
      if (answer === null) return { ok: false, error: `HTTP ${outcome.status}, not the Chat API` };
      if (!answer.success) {
        return { ok: false, error: refusalText(answer.code) };
      }
      const list = userList.safeParse(answer.data);
      if (!list.success) return { ok: false, error: 'the list of users cannot be read' };
      return { ok: true, ids: list.data.users.map((user) => String(user.user_id)) };
    },
  };
}

/** What an answer to `post_file_get` means. */
function fileOf(outcome: ExchangeOutcome): NasFile {
  if (outcome.kind !== 'answer') {
    const isLarge = outcome.error.includes('too large');
    return isLarge ? { kind: 'tooLarge' } : { kind: 'away', error: outcome.error };
  }
  if (outcome.status === 404) return { kind: 'none' };
  const isJson = (outcome.headers['content-type'] ?? '').includes('json');
  const refusal = isJson ? readApiAnswer(outcome.body) : null;
  if (refusal?.success === false) {
    const { code } = refusal;
    return code === 404 ? { kind: 'none' } : { kind: 'refused', error: refusalText(code) };
  }
  if (outcome.status !== 200) return { kind: 'away', error: `HTTP ${outcome.status}` };
  // A file that somebody posted is an attachment; a page that the web server has made is not.
  const disposition = outcome.headers['content-disposition'];
  if (disposition === undefined && isLoginPage(outcome.body)) {
    return { kind: 'away', error: 'HTTP 200: the login page of DSM' };
  }
  const name = nameOf(disposition);
  return { kind: 'file', name, bytes: outcome.body };
}

/** The same address and token for another method. The query is kept as Chat shows it, quotes of the token included. */
export const methodUrl = ({ url }: Pick<Target, 'url'>, method: string): string =>
  url.replace(/([?&]method=)[^&]*/, `$1${method}`);

function payloadOf(target: Target, { text, chatUser, buttons }: ChatPost): Record<string, unknown> {
  return {
    text,
    ...(target.kind === 'bot' ? { user_ids: [Number(chatUser)] } : {}),
    ...(buttons === null ? {} : { attachments: [attachmentOf(buttons)] }),
  };
}

const attachmentOf = ({ jobId, n, list }: NonNullable<ChatPost['buttons']>) => ({
  callback_id: `job-${jobId}:${n}`,
  text: '',
  actions: list.map(({ action, text }) => ({
    type: 'button',
    name: action,
    value: `${action}:${jobId}:${n}`,
    text,
    style: action === 'confirm' ? 'green' : 'red',
  })),
});

/** RFC 6266: `filename*` goes before `filename`. */
function nameOf(disposition: string | undefined): string | null {
  const extended = /filename\*\s*=\s*UTF-8''([^;\s]+)/i.exec(disposition ?? '')?.[1];
  const plain = /filename\s*=\s*"?([^";]+)"?/i.exec(disposition ?? '')?.[1];
  try {
    const name = extended === undefined ? plain : decodeURIComponent(extended);
    return name === undefined ? null : name.slice(0, 200);
  } catch {
    return plain ?? null;
  }
}
