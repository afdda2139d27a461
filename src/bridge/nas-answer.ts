/**
 * What the NAS's answer means for the post that was sent. Every refusal of the API is HTTP 200 with
 * `success:false` and a code (nas-codes.ts); only `success:true` is a post in the chat.
 *
 * N1: `lost` wherever the post may be there: it is never sent again.
 * N2: a web server that redirects, refuses or shows the login page of DSM has not passed the post on. So answers a
 *     NAS whose Chat does not run yet: it says something of the NAS, not of the post.
 * N3: a code that is not known is doubted as such a page is: waited out, and believed only when the chat takes
 *     other words meanwhile.
 */
import { z } from 'zod';
import type { DeliveryEvent } from '../../machines/delivery.ts';
import { chatStopped, meaningOf, nasCodes, refusalText, unknownError } from './nas-codes.ts';
import type { ExchangeOutcome } from './nas-exchange.ts';

/** An answer of the API. `code` null: a refusal without one that can be read. */
export type ApiAnswer = { success: true; data: unknown } | { success: false; code: number | null };

/** `chars`: code points of the post, for a NAS that calls it too long. */
export function deliveryEventOf(outcome: ExchangeOutcome, chars: number): DeliveryEvent {
  if (outcome.kind === 'unsent') return { type: 'unreachable', error: outcome.error };
  if (outcome.kind === 'lost') return { type: 'lost', error: outcome.error };
  const { status, body } = outcome;
  const answer = readApiAnswer(body);
  if (answer === null) return noAnswerEvent(status, body, chars);
  if (!isCredible(status, answer)) {
    return { type: 'lost', error: `the NAS answered HTTP ${status}` };
  }
  if (answer.success) return isPostedToNobody(answer.data) ? nobody : { type: 'posted' };
  const error = refusalText(answer.code);
  switch (meaningOf(answer.code)) {
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
 * Whether the API's own words count with this status. A refusal counts with an error status too; with one of a
 * gateway (5xx) only where its code is one of the API's.
 */
function isCredible(status: number, answer: ApiAnswer): boolean {
  if (status === 200) return true;
  if (answer.success || status < 300) return false;
  if (status < 500) return true;
  const { code } = answer;
  return code !== null && code !== unknownError && Object.hasOwn(nasCodes, code);
}

/** Something else than the API has answered. */
function noAnswerEvent(status: number, body: Buffer, chars: number): DeliveryEvent {
  if (status >= 300 && status < 500) return pageEvent(status, chars);
  if (status === 200) {
    if (isLoginPage(body)) return { type: 'stopped', error: `HTTP 200: ${loginPage}` };
    return { type: 'lost', error: 'the answer of the NAS cannot be read' };
  }
  return { type: 'lost', error: `the NAS answered HTTP ${status}` };
}

/** N2, but for the one that speaks of this post's size. */
function pageEvent(status: number, chars: number): DeliveryEvent {
  const isRedirect = status < 400;
  const error = isRedirect
    ? `HTTP ${status}: the NAS redirects; if it stays so, set synology.incomingUrl to where it leads`
    : `HTTP ${status}: not the Chat API; if it stays so, check synology.incomingUrl`;
  return status === 413 ? { type: 'tooLong', chars, error } : { type: 'stopped', error };
}

const loginPage = 'the login page of DSM; if it stays so, check synology.incomingUrl';

/** DSM serves its desktop for every address that is none of its APIs. */
export function isLoginPage(body: Buffer): boolean {
  const start = body.subarray(0, 64 * 1024).toString('utf8');
  return (
    /^\s*</.test(start) && /SYNO\.SDS|synoSDSjslib|webman\/(?:login|resources|3rdparty)/.test(start)
  );
}

const nobody: DeliveryEvent = { type: 'refused', error: 'the NAS has posted it to nobody' };

const report = z.object({
  fail: z.array(z.unknown()).min(1),
  succ: z.object({ user_id_post_map: z.object({}).loose().nullish() }).nullish(),
});

/** A bot's `success` lists whom it could post to and whom not. */
function isPostedToNobody(data: unknown): boolean {
  const read = report.safeParse(data);
  return read.success && Object.keys(read.data.succ?.user_id_post_map ?? {}).length === 0;
}

/** DSM lists no Chat API: its package has stopped, or has not started yet. No method of it would do anything. */
export const isChatStopped = (answer: ApiAnswer): boolean =>
  !answer.success && answer.code === chatStopped;

/**
 * Null for what is no answer of the API. Packages differ in how they write it: `success` may be a text or a number,
 * and the code a text, or one level deeper. A `success` beside an error says two things: it is no answer.
 */
export function readApiAnswer(body: Buffer): ApiAnswer | null {
  const value = recordOf(jsonOf(body));
  if (value === null) return null;
  const success = flagOf(value['success']);
  const code = codeOf(value['error']);
  const isRefusal = success === false || (value['success'] === undefined && code !== null);
  if (isRefusal) return { success: false, code };
  const isContradicted = code !== null && code !== 0;
  return success === true && !isContradicted ? { success, data: value['data'] } : null;
}

function jsonOf(body: Buffer): unknown {
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

function flagOf(value: unknown): boolean | null {
  const word = typeof value === 'string' ? value.trim().toLowerCase() : value;
  if (word === true || word === 'true' || word === 1 || word === '1') return true;
  return word === false || word === 'false' || word === 0 || word === '0' ? false : null;
}

/** How deep a code was seen: `error.errors[0].code`. */
const codeDepthMax = 4;

/** The outermost code in `error`: it says what failed, one within says why. */
function codeOf(value: unknown, depth = 0): number | null {
  if (depth > codeDepthMax) return null;
  if (Array.isArray(value)) return codeOf(value[0], depth + 1);
  const record = recordOf(value);
  if (record === null) return numberOf(value);
  const own = numberOf(record['code'] ?? record['errno']);
  return own ?? codeOf(record['error'] ?? recordOrListOf(record['errors']), depth + 1);
}

/** `errors` is a sentence in most answers. */
const recordOrListOf = (value: unknown): unknown => (typeof value === 'object' ? value : null);

function numberOf(value: unknown): number | null {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^\s*-?\d{1,9}\s*$/.test(text) ? Number(text) : null;
}
