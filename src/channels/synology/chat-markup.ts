/**
 * Converts a text for Synology Chat, whose only markup is `<url|label>`. Other markdown stays as it is, readable as
 * text.
 *
 * M1: only links made here may show a label in place of the address: a `<url|label>` in the text itself (written by
 *     a model, a mail or a document) is neutralized, also within code.
 * M2: no link is made whose label names another address, whose label looks like an answer to a draft, or whose address
 *     has credentials before the host: then label and address are both shown.
 * M3: everything else stays unchanged to the last character: users copy code out of the chat.
 */
import { parseFenceLine, type Fence } from '../outbox/code-fence.ts';

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
  const label = rawLabel
    .replaceAll(/\\(.)/g, '$1')
    .replaceAll(/[<>|]/g, ' ')
    .replaceAll(bidiControls, '')
    .trim();
  if (label === '' || label === url) return address;
  const isPlainLink =
    !isDeceptiveLabel(label, url) && !looksLikeButton(label) && !hasCredentials(url);
  return isPlainLink ? `<${address}|${label}>` : `${label} (${address})`;
}

/** Bidi control characters: they reverse the text after them, so that a label could be read backwards. */
const bidiControls = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The label as a reader sees it: normalized width, without marks and invisible characters. */
const visibleText = (label: string): string =>
  label.normalize('NFKC').replaceAll(/\p{Cf}|\p{Mn}|\p{Default_Ignorable_Code_Point}/gu, '');

/** First words of buttons and of answers to a draft. A false positive costs a link: its address is shown instead. */
const buttonWords =
  /^(?:네|넵|넹|예|응|확인|취소|승인|거절|거부|동의|수락|허용|등록|저장|진행|계속|완료|삭제|아니|그래|좋아|오케이|맞아|맞습|yes|yep|yeah|no|nope|ok|okay|sure|confirm|cancel|approve|reject|accept|agree|decline|allow|deny|continue|proceed|submit|save|delete|done|goahead)/;
const buttonLettersMax = 16;

/** Whether a user may take it for the button of a draft: such a word, or no letters at all (an emoji, a symbol). */
function looksLikeButton(label: string): boolean {
  const letters = visibleText(label)
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
  return letters === '' || (letters.length <= buttonLettersMax && buttonWords.test(letters));
}

/** `https://bank.example@evil.example/`: the part read first is not the host. */
function hasCredentials(url: string): boolean {
  if (!URL.canParse(url)) return true;
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}

/**
 * `scheme://host`, `name.tld` and IPv4 addresses, anywhere in a label. Matches start at the beginning of a word only:
 * tried at every letter, a label with many dots would take seconds.
 */
const addressInText =
  /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*:\/\/(?:[^\s/?#@]*@)?([^\s/?#:]+)|(?<![\p{L}\p{N}.-])\.*((?:[\p{L}\p{N}-]+\.+)+\p{L}{2,}|\d{1,3}(?:\.\d{1,3}){3})/giu;

/** Whether the label names another host than the link's. */
function isDeceptiveLabel(label: string, url: string): boolean {
  // Reads the label as a browser or a person would.
  const read = visibleText(label)
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
