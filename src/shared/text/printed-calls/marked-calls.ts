/**
 * Calls inside markup that is used for calls only. The model families use different tokens, but the content is always
 * one of a few forms: JSON, a name and JSON, a name and tags, or Python. So tokens are skipped whatever their name is,
 * and the text between them is parsed.
 */
import { isJsonObject, matchAt } from '../json-text.ts';
import { callsFromValue, parseJsonAt, openArguments } from './json-calls.ts';
import { type OfferedTools, oneCall, type ParsedCalls, type PrintedCall } from './offered-tools.ts';
import { pythonCallAt, pythonListAt } from './python-calls.ts';
import { childrenAt, namedTagAt, ownTagAt, pairsAt } from './tag-calls.ts';

/** The opening of such markup: tags and tokens that name tools, functions or actions; not the closing ones. */
export const markedOpening = new RegExp(
  [
    // A tag, or a special token of a tokenizer: <tool_call>, <|tool_call_begin|>, <｜tool▁calls▁begin｜>, <function=…>
    String.raw`<(?![/!])[^<>\n/]{0,60}?(?:tool|func|invoke|action_start|start_action|python_|plugin|recipient|dsml)[^<>\n]{0,160}>`,
    // Gemma 4 and Kimi K3
    String.raw`<\|tool_call>|<\|open\|>(?:tools|call)`,
    String.raw`\[(?:TOOL_CALLS?|TOOL_REQUEST)\]|\[(?:Calling tool|Tool call)s?:|functools\s*\[`,
    // Harmony, complete and with its tokens stripped
    String.raw`(?:<\|start\|>\s*assistant\s*)?<\|channel\|>[^<{\n]{0,60}\bto=[^<{\n]{1,80}`,
    String.raw`<\|start\|>\s*assistant\s+to=[^<{\n]{1,80}`,
    String.raw`(?:assistant)?(?:commentary|analysis)?[ \n]{0,3}(?<![\w=])to=functions?\.\w`,
    // HyperCLOVA X, GigaChat, Functionary
    String.raw`(?:<\|im_start\|>\s*assistant\s*)?->\s*tool/function_call|function call<\|role_sep\|>|>>>(?=[\p{L}_])`,
  ].join('|'),
  'giu',
);

/** Between an opening and its call there are a few tokens, an id and a name. */
const headCharsMax = 400;
const callsMax = 64;

/** A tag or a token; also the server name of an MCP tool with its tags, because it is not the name of a tool. */
const tag =
  /<server_name>[^<>\n]*<\/server_name>|<[^<>\n]{1,160}>|\[\/?[A-Z_]{3,30}\]|\[(?:Calling tool|Tool call)s?:/y;
const nameTag =
  /<(?:tool_name|function_name|name|tool)>\s*([^<>\s]{1,80})\s*<\/(?:tool_name|function_name|name|tool)>/iy;
const word = /[\p{L}\p{N}_▁.:=/"'`*-]{1,120}/uy;
const separator = /\s+|```[\w-]*|->|>>>|[,;\])}]/y;
const templateWords =
  /^(?:function|functions|call|tool|tools|json|python|code|commentary|analysis|final|assistant|constrain|functools|tool\/function_call|string|type)$/i;
/** Skipped after a call, because it is not text: closing tags and tokens, fences, separators. */
const trailing =
  /(?:\s*(?:<\/[^<>\n]{1,80}>|<\|start\|>\s*assistant(?=\s*<\|channel\|>)|<[|｜][^<>\n"]{1,60}[|｜]>|<\w+\|>|<end_function_call>|\[END_TOOL_REQUEST\]|\[\/[A-Z_]+\]|\n?```|[,;\])}]))*/y;

/** The offered name among the words before the arguments, else the last word that may be a name. */
const nameIn = (words: readonly string[], offers: OfferedTools): string | undefined =>
  words.findLast((each) => offers.find(each) !== null) ??
  words.findLast((each) => !templateWords.test(each) && /[\p{L}]/u.test(each));

function jsonCall(
  text: string,
  at: number,
  words: readonly string[],
  offers: OfferedTools,
): ParsedCalls | null {
  const json = parseJsonAt(text, at);
  if (!json) return null;
  const { value, raw, end, isOpen } = json;
  const inside = callsFromValue(value, { offers, isMarked: true });
  const name = nameIn(words, offers);
  const isHead = name !== undefined && (offers.find(name) !== null || inside === null);
  const isOwn = inside?.some((call) => call.isOffered) ?? false;
  if (isHead && !isOwn && isJsonObject(value)) {
    return oneCall(name, isOpen ? raw : value, offers, end, isOpen);
  }
  if (inside === null) return null;
  const calls = isOpen ? withOpenEnd(inside, raw) : inside;
  return { calls, end, isOpen };
}

/** The last call of a truncated value keeps its arguments as unparsed text. */
const withOpenEnd = (calls: readonly PrintedCall[], raw: string): PrintedCall[] =>
  calls.map((call, at) =>
    at < calls.length - 1 ? call : { ...call, arguments: openArguments(raw) },
  );

/** One call, with the markup and words before it. */
function callAt(text: string, start: number, offers: OfferedTools): ParsedCalls | null {
  const words: string[] = [];
  let at = start;
  while (at < text.length && at - start < headCharsMax) {
    const char = text[at]!;
    if (char === '<') {
      const tagged = namedTagAt(text, at, offers) ?? ownTagAt(text, at, offers);
      if (tagged) return tagged;
      const named = matchAt(nameTag, text, at);
      const name = nameIn(words, offers);
      if (named) {
        words.push(named[1]!);
        at += named[0].length;
        continue;
      }
      if (name !== undefined) {
        if (/^<\w*arg_key>/.test(text.slice(at, at + 30))) return pairsAt(text, at, name, offers);
        const children = childrenAt(text, at, name, offers);
        if (children) return children;
        const ends = /^<(?:\/|[|｜][^<>]*end)/.test(text.slice(at, at + 60));
        if (ends && offers.find(name)) {
          return oneCall(name, '{}', offers, at);
        }
      }
    }
    if (char === '{') return jsonCall(text, at, words, offers);
    const token = matchAt(tag, text, at) ?? matchAt(separator, text, at);
    if (token) {
      // The id of a call is not a name.
      const id = token[0] === '[CALL_ID]' ? /^[^[\s]*/.exec(text.slice(at + 9))![0].length : 0;
      at += token[0].length + id;
      continue;
    }
    if (char === '[') return pythonListAt(text, at, offers) ?? jsonCall(text, at, words, offers);
    const python = pythonCallAt(text, at, offers);
    if (python) return python;
    const found = matchAt(word, text, at);
    if (!found) return null;
    words.push(found[0]);
    at += found[0].length;
  }
  return null;
}

/** Kimi K3 has its own tag syntax: `<|open|>call tool="…"<|sep|>`. */
const asTags = (text: string): string =>
  text
    .replace(/<\|open\|>([^<>]*?)<\|sep\|>/g, '<$1>')
    .replace(/<\|close\|>([^<>]*?)<\|sep\|>/g, '</$1>');

/** The consecutive calls in the markup at `start`. Null when no call can be parsed. */
export function markedCallsAt(
  source: string,
  start: number,
  offers: OfferedTools,
): ParsedCalls | null {
  if (source.startsWith('<|open|>', start)) {
    const read = callsFrom(asTags(source.slice(start)), 0, offers);
    return read && { ...read, end: source.length };
  }
  return callsFrom(source, start, offers);
}

function callsFrom(text: string, start: number, offers: OfferedTools): ParsedCalls | null {
  const calls: PrintedCall[] = [];
  let end = start;
  let isOpen = false;
  for (let at = start; calls.length < callsMax && !isOpen;) {
    const read = callAt(text, at, offers);
    if (!read) break;
    calls.push(...read.calls);
    ({ isOpen } = read);
    end = read.end + matchAt(trailing, text, read.end)![0].length;
    at = end + /^\s*/.exec(text.slice(end))![0].length;
    if (!beginsNext(text, at, offers)) break;
  }
  return calls.length === 0 ? null : { calls, end, isOpen };
}

/** Whether another call follows; else the text after the call is unrelated. */
function beginsNext(text: string, at: number, offers: OfferedTools): boolean {
  if (text[at] === '{' || text[at] === '[') return true;
  if (matchAt(markedOpening, text, at)?.index === at) return true;
  const next = matchAt(word, text, at);
  return next !== null && offers.find(next[0]) !== null;
}
