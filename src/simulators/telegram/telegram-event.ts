/** What happens in a simulated Telegram. */
import type { EventFeed } from '../event-feed.ts';
import type { CallbackQuery, Message, TelegramChat } from './chat-types.ts';
import type { TelegramRequest } from './telegram-request.ts';
import type { UpdateRecord } from './update-queue.ts';

export type TelegramEvent =
  /** New, edited, deleted, or with other buttons. */
  | { type: 'message'; message: Message }
  | { type: 'chat'; chat: TelegramChat }
  /** New, acknowledged, expired, or back in the queue. */
  | { type: 'update'; update: UpdateRecord }
  | { type: 'callback'; callback: CallbackQuery }
  | { type: 'request'; request: TelegramRequest }
  /** A part of `state()` changed: rules, faults, the token, a webhook. */
  | { type: 'state' };

export type TelegramFeed = EventFeed<TelegramEvent>;
