/**
 * Converts a text for Synology Chat, whose only markup is `<url|label>`. Other markdown stays as it is, readable as
 * text.
 *
 * M1: only links made here may show a label in place of the address: a `<url|label>` in the text itself (written by
 *     a model, a mail or a document) is neutralized, also within code.
 * M2: no link is made whose label deceives (link-label.ts): then label and address are both shown.
 * M3: everything else stays unchanged to the last character: users copy code out of the chat.
 */
import { parseFenceLine, type Fence } from '../outbox/code-fence.ts';
import { hidesNothing, plainLabel } from '../outbox/link-label.ts';

/** Zero-width character: the text looks the same but is no longer markup. */
const zeroWidthSpace = '\u200b';

/** What Chat may take for a link. Excludes `<std::string>` and tags with a name space, which are no links. */
const chatMarkup =
  /<(?=(?:https?|mailto|ftp|file|tel):(?!:)|[a-z][a-z0-9+.-]*:(?!:)[^<>|\n]{1,2000}\|)/gi;

/** `[label](url)`, `![alt](url "title")`, `<url>`. A url may hold one level of parentheses, as Wikipedia's do. */
const markdownLink =
  /!?\[((?:[^[\]\n\\]|\\.){0,300})\]\(\s*<?(https?:\/\/(?:[^\s()<>]|\([^\s()<>]*\)){1,2000})>?(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\s*\)|<(https?:\/\/[^\s<>|]{1,2000})>/gi;

/** A span starts after a non-backtick and has a bounded marker: otherwise one long run of backticks takes seconds. */
const inlineCode = /(?<!`)(`{1,20})(?!`)[^\n]*?[^`\n]\1(?!`)/g;

/** Pure: the same text gives the same posts after every restart. */
export function toChatMarkup(text: string): string {
  let open: Fence | null = null;
  const shown: string[] = [];
  for (const line of text.split('\n')) {
    const fence = parseFenceLine(line, open);
    shown.push(fence !== null || open !== null ? neutralizeMarkup(line) : convertLine(line));
    if (fence !== null) open = fence.after;
  }
  return shown.join('\n');
}

const neutralizeMarkup = (text: string): string => text.replace(chatMarkup, `<${zeroWidthSpace}`);

/** Converts links outside of code spans. */
function convertLine(line: string): string {
  let out = '';
  let at = 0;
  for (const code of line.matchAll(inlineCode)) {
    out += convertLinks(line.slice(at, code.index)) + neutralizeMarkup(code[0]);
    at = code.index + code[0].length;
  }
  return out + convertLinks(line.slice(at));
}

function convertLinks(text: string): string {
  let out = '';
  let at = 0;
  for (const link of text.matchAll(markdownLink)) {
    const [whole, label = '', url, bare] = link;
    out +=
      neutralizeMarkup(text.slice(at, link.index)) +
      (url === undefined ? bare : chatLink(url, label));
    at = link.index + whole.length;
  }
  return out + neutralizeMarkup(text.slice(at));
}

function chatLink(url: string, rawLabel: string): string {
  const address = url.replaceAll('|', '%7C');
  const label = plainLabel(rawLabel);
  if (label === '' || label === url) return address;
  return hidesNothing(label, url) ? `<${address}|${label}>` : `${label} (${address})`;
}
