/**
 * Parses the header of a message that a model writes itself: its role, and in harmony (gpt-oss) its channel and
 * recipient. `<|start|>ROLE to=RECIPIENT<|channel|>CHANNEL to=RECIPIENT <|constrain|>TYPE<|message|>`; all parts are
 * optional.
 */

export interface MessageHeader {
  /** `answer` is for the user, `thought` is not, `call` is a tool call, `foreign` was not written by the model. */
  kind: 'answer' | 'thought' | 'call' | 'foreign';
  /** Name of the function of a call; null for a built-in tool of the model's runtime. */
  callee: string | null;
  /** Text after the header, when the end of the header was missing. */
  rest: string;
}

/** Maximum length of a header; longer text is not a header. */
export const headerCharsMax = 200;

const roles = 'assistant|model|user|human|system|developer|tool|ipython|observation';
const headerPattern = new RegExp(
  `^<[^>]+>\\s*(?<role>${roles}|functions\\.[\\w.-]+)?(?:\\s*to=[^\\s<]+)?` +
    `\\s*(?:<\\|channel\\|>)?\\s*(?<channel>analysis|commentary|final)?` +
    `(?:\\s*to=[^\\s<]+)?\\s*(?:<\\|constrain\\|>\\s*[\\w/.-]*|(?:code|json)(?=\\s*$))?`,
  'i',
);
/** The header of a tool result: the role is the name of the tool. */
const toolResultHeader = /^<\|start\|>(?!assistant|model)\S+\s+to=assistant/i;
const assistantRoles = /^(?:assistant|model)$/i;
/** Recipients that are not functions of the caller: built-in tools of the model's runtime, and the user. */
const builtInTools = /^(?:python|browser|container|web|computer)(?:\.|$)/i;
const nonToolRecipients = /^(?:user|assistant|all|final)$/i;

/** `text` starts with the token that opened the header, and does not contain the token that ended it. */
export function parseMessageHeader(text: string, isEnded: boolean): MessageHeader {
  const match = headerPattern.exec(text);
  const { role = '', channel = '' } = match?.groups ?? {};
  const rest = isEnded ? '' : text.slice(match?.[0].length ?? 0);
  const to = /\bto=([^\s<]+)/i.exec(text)?.[1] ?? '';
  if ((role !== '' && !assistantRoles.test(role)) || toolResultHeader.test(text))
    return { kind: 'foreign', callee: null, rest };
  if (to !== '' && !nonToolRecipients.test(to)) {
    const isOwn = /^functions?\./i.test(to);
    const callee = to.replace(/^functions?\./i, '');
    return { kind: 'call', callee: !isOwn && builtInTools.test(to) ? null : callee, rest };
  }
  return { kind: /^analysis$/i.test(channel) ? 'thought' : 'answer', callee: null, rest };
}
