/**
 * The header of a message that a model writes itself: its role, and in harmony (gpt-oss) its channel and recipient.
 * `<|start|>ROLE to=RECIPIENT<|channel|>CHANNEL to=RECIPIENT <|constrain|>TYPE<|message|>`; all parts may be missing.
 */

export interface MessageHeader {
  /** `answer` is for the person, `thought` is not, `call` is a tool call, `foreign` was not written by the model. */
  kind: 'answer' | 'thought' | 'call' | 'foreign';
  /** Name of the function of a call; null where it is a tool of the model's own runtime. */
  callee: string | null;
  /** Text that is no part of the header, where its end was missing. */
  rest: string;
}

/** Longer is no header. */
export const HEADER_CHARS_MAX = 200;

const roles = 'assistant|model|user|human|system|developer|tool|ipython|observation';
const form = new RegExp(
  `^<[^>]+>\\s*(?<role>${roles}|functions\\.[\\w.-]+)?(?:\\s*to=[^\\s<]+)?` +
    `\\s*(?:<\\|channel\\|>)?\\s*(?<channel>analysis|commentary|final)?` +
    `(?:\\s*to=[^\\s<]+)?\\s*(?:<\\|constrain\\|>\\s*[\\w/.-]*|(?:code|json)(?=\\s*$))?`,
  'i',
);
/** The result of a tool, by the name of the tool. */
const toolMessage = /^<\|start\|>(?!assistant|model)\S+\s+to=assistant/i;
const ownRoles = /^(?:assistant|model)$/i;
/** Recipients that are no functions of the caller: tools of the model's own runtime, and the person. */
const builtIn = /^(?:python|browser|container|web|computer)(?:\.|$)/i;
const nobody = /^(?:user|assistant|all|final)$/i;

/** `text` begins with the token that opened the header, and does not hold the one that ended it. */
export function readHeader(text: string, isEnded: boolean): MessageHeader {
  const match = form.exec(text);
  const { role = '', channel = '' } = match?.groups ?? {};
  const rest = isEnded ? '' : text.slice(match?.[0].length ?? 0);
  const to = /\bto=([^\s<]+)/i.exec(text)?.[1] ?? '';
  if ((role !== '' && !ownRoles.test(role)) || toolMessage.test(text))
    return { kind: 'foreign', callee: null, rest };
  if (to !== '' && !nobody.test(to)) {
    const isOwn = /^functions?\./i.test(to);
    const callee = to.replace(/^functions?\./i, '');
    return { kind: 'call', callee: !isOwn && builtIn.test(to) ? null : callee, rest };
  }
  return { kind: /^analysis$/i.test(channel) ? 'thought' : 'answer', callee: null, rest };
}
