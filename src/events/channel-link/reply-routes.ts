/**
 * Where the replies of a row go: to the place of the job, and to the place where the person has decided about it, in the ids of
 * each chat. Pure: the same row and the same persons give the same replies with the same keys after every restart.
 *
 * O1 One reply of an event per channel: a bridge knows it by `reply_id`. Within one chat it goes to the place where the person
 *    has spoken last.
 */
import type { Persons } from '#shared/persons';
import type { Reply } from '#shared/wire/reply';
import type { EventLogRow } from '../event-log-port.ts';
import { toReplies } from './reply-mapper.ts';

export interface RoutedReply {
  /** Id of its message and of its delivery: the `reply_id`, and the channel if that is not the channel of the job. */
  key: string;
  reply: Reply;
  /** The person has no id in the chat: nothing can be sent. */
  isUnaddressed: boolean;
}

/** @param channels those with a bridge */
export function routeReplies(
  row: EventLogRow,
  channels: readonly string[],
  persons: Persons,
): RoutedReply[] {
  const { via = null } = row;
  return toReplies(row).flatMap((reply) => {
    const { thread: _thread, ...bare } = reply;
    const elsewhere = via === null ? null : { ...bare, ...via };
    const isSameChat = via?.channel === reply.channel;
    return [
      ...(isSameChat ? [] : [{ reply, key: reply.reply_id }]),
      ...(elsewhere === null
        ? []
        : [
            {
              reply: elsewhere,
              key: isSameChat ? reply.reply_id : `${reply.reply_id}@${elsewhere.channel}`,
            },
          ]),
    ].flatMap(({ reply: one, key }): RoutedReply[] => {
      if (!channels.includes(one.channel)) return [];
      const address = persons.addressOf(one.user_id, one.channel);
      return [
        {
          key,
          reply: { ...one, user_id: address ?? one.user_id },
          isUnaddressed: address === null,
        },
      ];
    });
  });
}

/** Whether a delivery is that of the reply to the place of the job. */
export const isToPlaceOfJob = (deliveryKey: string): boolean => !deliveryKey.includes('@');
