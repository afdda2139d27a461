/** The visible text of an HTML mail, without content that it hides with styles and the spaces after a preheader. */
import { Parser } from 'htmlparser2';

/** Elements that do not separate words: 견적<b>서</b> is one word. */
const inline = new Set(
  'a abbr b big bdo bdi cite code del em font i ins kbd label mark q s small span strike strong sub sup tt u var wbr'.split(
    ' ',
  ),
);

/** Elements whose content is not visible text. */
const unread = new Set(['script', 'style', 'title', 'head', 'template', 'noframes', 'object']);

/** Elements whose content is not parsed as HTML: if they are never closed, the rest is no text. */
const raw = new Set(['script', 'style', 'title']);

interface OpenElement {
  name: string;
  isHidden: boolean;
  /** The font is too small to be read; elements inside may be larger again. */
  isTiny: boolean;
  text: string;
}

/** The visible text; blank if there is none. Linear in the length of the HTML. */
export function htmlToText(html: string): string {
  const selectors = hiddenSelectors(html);
  const root: OpenElement = { name: '', isHidden: false, isTiny: false, text: '' };
  const open = [root];
  /** Elements that collect text: the document, and the hidden elements around the current position. */
  const collecting = [root];
  let unclosed = '';
  const append = (text: string): void => {
    collecting.at(-1)!.text += text;
  };
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        unclosed = '';
        if (!inline.has(name)) append(' ');
        const isHidden = unread.has(name) || isHiddenElement(name, attributes, selectors);
        const isTiny = isFontTooSmall(attributes) ?? open.at(-1)!.isTiny;
        const element = { name, isHidden, isTiny, text: '' };
        open.push(element);
        if (isHidden) collecting.push(element);
      },
      ontext(text) {
        if (!open.at(-1)!.isTiny) append(text);
      },
      onclosetag(name, isImplied) {
        const element = open.pop()!;
        if (element.isHidden) {
          collecting.pop();
          if (isImplied && !raw.has(name)) unclosed = element.text + unclosed;
        }
        // A hidden element that only the end of the mail closes was never meant to hide the rest of it.
        if (name === 'body' || name === 'html') append(unclosed);
        if (!isImplied) unclosed = '';
        if (!inline.has(name)) append(' ');
      },
    },
    { recognizeSelfClosing: true },
  );
  parser.end(html);
  return `${root.text} ${unclosed}`;
}

/** Selectors of one class, one id or one element with a class: `.preheader`, `#preview`. */
type HiddenSelectors = ReadonlySet<string>;

const sheetMax = 50_000;

/** Attributes of an element: name in lower case → decoded value. */
type Attributes = Readonly<Record<string, string>>;

/** Whether the element and its content are never visible. `mso-hide` alone suffices: preheaders have it. */
function isHiddenElement(
  name: string,
  attributes: Attributes,
  selectors: HiddenSelectors,
): boolean {
  const { style = '', class: names = '', id = '', hidden } = attributes;
  if (hidden !== undefined || hides(style)) return true;
  return (
    selectors.has(`#${id}`) ||
    names.split(/\s+/).some((one) => selectors.has(`.${one}`) || selectors.has(`${name}.${one}`))
  );
}

/** Whether the style sets a font too small to be read; null if it sets no font size. */
function isFontTooSmall({ style = '' }: Attributes): boolean | null {
  const size = /(?:^|;)font-size:([\d.]+)(px|pt|em|rem|%|;|$)/.exec(compact(style));
  if (size === null) return null;
  const value = Number(size[1]);
  return value === 0 || (value <= 1 && /px|pt|^%$/.test(size[2] ?? ''));
}

/** The selectors that the style sheets of a mail hide unconditionally: media rules do not count. */
function hiddenSelectors(html: string): HiddenSelectors {
  const found = new Set<string>();
  let size = 0;
  for (const piece of html.split(/<style\b/i).slice(1)) {
    const [, sheet = ''] = /^[^>]*>(.*?)<\/style/is.exec(piece) ?? [];
    size += sheet.length;
    if (size > sheetMax) break;
    const rules = withoutConditions(sheet.replace(/\/\*.*?\*\//gs, '').replace(/<!--|-->/g, ''));
    for (const [, names = '', style = ''] of rules.matchAll(/([^{}]+)\{([^{}]*)\}/g)) {
      if (!hides(style)) continue;
      for (const name of names.split(',')) {
        if (/^[a-z]*[.#][\w-]+$/i.test(name.trim())) found.add(name.trim());
      }
    }
  }
  return found;
}

/** Removes blocks such as `@media (max-width: 600px) { … }`. */
function withoutConditions(sheet: string): string {
  let [text, depth, isSkipped] = ['', 0, false];
  for (const piece of sheet.split(/([{}]|@[\w-]+)/)) {
    if (piece.startsWith('@') && depth === 0) isSkipped = true;
    if (piece === '{') depth += 1;
    if (!isSkipped) text += piece;
    if (piece === '}') {
      depth = Math.max(0, depth - 1);
      if (depth === 0) isSkipped = false;
    }
  }
  return text;
}

const compact = (style: string): string =>
  style
    .toLowerCase()
    .replace(/\s+|!important/g, '')
    .replace(/;+/g, ';');

const zero = String.raw`0+(?:\.0+)?(?:px|pt|em|rem|%|vh|vw)?(?:;|$)`;
const hiding = new RegExp(
  [
    String.raw`(?:^|;)display:none`,
    String.raw`(?:^|;)visibility:(?:hidden|collapse)`,
    String.raw`(?:^|;)mso-hide:(?:all|screen)`,
    `(?:^|;)opacity:${zero}`,
    `(?:^|;)max-(?:height|width):${zero}`,
    String.raw`(?:^|;)text-indent:-\d{3,}`,
    String.raw`(?:^|;)(?:left|top|right|margin-left):-\d{4,}`,
    String.raw`(?:^|;)clip:rect\(0`,
    String.raw`(?:^|;)color:transparent`,
  ].join('|'),
);
const flat = new RegExp(`(?:^|;)(?:height|width):${zero}`);

function hides(style: string): boolean {
  if (style === '') return false;
  const plain = compact(style);
  return hiding.test(plain) || (flat.test(plain) && plain.includes('overflow:hidden'));
}
