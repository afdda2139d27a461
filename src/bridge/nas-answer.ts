/**
 * What the NAS's answer means for the post that was sent. Every refusal of the API is HTTP 200 with
 * `success:false` and a code; only `success:true` is a post in the chat.
 *
 * N1: `lost` wherever the post may be there: it is never sent again.
 * N2: a web server that redirects or refuses has not passed the post on. So answers a NAS whose Chat does not
 *     run yet: it says something of the NAS, not of the post.
 */
import { z } from 'zod';
import type { DeliveryEvent } from '../../machines/delivery.ts';
import type { ExchangeOutcome } from './nas-exchange.ts';

const apiAnswer = z.union([
  z.object({ success: z.literal(true), data: z.unknown().optional() }),
  z.object({
    success: z.literal(false),
    error: z.object({ code: z.number(), errors: z.unknown().optional() }).optional(),
  }),
]);

type Meaning = 'tooLong' | 'tooFast' | 'stopped' | 'busy' | 'refused';

const chatStopped = 102;

/** Codes that were seen, and what they mean as far as sources agree. Others are taken for refusals. */
const meanings: Readonly<Record<number, { meaning: Meaning; title: string }>> = {
  100: { meaning: 'stopped', title: 'unknown error' },
  101: { meaning: 'refused', title: 'invalid parameter' },
  [chatStopped]: { meaning: 'stopped', title: 'the Chat package does not run' },
  115: { meaning: 'refused', title: 'the token is not in the form that Chat wants (%22…%22)' },
  117: { meaning: 'busy', title: 'busy' },
  120: { meaning: 'refused', title: 'wrong format' },
  404: { meaning: 'refused', title: 'Chat does not know this token: was the bot removed?' },
  407: { meaning: 'refused', title: 'the payload could not be read' },
  409: { meaning: 'refused', title: 'the file is too large' },
  410: { meaning: 'tooLong', title: 'the message is too long' },
  411: { meaning: 'tooFast', title: 'too fast' },
  800: { meaning: 'refused', title: 'no such person in the chat' },
};

/** `chars`: code points of the post, for a NAS that calls it too long. */
export function deliveryEventOf(outcome: ExchangeOutcome, chars: number): DeliveryEvent {
  if (outcome.kind === 'unsent') return { type: 'unreachable', error: outcome.error };
  if (outcome.kind === 'lost') return { type: 'lost', error: outcome.error };
  const { status } = outcome;
  const answer = readApiAnswer(outcome.body);
  if (status >= 300 && status < 500 && answer === null) return pageEvent(status, chars);
  if (status !== 200 && (status < 300 || status >= 500 || answer?.success === true)) {
    return { type: 'lost', error: `the NAS answered HTTP ${status}` };
  }
  if (answer === null) return { type: 'lost', error: 'the answer of the NAS cannot be read' };
  if (answer.success) return isPostedToNobody(answer.data) ? nobody : { type: 'posted' };
  const code = answer.error?.code ?? 0;
  const known = meanings[code];
  const error = `the NAS refused with code ${code}${known === undefined ? '' : `: ${known.title}`}`;
  switch (known?.meaning ?? 'refused') {
    case 'tooFast':
      return { type: 'tooFast' };
    case 'tooLong':
      return { type: 'tooLong', chars, error };
    case 'stopped':
      return { type: 'stopped', error };
    case 'busy':
      return { type: 'busy', error };
    case 'refused':
      return { type: 'refused', error };
  }
}

/** N2, but for the one that speaks of this post's size. */
function pageEvent(status: number, chars: number): DeliveryEvent {
  const isRedirect = status < 400;
  const error = isRedirect
    ? `HTTP ${status}: the NAS redirects; if it stays so, set synology.incomingUrl to where it leads`
    : `HTTP ${status}: not the Chat API; if it stays so, check synology.incomingUrl`;
  return status === 413 ? { type: 'tooLong', chars, error } : { type: 'stopped', error };
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
export const isChatStopped = (answer: z.infer<typeof apiAnswer>): boolean =>
  !answer.success && answer.error?.code === chatStopped;

export function readApiAnswer(body: Buffer): z.infer<typeof apiAnswer> | null {
  try {
    const read = apiAnswer.safeParse(JSON.parse(body.toString('utf8')));
    return read.success ? read.data : null;
  } catch {
    return null;
  }
}
