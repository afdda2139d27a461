/**
 * The visible text of an HTML mail. Not for display as HTML, and not a browser: content that a mail hides with styles
 * is left out, as are the spaces that many programs put after a preheader.
 */
import { decodeEntities } from './html-entities.ts';
import {
  isFontTooSmall,
  hiddenSelectors,
  isHiddenTag,
  type HiddenSelectors,
} from './html-hidden.ts';

/** Elements that do not separate words: 견적<b>서</b> is one word. */
const inline = new Set(
  'a abbr b big bdo bdi cite code del em font i ins kbd label mark q s small span strike strong sub sup tt u var wbr'.split(
    ' ',
  ),
);

const empty = new Set(
  'area base br col embed hr img input link meta param source track wbr'.split(' '),
);

/** Elements whose content is not visible text. */
const unread = new Set(['script', 'style', 'title', 'head', 'template', 'noframes', 'object']);

/** Elements whose content is not parsed as HTML. */
const raw = new Set(['script', 'style', 'title']);

/** All lengths are bounded, and a `<` outside quotes ends the match: no input takes long. */
const tag = /<(\/?)([a-z][^\s/<>]{0,60})((?:"[^"]{0,4000}"|'[^']{0,4000}'|[^'"<>]){0,4000})>/iy;

interface Open {
  name: string;
  /** The font is too small to be read; elements inside may be larger again. */
  isTiny: boolean;
}

/** The visible text; blank if there is none. Linear in the length of the HTML. */
export function htmlToText(html: string): string {
  return extractVisibleText(html, hiddenSelectors(html), 3);
}

function extractVisibleText(html: string, selectors: HiddenSelectors, retries: number): string {
  const open: Open[] = [];
  let text = '';
  let at = 0;
  while (at < html.length) {
    const next = html.indexOf('<', at);
    const end = next === -1 ? html.length : next;
    if (end > at && open.at(-1)?.isTiny !== true) text += decodeEntities(html.slice(at, end));
    at = end;
    if (at >= html.length) break;
    const skipped = endOfComment(html, at);
    if (skipped !== null) {
      at = skipped;
      continue;
    }
    tag.lastIndex = at;
    const match = tag.exec(html);
    if (match === null) {
      // A bare `<`, or a truncated tag.
      if (!/^<[a-z/!]/i.test(html.slice(at, at + 2))) text += '<';
      else if (!html.includes('>', at)) break;
      at += 1;
      continue;
    }
    at = tag.lastIndex;
    const [, slash, rawName = '', attributes = ''] = match;
    const name = rawName.toLowerCase();
    if (!inline.has(name)) text += ' ';
    if (slash === '/') close(open, name);
    else if (unread.has(name) || isHiddenTag(name, attributes, selectors)) {
      const after = empty.has(name) || attributes.endsWith('/') ? at : endOf(html, at, name);
      // The hidden element is never closed: the rest is read as visible, which is better than an empty mail.
      if (after === null && retries > 0 && !raw.has(name)) {
        return `${text} ${extractVisibleText(html.slice(at), selectors, retries - 1)}`;
      }
      at = after ?? html.length;
    } else if (!empty.has(name) && !attributes.endsWith('/')) {
      open.push({ name, isTiny: isFontTooSmall(attributes) ?? open.at(-1)?.isTiny ?? false });
    }
  }
  return text;
}

function close(open: Open[], name: string): void {
  const index = open.findLastIndex((one) => one.name === name);
  if (index !== -1) open.length = index;
}

/** The end of a comment, a doctype or an Outlook conditional; null if none begins at `at`. */
function endOfComment(html: string, at: number): number | null {
  if (html.startsWith('<!--', at)) {
    const end = html.indexOf('-->', at + 2);
    return end === -1 ? html.length : end + 3;
  }
  if (!/^<[!?]/.test(html.slice(at, at + 2))) return null;
  const end = html.indexOf('>', at);
  return end === -1 ? html.length : end + 1;
}

/** The position after the closing tag of an element that is open at `at`; null if it is never closed. */
function endOf(html: string, at: number, name: string): number | null {
  const escaped = name.replace(/[^a-z0-9]/g, String.raw`\$&`);
  if (raw.has(name)) {
    const end = new RegExp(`</${escaped}[^>]*>`, 'ig');
    end.lastIndex = at;
    return end.exec(html) === null ? null : end.lastIndex;
  }
  const tags = new RegExp(`<!--|<body\\b|<(/?)${escaped}(?=[\\s/>])[^>]*>`, 'ig');
  tags.lastIndex = at;
  let depth = 1;
  for (let found = tags.exec(html); found !== null; found = tags.exec(html)) {
    if (found[0] === '<!--') tags.lastIndex = endOfComment(html, found.index) ?? html.length;
    else if (/^<body/i.test(found[0])) {
      // An unclosed head ends where the body begins.
      if (name === 'head') return found.index;
    } else depth += found[1] === '/' ? -1 : 1;
    if (depth === 0) return tags.lastIndex;
  }
  return null;
}
