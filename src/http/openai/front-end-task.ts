/**
 * Detects requests that chat front ends send on their own with the model of the chat: titles, tags, follow-up
 * questions. They are recognised by their form, never by the name of a program: an instruction to write a title, tags
 * or questions for a conversation, with a limit on the form of the answer.
 */
import type { IncomingChatMessage } from './openai-messages.ts';

/** "### Task:" with the conversation between tags, the form that several programs use for all their tasks. */
const taskWithHistory = /^\s*#{1,4}\s*task:?[\s\S]*(?:<chat_history>|#{1,4}\s*chat history)/i;

const instruction =
  /\b(?:generate|write|create|provide|give|summari[sz]e|extract|suggest|produce|choose|come up with)\b[\s\S]{0,240}\b(?:titles?|tags?|names?|follow-?up questions?)\b/i;
const ofConversation =
  /\b(?:conversation|chats?|chat history|dialogue|discussion|messages|prompt)\b/i;
const formatLimit =
  /\b(?:concise|short|brief|few[- ]words?|(?:\d+|three|four|five|six|ten)(?:\s*(?:-|–|to|or)\s*(?:\d+|four|five|six|ten))?[\s-]*(?:words?|characters?|chars?)(?: or less)?|no (?:quotes|punctuation)|without (?:quotes|punctuation|any)|title only|only the title|json)\b/i;
/** "Summarize in a 10-word title": the text follows without a name for it. */
const wordTitle = /\b\d+[- ]words? title\b/i;
/** The same in Korean and Chinese. */
const otherLanguages =
  /(?:대화|채팅)[\s\S]{0,60}(?:제목|태그)[\s\S]{0,40}(?:\d+\s*(?:자|단어|글자)|짧|간결)|(?:会话|对话|聊天)[\s\S]{0,60}(?:标题|标签)|\d+\s*个?字[\s\S]{0,20}标题/;

const isTask = (text: string): boolean =>
  taskWithHistory.test(text) ||
  wordTitle.test(text) ||
  otherLanguages.test(text) ||
  (instruction.test(text) && ofConversation.test(text) && formatLimit.test(text));

const textIn = (message: IncomingChatMessage | undefined): string =>
  typeof message?.content === 'string' ? message.content : partsOf(message?.content);

const partsOf = (content: unknown): string =>
  Array.isArray(content)
    ? content.map((part: { text?: unknown } | null) => String(part?.text ?? '')).join('\n')
    : '';

/** A longer system prompt belongs to the chat itself and does not describe a task. */
const systemCharsMax = 1_500;
/** A long text of a user may contain all of the patterns above, so only its beginning and end are checked. */
const instructionCharsMax = 600;

/** Whether the last message, or a short system prompt before a single message, is such a task. Pure. */
export function isFrontEndTask(messages: readonly IncomingChatMessage[]): boolean {
  const last = textIn(messages.findLast(({ role }) => role === 'user'));
  if (taskWithHistory.test(last)) return true;
  // The instruction is before or after the conversation.
  if (isTask(last.slice(0, instructionCharsMax)) || isTask(last.slice(-instructionCharsMax)))
    return true;
  const [first] = messages;
  const isSystem = first?.role === 'system' || first?.role === 'developer';
  const system = textIn(first);
  return isSystem && messages.length === 2 && system.length <= systemCharsMax && isTask(system);
}
