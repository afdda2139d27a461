/**
 * The visible text of an HTML mail. Not for display as HTML, and not a browser: content that a mail hides with styles
 * is left out, as are the spaces that many programs put after a preheader.
 */
import { Parser } from 'htmlparser2';
import { hiddenSelectors, isFontTooSmall, isHiddenElement } from './html-hidden.ts';

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
  /** Text inside a hidden element. */
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
