/**
 * A text as Synology Chat shows it. Chat knows one piece of markup of its own, `<url|label>`; other markdown
 * is left as it is, readable as text.
 *
 * M1: a link in the chat shows where it leads only if we made it: a `<url|label>` that stands in the text
 *     itself (a model, a mail or a document wrote it) is made plain, also within code.
 * M2: nor do we make one that says another address than it leads to: then both are shown.
 * M3: all else is left as it is, to the last character: code is copied out of the chat.
 */
import { fenceOf, type Fence } from './code-fence.ts';

/** Zero width: the text looks the same, and is no markup any more. */
const guard = '\u200b';

/** What Chat may take for a link. Not `<std::string>`, nor a tag with a name space: nobody links so. */
const chatMarkup =
  /<(?=(?:https?|mailto|ftp|file|tel):(?!:)|[a-z][a-z0-9+.-]*:(?!:)[^<>|\n]{1,2000}\|)/gi;

/** `[label](url)`, `![alt](url "title")`, `<url>`. One level of brackets in a url, as in an encyclopedia's. */
const markdownLink =
  /!?\[((?:[^[\]\n\\]|\\.){0,300})\]\(\s*<?(https?:\/\/(?:[^\s()<>]|\([^\s()<>]*\)){1,2000})>?(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\s*\)|<(https?:\/\/[^\s<>|]{1,2000})>/gi;

/** A run begins where no backtick stands before and has a bounded length: else one long run takes seconds. */
const inlineCode = /(?<!`)(`{1,20})(?!`)[^\n]*?[^`\n]\1(?!`)/g;

/** Pure. The same text gives the same posts after every restart. */
export function chatText(text: string): string {
  let open: Fence | null = null;
  const shown: string[] = [];
  for (const line of text.split('\n')) {
    const fence = fenceOf(line, open);
    shown.push(fence !== null || open !== null ? plain(line) : withLinks(line));
    if (fence !== null) open = fence.after;
  }
  return shown.join('\n');
}

const plain = (text: string): string => text.replace(chatMarkup, `<${guard}`);

/** Links outside of code spans. */
function withLinks(line: string): string {
  let out = '';
  let at = 0;
  for (const code of line.matchAll(inlineCode)) {
    out += linked(line.slice(at, code.index)) + plain(code[0]);
    at = code.index + code[0].length;
  }
  return out + linked(line.slice(at));
}

function linked(text: string): string {
  let out = '';
  let at = 0;
  for (const link of text.matchAll(markdownLink)) {
    const [whole, label = '', url, bare] = link;
    out += plain(text.slice(at, link.index)) + (url === undefined ? bare : chatLink(url, label));
    at = link.index + whole.length;
  }
  return out + plain(text.slice(at));
}

function chatLink(url: string, rawLabel: string): string {
  const address = url.replaceAll('|', '%7C');
  const label = rawLabel.replaceAll(/\\(.)/g, '$1').replaceAll(/[<>|]/g, ' ').trim();
  if (label === '' || label === url) return address;
  return isMask(label, url) ? `${label} (${address})` : `<${address}|${label}>`;
}

/**
 * `scheme://host`, `name.tld` and numbers of a host, anywhere in a label. A word is tried from its beginning only: from
 * each of its letters, many labels of many dots would take seconds.
 */
const addressInText =
  /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*:\/\/(?:[^\s/?#@]*@)?([^\s/?#:]+)|(?<![\p{L}\p{N}.-])\.*((?:[\p{L}\p{N}-]+\.+)+\p{L}{2,}|\d{1,3}(?:\.\d{1,3}){3})/giu;

/** Whether the label names another host than the link leads to. */
function isMask(label: string, url: string): boolean {
  // As a browser reads it: in one width, without what is not seen.
  const read = label
    .normalize('NFKC')
    .replaceAll(/\p{Cf}/gu, '')
    .replaceAll('。', '.');
  const host = hostOf(url);
  return [...read.matchAll(addressInText)].some(
    ([, whole, name]) => host === null || hostOf(`http://${whole ?? name}`) !== host,
  );
}

const hostOf = (url: string): string | null =>
  URL.canParse(url) ? new URL(url).hostname.replace(/^www\./, '') : null;
