/**
 * Maps state events to replies in a chat. Pure and stateless: the same row gives the same replies with the same ids
 * after every restart.
 *
 * A chat cannot change a post, so it gets few: drafts to confirm, the one visible end (P1), and a notice where a user
 * would otherwise wonder. Heartbeats are not posted.
 */
import type { EventLogRow } from '../event-log-port.ts';
import { confirmState } from '#machines/job-states';
import { replyOffers } from '#machines/job-types';
import type { Reply, ReplyButton } from '#shared/wire/reply';
import { isStateEvent } from '#shared/wire/document-event';
import type { StateEvent } from '#shared/wire/state-event';
import { localeOf, textsOf } from '#machines/texts';

const buttonsOf: Record<'ko' | 'en', ReplyButton[]> = {
  ko: [
    { action: 'confirm', text: '확인' },
    { action: 'reject', text: '취소' },
  ],
  en: [
    { action: 'confirm', text: 'Yes' },
    { action: 'reject', text: 'No' },
  ],
};

export function toReplies({ triggerType, events: rowEvents, thread }: EventLogRow): Reply[] {
  // Events of documents and schedules answer no message.
  const events = rowEvents.filter(isStateEvent);
  const isEnd = events.some(({ type }) => type === 'done' || type === 'cancelled');
  const entersState = events.some(({ type }) => type === 'state');
  return events.flatMap((event) => {
    const reply = toReply(event, { isEnd, entersState, triggerType });
    if (reply === null) return [];
    return [thread === undefined || thread === null ? reply : { ...reply, thread }];
  });
}

interface RowContext {
  isEnd: boolean;
  entersState: boolean;
  triggerType: string;
}

function toReply(event: StateEvent, row: RowContext): Reply | null {
  const { data } = event;
  switch (event.type) {
    case 'done': {
      const end = buildReply(
        event,
        data['outcome'] === 'failed' ? 'error' : 'final',
        data['reply'],
      );
      const buttons = offerButtons(data['offers'], end.text);
      return buttons.length === 0 ? end : { ...end, buttons };
    }
    case 'cancelled':
      return buildReply(event, 'final', data['reply']);
    case 'result': {
      // The final result is the text of `done`.
      if (data['final'] === true) return null;
      if (event.state !== confirmState) return buildReply(event, 'notice', data['content']);
      const draft = buildReply(event, 'draft', data['content']);
      return { ...draft, buttons: buttonsOf[localeOf(draft.text)] };
    }
    case 'error':
      // The end of the job comes with an apology that says the same.
      return row.isEnd ? null : buildReply(event, 'notice', data['message']);
    case 'processing':
      return isNotable(event, row) ? buildReply(event, 'notice', data['message']) : null;
    case 'ack':
    case 'state':
    case 'rewrite':
      return null;
  }
}

function offerButtons(offers: unknown, text: string): ReplyButton[] {
  const texts = textsOf(localeOf(text)).offers;
  return replyOffers
    .filter((offer) => Array.isArray(offers) && offers.includes(offer))
    .map((action) => ({ action, text: texts[action].label }));
}

/**
 * Progress that is posted: on entering a state, when the answer begins to wait at a gate, and when the job begins to
 * wait in the queue (its first event after `ack`). Repeated heartbeats are not.
 */
const isNotable = (event: StateEvent, { entersState, triggerType: cause }: RowContext): boolean =>
  entersState ||
  (cause === 'gate.queued' && (event.state === 'reason' || event.state === 'fallback')) ||
  (cause === 'progress' && event.state === 'ack' && event.seq === 2);

function buildReply(event: StateEvent, kind: Reply['kind'], text: unknown): Reply {
  return {
    reply_id: event.id,
    job_id: event.job_id,
    user_id: event.user_id,
    channel: event.channel,
    n: event.seq,
    kind,
    // Never silence (P1): an end without text gets a default text.
    text: typeof text === 'string' && text.trim() !== '' ? text : textsOf('ko').noAnswer,
  };
}
