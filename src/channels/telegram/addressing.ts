/**
 * Whether a message in a group is for the bot, and its words without the bot's name. Positions of entities are UTF-16
 * units, as in a string. Pure.
 */
import type { Message, UserFromGetMe } from 'grammy/types';
import { stripTriggerWord } from '../inbox/trigger-word.ts';
import { entitiesOf, textOf } from './message-content.ts';

export type Me = Pick<UserFromGetMe, 'id' | 'username'>;

/** Null: it is not for the bot. */
export function wordsForBot(
  message: Message,
  me: Me,
  triggerWords: readonly string[],
): string | null {
  const text = textOf(message);
  const names = ownNames(message, me);
  const rest = withoutSpans(text, names).trim();
  if (names.length > 0) return rest;
  const command = /^\/(?:start|help|cancel)(?:@(\w+))?(?=\s|$)/i.exec(rest);
  if (command !== null) return isOwnName(command[1] ?? me.username, me) ? rest : null;
  const asked = stripTriggerWord(rest, triggerWords);
  if (asked !== null) return asked;
  return isReplyToBot(message, me) ? rest : null;
}

const isOwnName = (name: string, me: Me): boolean =>
  name.toLowerCase() === me.username.toLowerCase();

interface Span {
  from: number;
  to: number;
}

function ownNames(message: Message, me: Me): Span[] {
  const text = textOf(message);
  return entitiesOf(message).flatMap((entity) => {
    const span = { from: entity.offset, to: entity.offset + entity.length };
    const name = text.slice(span.from + 1, span.to);
    const isOwn =
      (entity.type === 'mention' && isOwnName(name, me)) ||
      (entity.type === 'text_mention' && entity.user.id === me.id);
    return isOwn ? [span] : [];
  });
}

/** The name may stand at the start, at the end or within a sentence; punctuation after it at the start goes, too. */
function withoutSpans(text: string, spans: readonly Span[]): string {
  let out = '';
  let at = 0;
  for (const { from, to } of spans) {
    out += text.slice(at, from);
    at = to;
    if (out.trim() === '') at += /^[\s:,]*/.exec(text.slice(to))![0].length;
    else if (out.endsWith(' ') && text[at] === ' ') at += 1;
  }
  return out + text.slice(at);
}

/** In a topic, a message that answers nothing counts as a reply to the message that has opened the topic. */
function isReplyToBot({ reply_to_message: answered }: Message, me: Me): boolean {
  return answered?.from?.id === me.id && answered.forum_topic_created === undefined;
}
