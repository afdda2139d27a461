/**
 * A text as Synology Chat shows it. Chat knows one piece of markup of its own, `<url|label>`; other markdown
 * is left as it is, readable as text.
 *
 * M1: a link in the chat shows where it leads only if we made it: a `<url|label>` that stands in the text
 *     itself (a model, a mail or a document wrote it) is made plain, also within code.
 */

/** Zero width: the text looks the same, and is no markup any more. */
const guard = '\u200b';

/** What Chat would take for a link, a mention or a command. */
const chatMarkup = /<(?=[a-z][a-z0-9+.-]*:|[@#!])/gi;

/** `[label](url)`, `![alt](url "title")`, `<url>`. One level of brackets in a url, as in an encyclopedia's. */
const markdownLink =
  /!?\[((?:[^[\]\n\\]|\\.){0,300})\]\(\s*<?(https?:\/\/(?:[^\s()<>]|\([^\s()<>]*\)){1,2000})>?(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\s*\)|<(https?:\/\/[^\s<>|]{1,2000})>/gi;

const fenceLine = /^ {0,3}(?:`{3,20}|~{3,20})[^`\n]{0,40}$/;
/** A run begins where no backtick stands before and has a bounded length: else one long run takes seconds. */
const inlineCode = /(?<!`)(`{1,20})(?!`)[^\n]*?[^`\n]\1(?!`)/g;

/** Pure. The same text gives the same posts after every restart. */
export function chatText(text: string): string {
  let isCode = false;
  return text
    .split('\n')
    .map((line) => {
      if (fenceLine.test(line.replace(/\r$/, ''))) {
        isCode = !isCode;
        return plain(line);
      }
      return isCode ? plain(line) : withLinks(line);
    })
    .join('\n');
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
  return label === '' || label === url ? address : `<${address}|${label}>`;
}
