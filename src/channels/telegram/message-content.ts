/**
 * What a message of Telegram is about: a command, words, a file, or something that cannot be read. Pure.
 *
 * M1: the words of a forwarded message are those of somebody else: they are marked, so that a forwarded "yes" confirms
 *     nothing.
 */
import type { Message, MessageEntity } from 'grammy/types';
import { removeNul } from '#shared/text/remove-nul';
import type { FileContent } from '../bridge-storage-port.ts';
import type { telegramTexts } from './texts.ts';

/** Limit of getFile. */
export const fileMegabytesMax = 20;

export type MessageContent =
  | { kind: 'command'; name: 'start' | 'help' | 'cancel' }
  | { kind: 'words'; text: string; file: FileContent | null }
  | { kind: 'tooLarge'; fileName: string }
  /** Nothing but the name of the bot. */
  | { kind: 'empty' }
  | { kind: 'picture' }
  /** A voice note, an audio file, a round video. The place for its transcription. */
  | { kind: 'voice' }
  | { kind: 'unsupported' }
  /** Somebody joined, a title was changed, a message was pinned: nobody asks anything. */
  | { kind: 'service' };

type Texts = (typeof telegramTexts)['ko'];

export const messageKey = (botId: number, { chat, message_id }: Message): string =>
  `m_${botId}_${chat.id}_${message_id}`;

/** The message with a key of `messageKey`; null for other keys. */
export function parseMessageKey(key: string | null): { chatId: number; messageId: number } | null {
  const [, chat, id] = /^m_\d+_(-?\d+)_(\d+)$/.exec(key ?? '') ?? [];
  return id === undefined ? null : { chatId: Number(chat), messageId: Number(id) };
}

export const textOf = ({ text, caption }: Message): string => text ?? caption ?? '';

export const entitiesOf = ({ entities, caption_entities }: Message): MessageEntity[] =>
  entities ?? caption_entities ?? [];

/** @param words of the message, without the name of the bot or a trigger word before them */
export function contentOf(message: Message, words: string, texts: Texts): MessageContent {
  const { document } = message;
  // An animation comes with a document, for old programs.
  if (document !== undefined && message.animation === undefined) {
    const name = document.file_name === undefined ? null : removeNul(document.file_name);
    if ((document.file_size ?? 0) > fileMegabytesMax * 1024 ** 2) {
      return { kind: 'tooLarge', fileName: name ?? 'file' };
    }
    const file = { name, postId: document.file_id };
    return { kind: 'words', text: forwardMark(message, texts) + words, file };
  }
  if (message.photo !== undefined) return { kind: 'picture' };
  if ((message.voice ?? message.audio ?? message.video_note) !== undefined) {
    return { kind: 'voice' };
  }
  if (message.text !== undefined) {
    const command = commandOf(words);
    if (command !== null && message.forward_origin === undefined) {
      return { kind: 'command', name: command };
    }
    if (words === '') return { kind: 'empty' };
    return { kind: 'words', text: forwardMark(message, texts) + words, file: null };
  }
  return unreadable.some((key) => message[key] !== undefined)
    ? { kind: 'unsupported' }
    : { kind: 'service' };
}

const unreadable = [
  'animation',
  'sticker',
  'video',
  'contact',
  'location',
  'venue',
  'poll',
  'checklist',
  'dice',
  'game',
  'story',
  'paid_media',
  'invoice',
  'giveaway',
] as const satisfies (keyof Message)[];

function commandOf(words: string): 'start' | 'help' | 'cancel' | null {
  const [, name] = /^\/(start|help|cancel)(?:@\w+)?(?:\s|$)/i.exec(words) ?? [];
  return name === undefined ? null : (name.toLowerCase() as 'start' | 'help' | 'cancel');
}

function forwardMark({ forward_origin: origin }: Message, texts: Texts): string {
  if (origin === undefined) return '';
  const name = {
    user: () => (origin.type === 'user' ? origin.sender_user.first_name : ''),
    hidden_user: () => (origin.type === 'hidden_user' ? origin.sender_user_name : ''),
    chat: () => (origin.type === 'chat' ? (origin.sender_chat.title ?? '') : ''),
    channel: () => (origin.type === 'channel' ? (origin.chat.title ?? '') : ''),
  }[origin.type]();
  return `${texts.forwarded(
    removeNul(name)
      .replaceAll(/[\p{Cc}[\]]/gu, ' ')
      .slice(0, 64),
  )}\n`;
}
