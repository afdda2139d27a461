/**
 * A text as Synology Chat shows it. Chat knows one piece of markup of its own, `<url|label>`; other markdown
 * is left as it is, readable as text.
 *
 * M1: a link in the chat shows where it leads only if we made it: a `<url|label>` that stands in the text
 *     itself (a model, a mail or a document wrote it) is made plain, also within code.
 * M2: nor do we make one that says another address than it leads to, that looks like an answer to a draft, or whose
 *     address has a login before its host: then label and address are both shown.
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
  const label = rawLabel
    .replaceAll(/\\(.)/g, '$1')
    .replaceAll(/[<>|]/g, ' ')
    .replaceAll(turners, '')
    .trim();
  if (label === '' || label === url) return address;
  const isPlainLink = !isMask(label, url) && !isAnswerLike(label) && !hasLogin(url);
  return isPlainLink ? `<${address}|${label}>` : `${label} (${address})`;
}

/** They turn the direction of what follows, so that a label can be read backwards. */
const turners = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** As it is seen: in one width, without marks and what is invisible. */
const seen = (label: string): string =>
  label.normalize('NFKC').replaceAll(/\p{Cf}|\p{Mn}|\p{Default_Ignorable_Code_Point}/gu, '');

/** Words with which a button or an answer to a draft begins. One too many costs a link, and shows its address. */
const answerWords =
  /^(?:네|넵|넹|예|응|확인|취소|승인|거절|거부|동의|수락|허용|등록|저장|진행|계속|완료|삭제|아니|그래|좋아|오케이|맞아|맞습|yes|yep|yeah|no|nope|ok|okay|sure|confirm|cancel|approve|reject|accept|agree|decline|allow|deny|continue|proceed|submit|save|delete|done|goahead)/;
const answerLettersMax = 16;

/** Whether a person may take it for the button of a draft: such a word, or no word at all (an emoji, a sign). */
function isAnswerLike(label: string): boolean {
  const letters = seen(label)
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
  return letters === '' || (letters.length <= answerLettersMax && answerWords.test(letters));
}

/** `https://bank.example@evil.example/`: what is read first is not where it leads. */
function hasLogin(url: string): boolean {
  if (!URL.canParse(url)) return true;
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}

/**
 * `scheme://host`, `name.tld` and numbers of a host, anywhere in a label. A word is tried from its beginning only: from
 * each of its letters, many labels of many dots would take seconds.
 */
const addressInText =
  /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*:\/\/(?:[^\s/?#@]*@)?([^\s/?#:]+)|(?<![\p{L}\p{N}.-])\.*((?:[\p{L}\p{N}-]+\.+)+\p{L}{2,}|\d{1,3}(?:\.\d{1,3}){3})/giu;

/** Whether the label names another host than the link leads to. */
function isMask(label: string, url: string): boolean {
  // As a browser or a person reads it.
  const read = seen(label)
    .replaceAll(
      /%2e|&period;|&#0*46;|&#x0*2e;|[。·‧•∙⋅・ꓸ۔]|\s*[([{]\s*(?:\.|dot|점)\s*[)\]}]\s*/gi,
      '.',
    )
    .replaceAll(/\s+\.\s*/g, '.')
    .replaceAll(/%2f/gi, '/');
  const host = hostOf(url);
  return [...read.matchAll(addressInText)].some(
    ([, whole, name]) => host === null || hostOf(`http://${whole ?? name}`) !== host,
  );
}

const hostOf = (url: string): string | null =>
  URL.canParse(url) ? new URL(url).hostname.replace(/^www\./, '') : null;
