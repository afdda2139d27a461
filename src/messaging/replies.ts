/**
 * Which state events become a reply in a chat, and which text. Pure and without memory: the same row
 * gives the same replies after every restart, with the same ids.
 *
 * A chat cannot change what was posted, so it gets little: what is to be confirmed, the one visible end
 * (P1), and a notice where a person would otherwise wonder. Heartbeats are not for chats.
 */
import type { OutboxRow } from '../contract/outbox-storage.ts';
import type { Reply, ReplyButton } from '../contract/reply.ts';
import { isDocumentEvent } from '../contract/document-event.ts';
import type { StateEvent } from '../contract/state-event.ts';
import { localeOf, textsOf } from '../../machines/texts.ts';

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

export function repliesOf({ cause, events: told, thread }: OutboxRow): Reply[] {
  // What happens to documents is nobody's answer.
  const events = told.filter((event) => !isDocumentEvent(event));
  const isEnd = events.some(({ type }) => type === 'done' || type === 'cancelled');
  const entersState = events.some(({ type }) => type === 'state');
  return events.flatMap((event) => {
    const reply = replyOf(event, { isEnd, entersState, cause });
    if (reply === null) return [];
    return [thread === undefined || thread === null ? reply : { ...reply, thread }];
  });
}

interface Row {
  isEnd: boolean;
  entersState: boolean;
  cause: string;
}

function replyOf(event: StateEvent, row: Row): Reply | null {
  const { data } = event;
  switch (event.type) {
    case 'done':
      return reply(event, data['outcome'] === 'failed' ? 'error' : 'final', data['reply']);
    case 'cancelled':
      return reply(event, 'final', data['reply']);
    case 'result': {
      // The final result is told with `done`.
      if (data['final'] === true) return null;
      if (event.state !== 'confirm-draft') return reply(event, 'notice', data['content']);
      const draft = reply(event, 'draft', data['content']);
      return { ...draft, buttons: buttonsOf[localeOf(draft.text)] };
    }
    case 'error':
      // With the end comes an apology that says the same.
      return row.isEnd ? null : reply(event, 'notice', data['message']);
    case 'processing':
      return isWorthTelling(event, row) ? reply(event, 'notice', data['message']) : null;
    case 'ack':
    case 'state':
    case 'rewrite':
      return null;
  }
}

/**
 * On the way into a state, when the answer begins to wait at a gate, and when the job begins to wait for its
 * turn (which is the first that it tells after `ack`); not the heartbeat that repeats it.
 */
const isWorthTelling = (event: StateEvent, { entersState, cause }: Row): boolean =>
  entersState ||
  (cause === 'gate.queued' && (event.state === 'reason' || event.state === 'fallback')) ||
  (cause === 'progress' && event.state === 'ack' && event.seq === 2);

function reply(event: StateEvent, kind: Reply['kind'], text: unknown): Reply {
  return {
    reply_id: event.id,
    job_id: event.job_id,
    user_id: event.user_id,
    channel: event.channel,
    n: event.seq,
    kind,
    // Never silence (P1): an end without words would be one.
    text: typeof text === 'string' && text.trim() !== '' ? text : textsOf('ko').noAnswer,
  };
}
