/** What the bridge itself says to a person, as a row of the outbox: each thing once, however often it is asked for. */
import type { InboxRow, NewOutboxRow } from '../contract/bridge-storage.ts';
import type { ReplyKind } from '../contract/reply.ts';
import { localeOf, type Locale } from '../../machines/texts.ts';
import { newDelivery } from './delivery-step.ts';

/** `name` makes it one of its kind: said again under the same name, it is not said. */
export function ownWords(
  to: Pick<InboxRow, 'target' | 'lane' | 'chatUser' | 'userId'> & { id?: number },
  name: string,
  kind: ReplyKind,
  text: string,
  dueAt: number,
): NewOutboxRow {
  return {
    replyId: `own:${name}:1`,
    jobId: null,
    userId: to.userId,
    target: to.target,
    lane: to.lane,
    chatUser: to.chatUser,
    n: 1,
    kind,
    text,
    buttons: null,
    delivery: newDelivery(text),
    place: to.id ?? 0,
    dueAt,
  };
}

/** The language of somebody who wrote this, or pressed a button that says it; Korean where it says nothing. */
export const chatLocale = (said: string, configured: Locale | 'auto'): Locale => {
  if (configured !== 'auto') return configured;
  return said.trim() === '' ? 'ko' : localeOf(said);
};

export const isOwn = (replyId: string): boolean => replyId.startsWith('own:');
