/** Client of the NAS's Chat API: posts, the list of users, posted files. */
import { z } from 'zod';
import { sendHttpRequest } from '#shared/http-request';
import type { TlsTrust } from '#shared/tls-options';
import {
  mapResponse,
  isChatStopped,
  isLoginPage,
  parseApiResponse,
  type NasHttpOutcome,
} from './nas-response-mapper.ts';
import { refusalText } from './nas-codes.ts';
import { countChars } from '../outbox/char-units.ts';
import type { ChannelFile, DeliveryOutcome, OutgoingPart } from '../channel-adapter-port.ts';
import { attachmentOf } from './buttons.ts';
import type { Target } from './targets.ts';

export type ChatPost = Pick<OutgoingPart, 'text' | 'chatUser' | 'buttons'>;

/** Responses are a line of JSON; an error page of a web server is a few kilobytes. */
const responseBytesMax = 256 * 1024;
const usersBytesMax = 4 * 1024 * 1024;
/** Chat waits for the response to its webhook meanwhile. */
const fileProbeTimeoutMs = 3_000;

const userList = z.object({
  users: z.array(z.object({ user_id: z.union([z.string(), z.number()]) })),
});

export type NasClient = ReturnType<typeof createNasClient>;

/** No method rejects. */
export function createNasClient(trust: TlsTrust) {
  const get = (url: string, bytesMax: number, signal?: AbortSignal): Promise<NasHttpOutcome> =>
    send({ url, method: 'GET', trust, bytesMax, ...(signal === undefined ? {} : { signal }) });
  const file = async (
    target: Target,
    postId: string,
    bytesMax: number,
    signal?: AbortSignal,
  ): Promise<ChannelFile> => {
    const url = `${methodUrl(target, 'post_file_get')}&post_id=${encodeURIComponent(postId)}`;
    return parseFileResponse(await get(url, bytesMax, signal));
  };
  return {
    file,

    /** Whether the post has a file, if the NAS answers within `fileProbeTimeoutMs`; else false. */
    async hasFile(target: Target, postId: string): Promise<boolean> {
      // A file larger than a text response is not read to its end.
      const signal = AbortSignal.timeout(fileProbeTimeoutMs);
      const { kind } = await file(target, postId, responseBytesMax, signal);
      return kind === 'file' || kind === 'tooLarge';
    },

    async post(target: Target, post: ChatPost): Promise<DeliveryOutcome> {
      const outcome = await send({
        url: target.url,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `payload=${encodeURIComponent(JSON.stringify(payloadOf(target, post)))}`,
        trust,
        bytesMax: responseBytesMax,
      });
      return mapResponse(outcome, countChars(post.text, 'code-points'));
    },

    /** See `ChannelAdapter.probe`. Requests the list of users, which changes nothing. */
    async probe(target: Target, signal: AbortSignal): Promise<string | null> {
      const outcome = await get(methodUrl(target, 'user_list'), usersBytesMax, signal);
      if (outcome.kind !== 'answer') return outcome.error;
      const apiResponse = outcome.status === 200 ? parseApiResponse(outcome.body) : null;
      if (apiResponse === null) return `HTTP ${outcome.status}, not the Chat API`;
      return isChatStopped(apiResponse) ? 'the Chat package does not run' : null;
    },

    /** The users of the chat, or why they cannot be listed. */
    async users(
      target: Target,
    ): Promise<{ ok: true; ids: string[] } | { ok: false; error: string }> {
      const outcome = await get(methodUrl(target, 'user_list'), usersBytesMax);
      if (outcome.kind !== 'answer') return { ok: false, error: outcome.error };
      const apiResponse = parseApiResponse(outcome.body);
      if (apiResponse === null)
        return { ok: false, error: `HTTP ${outcome.status}, not the Chat API` };
      if (!apiResponse.success) {
        return { ok: false, error: refusalText(apiResponse.code) };
      }
      const list = userList.safeParse(apiResponse.data);
      if (!list.success) return { ok: false, error: 'the list of users cannot be read' };
      return { ok: true, ids: list.data.users.map((user) => String(user.user_id)) };
    },
  };
}

/** A disk that spins up takes ten seconds; a NAS that is off does not answer at all. */
const timeouts = { connectMs: 10_000, timeoutMs: 30_000 };

/** Never rejects. The caller must know whether the NAS can have received the request. */
async function send(
  request: Omit<Parameters<typeof sendHttpRequest>[0], keyof typeof timeouts>,
): Promise<NasHttpOutcome> {
  const outcome = await sendHttpRequest({ ...timeouts, ...request });
  return outcome.ok
    ? { kind: 'answer', ...outcome }
    : { kind: outcome.wasSent ? 'lost' : 'unsent', error: outcome.error };
}

/** Maps a response to `post_file_get`. */
function parseFileResponse(outcome: NasHttpOutcome): ChannelFile {
  if (outcome.kind !== 'answer') {
    const isLarge = outcome.error.includes('too large');
    return isLarge ? { kind: 'tooLarge' } : { kind: 'away', error: outcome.error };
  }
  if (outcome.status === 404) return { kind: 'none' };
  const isJson = (outcome.headers['content-type'] ?? '').includes('json');
  const refusal = isJson ? parseApiResponse(outcome.body) : null;
  if (refusal?.success === false) {
    const { code } = refusal;
    return code === 404 ? { kind: 'none' } : { kind: 'refused', error: refusalText(code) };
  }
  if (outcome.status !== 200) return { kind: 'away', error: `HTTP ${outcome.status}` };
  // A posted file comes with content-disposition; a page of the web server does not.
  const disposition = outcome.headers['content-disposition'];
  if (disposition === undefined && isLoginPage(outcome.body)) {
    return { kind: 'away', error: 'HTTP 200: the login page of DSM' };
  }
  const name = parseFileName(disposition);
  return { kind: 'file', name, bytes: outcome.body };
}

/** The same URL and token with another method. The query is kept verbatim, including the quotes around the token. */
export const methodUrl = ({ url }: Pick<Target, 'url'>, method: string): string =>
  url.replace(/([?&]method=)[^&]*/, `$1${method}`);

function payloadOf(target: Target, { text, chatUser, buttons }: ChatPost): Record<string, unknown> {
  return {
    text,
    ...(target.kind === 'bot' ? { user_ids: [Number(chatUser)] } : {}),
    ...(buttons === null ? {} : { attachments: [attachmentOf(buttons)] }),
  };
}

/** RFC 6266: `filename*` takes precedence over `filename`. */
function parseFileName(disposition: string | undefined): string | null {
  const extended = /filename\*\s*=\s*UTF-8''([^;\s]+)/i.exec(disposition ?? '')?.[1];
  const plain = /filename\s*=\s*"?([^";]+)"?/i.exec(disposition ?? '')?.[1];
  try {
    const name = extended === undefined ? plain : decodeURIComponent(extended);
    return name === undefined ? null : name.slice(0, 200);
  } catch {
    return plain ?? null;
  }
}
