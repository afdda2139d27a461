/**
 * Maps the NAS's response to a delivery event. Every refusal of the API is HTTP 200 with `success:false` and a code
 * (nas-codes.ts); only `success:true` means that the post is in the chat.
 *
 * N1: `lost` whenever the post may be in the chat: it is never sent again.
 * N2: a web server that redirects, refuses or shows the login page of DSM has not passed the post on. A NAS whose Chat
 *     does not run yet responds this way: it concerns the NAS, not the post.
 * N3: an unknown code is treated like such a page: waited out, and final only if the chat accepts another text
 *     meanwhile.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { DeliveryOutcome } from '../channel-adapter-port.ts';
import { chatStopped, meaningOf, nasCodes, refusalText, unknownError } from './nas-codes.ts';

export type NasHttpOutcome =
  | { kind: 'answer'; status: number; headers: IncomingHttpHeaders; body: Buffer }
  /** No byte of the request has left. */
  | { kind: 'unsent'; error: string }
  | { kind: 'lost'; error: string };

/** A response of the API. `code` null: a refusal without a readable code. */
export type ApiResponse =
  | { success: true; data: unknown }
  | { success: false; code: number | null };

/** `chars`: length of the post in code points, for a NAS that refuses it as too long. */
export function mapResponse(outcome: NasHttpOutcome, chars: number): DeliveryOutcome {
  if (outcome.kind === 'unsent') return { type: 'unreachable', error: outcome.error };
  if (outcome.kind === 'lost') return { type: 'lost', error: outcome.error };
  const { status, body } = outcome;
  const apiResponse = parseApiResponse(body);
  if (apiResponse === null) return mapNonApiResponse(status, body, chars);
  if (!isCredible(status, apiResponse)) {
    return { type: 'lost', error: `the NAS answered HTTP ${status}` };
  }
  if (apiResponse.success)
    return reachedNobody(apiResponse.data) ? reachedNobodyEvent : { type: 'posted' };
  const error = refusalText(apiResponse.code);
  switch (meaningOf(apiResponse.code)) {
    case 'tooFast':
      return { type: 'tooFast' };
    case 'tooLong':
      return { type: 'tooLong', chars, error };
    case 'busy':
      return { type: 'busy', error };
    case 'stopped':
    case 'doubted':
      return { type: 'stopped', error };
    case 'refused':
      return { type: 'refused', error };
  }
}

/**
 * Whether a body of the API is accepted with this HTTP status. A refusal is accepted with a 4xx status; with a
 * gateway status (5xx) only if its code is in nas-codes.ts and specific.
 */
function isCredible(status: number, apiResponse: ApiResponse): boolean {
  if (status === 200) return true;
  if (apiResponse.success || status < 300) return false;
  if (status < 500) return true;
  const { code } = apiResponse;
  return code !== null && code !== unknownError && Object.hasOwn(nasCodes, code);
}

/** The response is not from the API. */
function mapNonApiResponse(status: number, body: Buffer, chars: number): DeliveryOutcome {
  if (status >= 300 && status < 500) return mapHtmlError(status, chars);
  if (status === 200) {
    if (isLoginPage(body)) return { type: 'stopped', error: `HTTP 200: ${loginPage}` };
    return { type: 'lost', error: 'the answer of the NAS cannot be read' };
  }
  return { type: 'lost', error: `the NAS answered HTTP ${status}` };
}

/** N2 applies, except for 413, which concerns the size of this post. */
function mapHtmlError(status: number, chars: number): DeliveryOutcome {
  const isRedirect = status < 400;
  const error = isRedirect
    ? `HTTP ${status}: the NAS redirects; if it stays so, set synology.incomingUrl to where it leads`
    : `HTTP ${status}: not the Chat API; if it stays so, check synology.incomingUrl`;
  return status === 413 ? { type: 'tooLong', chars, error } : { type: 'stopped', error };
}

const loginPage = 'the login page of DSM; if it stays so, check synology.incomingUrl';

/** DSM serves its desktop page for every path that is not one of its APIs. */
export function isLoginPage(body: Buffer): boolean {
  const start = body.subarray(0, 64 * 1024).toString('utf8');
  return (
    /^\s*</.test(start) && /SYNO\.SDS|synoSDSjslib|webman\/(?:login|resources|3rdparty)/.test(start)
  );
}

const reachedNobodyEvent: DeliveryOutcome = {
  type: 'refused',
  error: 'the NAS has posted it to nobody',
};

const postReport = z.object({
  fail: z.array(z.unknown()).min(1),
  succ: z.object({ user_id_post_map: z.object({}).loose().nullish() }).nullish(),
});

/** A bot's `success` lists the users it could post to, and those it could not. */
function reachedNobody(data: unknown): boolean {
  const read = postReport.safeParse(data);
  return read.success && Object.keys(read.data.succ?.user_id_post_map ?? {}).length === 0;
}

/** DSM lists no Chat API: the package has stopped, or has not started yet. None of its methods has any effect. */
export const isChatStopped = (apiResponse: ApiResponse): boolean =>
  !apiResponse.success && apiResponse.code === chatStopped;

/**
 * Null if the body is not a response of the API. Packages differ: `success` may be a string or a number, and the code
 * a string, or nested deeper. A `success` together with an error is contradictory: not a response of the API.
 */
export function parseApiResponse(body: Buffer): ApiResponse | null {
  const value = recordOf(parseJson(body));
  if (value === null) return null;
  const success = parseFlag(value['success']);
  const code = parseErrorCode(value['error']);
  const isRefusal = success === false || (value['success'] === undefined && code !== null);
  if (isRefusal) return { success: false, code };
  const isContradicted = code !== null && code !== 0;
  return success === true && !isContradicted ? { success, data: value['data'] } : null;
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8').replace(/^\uFEFF/, ''));
  } catch {
    return null;
  }
}

const recordOf = (value: unknown): Record<string, unknown> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;

function parseFlag(value: unknown): boolean | null {
  const normalized = typeof value === 'string' ? value.trim().toLowerCase() : value;
  if (normalized === true || normalized === 'true' || normalized === 1 || normalized === '1')
    return true;
  return normalized === false || normalized === 'false' || normalized === 0 || normalized === '0'
    ? false
    : null;
}

/** Deepest code seen in responses: `error.errors[0].code`. */
const codeDepthMax = 4;

/** The outermost code in `error`: it names the failure, an inner one only its cause. */
function parseErrorCode(value: unknown, depth = 0): number | null {
  if (depth > codeDepthMax) return null;
  if (Array.isArray(value)) return parseErrorCode(value[0], depth + 1);
  const record = recordOf(value);
  if (record === null) return parseInteger(value);
  const directCode = parseInteger(record['code'] ?? record['errno']);
  return (
    directCode ?? parseErrorCode(record['error'] ?? recordOrListOf(record['errors']), depth + 1)
  );
}

/** `errors` is a sentence in most responses. */
const recordOrListOf = (value: unknown): unknown => (typeof value === 'object' ? value : null);

function parseInteger(value: unknown): number | null {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^\s*-?\d{1,9}\s*$/.test(text) ? Number(text) : null;
}
