/**
 * Requests that chat front ends make for themselves with the chat's own model: a title, tags, follow-up questions.
 * They are recognised by their form, never by the name of a program: an order to write a title, tags or questions,
 * of a conversation, with a limit on the form of the answer.
 */
import type { IncomingMessage } from './openai-messages.ts';

/** "### Task:" with the conversation between tags, as several programs send all their tasks. */
const taskWithHistory = /^\s*#{1,4}\s*task:?[\s\S]*(?:<chat_history>|#{1,4}\s*chat history)/i;

const order =
  /\b(?:generate|write|create|provide|give|summari[sz]e|extract|suggest|produce|choose|come up with)\b[\s\S]{0,240}\b(?:titles?|tags?|names?|follow-?up questions?)\b/i;
const ofConversation =
  /\b(?:conversation|chats?|chat history|dialogue|discussion|messages|prompt)\b/i;
const limit =
  /\b(?:concise|short|brief|few[- ]words?|(?:\d+|three|four|five|six|ten)(?:\s*(?:-|–|to|or)\s*(?:\d+|four|five|six|ten))?[\s-]*(?:words?|characters?|chars?)(?: or less)?|no (?:quotes|punctuation)|without (?:quotes|punctuation|any)|title only|only the title|json)\b/i;
/** "Summarize in a 10-word title": what is summarised follows without a name. */
const wordTitle = /\b\d+[- ]words? title\b/i;
/** The same in Korean and Chinese. */
const otherLanguages =
  /(?:대화|채팅)[\s\S]{0,60}(?:제목|태그)[\s\S]{0,40}(?:\d+\s*(?:자|단어|글자)|짧|간결)|(?:会话|对话|聊天)[\s\S]{0,60}(?:标题|标签)|\d+\s*个?字[\s\S]{0,20}标题/;

const isTask = (text: string): boolean =>
  taskWithHistory.test(text) ||
  wordTitle.test(text) ||
  otherLanguages.test(text) ||
  (order.test(text) && ofConversation.test(text) && limit.test(text));

const textIn = (message: IncomingMessage | undefined): string =>
  typeof message?.content === 'string' ? message.content : partsOf(message?.content);

const partsOf = (content: unknown): string =>
  Array.isArray(content)
    ? content.map((part: { text?: unknown } | null) => String(part?.text ?? '')).join('\n')
    : '';

/** A long system prompt is that of the chat itself and says nothing of the task. */
const systemCharsMax = 1_500;
/** A person's own words may hold all of the above in a long text. */
const orderCharsMax = 600;

/** Whether the last message, or a short system prompt in front of a single one, asks for such a thing. Pure. */
export function isFrontEndTask(messages: readonly IncomingMessage[]): boolean {
  const last = textIn(messages.findLast(({ role }) => role === 'user'));
  if (taskWithHistory.test(last)) return true;
  // The order stands in front of the conversation or behind it.
  if (isTask(last.slice(0, orderCharsMax)) || isTask(last.slice(-orderCharsMax))) return true;
  const [first] = messages;
  const isSystem = first?.role === 'system' || first?.role === 'developer';
  const system = textIn(first);
  return isSystem && messages.length === 2 && system.length <= systemCharsMax && isTask(system);
}
