/**
 * Which messages of groups reach the bot: https://core.telegram.org/bots/features#privacy-mode. Service messages and
 * private chats always do.
 *
 * In privacy mode a mention does not reach it, though BotFather says so:
 * https://github.com/telegraf/telegraf/issues/545, https://github.com/archestra-ai/archestra/pull/6562
 */
import type { Message } from './chat-types.ts';
import type { TelegramRules } from './rules.ts';
import type { TelegramState } from './telegram-state.ts';

export function reachesBot(state: TelegramState, rules: TelegramRules, message: Message): boolean {
  const chat = state.chats.get(message.chatId)!;
  if (chat.type === 'private' || !rules.privacyMode || message.extra !== null) return true;
  const { text, entities, replyTo } = message;
  const original = replyTo === null ? undefined : state.message(chat.id, replyTo);
  if (original?.author.kind === 'bot') return true;
  const name = `@${state.bot.username}`.toLowerCase();
  const wordOf = (at: number, length: number): string => text.slice(at, at + length).toLowerCase();
  return entities.some(({ type, offset, length }) => {
    const word = wordOf(offset, length);
    if (type === 'mention') return rules.privacyPassesMentions && word === name;
    if (type !== 'bot_command') return false;
    return word.includes('@') ? word.endsWith(name) : hasWritten(state, message);
  });
}

/** A command that names no bot is for the bot that wrote last in the group; here there is only one. */
const hasWritten = (state: TelegramState, { chatId }: Message): boolean =>
  state.messages.some((one) => one.chatId === chatId && one.author.kind === 'bot');
