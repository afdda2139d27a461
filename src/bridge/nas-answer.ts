/**
 * What the NAS's answer means for the post that was sent. Every refusal of the API is HTTP 200 with
 * `success:false` and a code; only `success:true` is a post in the chat.
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

/** Codes that were seen, and what they mean as far as sources agree. Others are taken for refusals. */
const meanings: Readonly<Record<number, { meaning: Meaning; title: string }>> = {
  100: { meaning: 'busy', title: 'unknown error' },
  101: { meaning: 'refused', title: 'invalid parameter' },
  102: { meaning: 'stopped', title: 'the Chat package does not run' },
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
  // A web server in front may or may not have passed it on.
  if (status >= 500) return { type: 'lost', error: `the NAS answered HTTP ${status}` };
  if (status === 429 || status === 408) return { type: 'stopped', error: `HTTP ${status}` };
  if (status !== 200) return { type: 'busy', error: notAnApi(status) };
  const answer = readApiAnswer(outcome.body);
  if (answer === null) return { type: 'lost', error: 'the answer of the NAS cannot be read' };
  if (answer.success) return { type: 'posted' };
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

const notAnApi = (status: number): string =>
  status >= 300 && status < 400
    ? `HTTP ${status}: the NAS redirects; set synology.incomingUrl to where it leads`
    : `HTTP ${status}: not the Chat API; check synology.incomingUrl`;

export function readApiAnswer(body: Buffer): z.infer<typeof apiAnswer> | null {
  try {
    const read = apiAnswer.safeParse(JSON.parse(body.toString('utf8')));
    return read.success ? read.data : null;
  } catch {
    return null;
  }
}
