/** The bridge's own notices to a user, as outbox rows: each name is posted at most once. */
import type { InboxRow, NewOutboxRow } from './bridge-storage-port.ts';
import type { ReplyKind } from '#shared/wire/reply';
import { localeOf, type Locale } from '#machines/texts';
import type { ChannelNotice } from './channel-adapter-port.ts';
import { newDelivery } from './outbox/delivery-transitions.ts';
import type { ChannelTargets } from './targets.ts';

/** `name` identifies the notice: a second one with the same name is not stored. */
export function createSystemNotice(
  recipient: Pick<InboxRow, 'target' | 'lane' | 'chatUser' | 'userId'> & { id?: number },
  name: string,
  kind: ReplyKind,
  text: string,
  dueAt: number,
): NewOutboxRow {
  return {
    replyId: `own:${name}:1`,
    jobId: null,
    userId: recipient.userId,
    target: recipient.target,
    lane: recipient.lane,
    chatUser: recipient.chatUser,
    n: 1,
    kind,
    text,
    buttons: null,
    delivery: newDelivery(text),
    replyToInboxId: recipient.id ?? 0,
    dueAt,
  };
}

/** The text of an adapter. */
export function toSystemNotice(
  { target, chatUser, name, text }: ChannelNotice,
  targets: Pick<ChannelTargets, 'userIdOf'>,
  at: number,
): NewOutboxRow {
  const lane = `${target}/${chatUser}`;
  const recipient = { target, lane, chatUser, userId: targets.userIdOf(chatUser) };
  return createSystemNotice(recipient, name, 'notice', text, at);
}

/** Locale of the text that the user wrote, or of the label of the clicked button; Korean if the text is empty. */
export const noticeLocale = (writtenText: string, configured: Locale | 'auto'): Locale => {
  if (configured !== 'auto') return configured;
  return writtenText.trim() === '' ? 'ko' : localeOf(writtenText);
};

export const isSystemNotice = (replyId: string): boolean => replyId.startsWith('own:');
