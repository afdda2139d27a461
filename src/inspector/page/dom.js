/**
 * Creates elements. Text gets onto the page only here: as text nodes, never as markup.
 *
 * @typedef {Node | string | number | null | undefined | false} Child
 */

const svgSpace = 'http://www.w3.org/2000/svg';

/** @param {Element} element @param {Record<string, unknown>} props @param {Child[]} children */
function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** @param {string} tag @param {Record<string, unknown>} [props] @param {...Child} children */
export const h = (tag, props = {}, ...children) =>
  fill(document.createElement(tag), props, children);

/** @param {string} tag @param {Record<string, unknown>} [props] @param {...Child} children */
export const svg = (tag, props = {}, ...children) =>
  fill(document.createElementNS(svgSpace, tag), props, children);

/** Replaces the content of the element with the children. */
export function show(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child instanceof Node));
}

/**
 * As `show`, for content that is redrawn often: opened details stay open, and the focus stays where it was, or moves to
 * the element itself if the focused element is gone.
 */
export function redraw(element, ...children) {
  const { activeElement: active } = document;
  const hadFocus = active !== element && element.contains(active);
  const opened = new Set([...element.querySelectorAll('details[open]')].map(nameOf));
  show(element, ...children);
  for (const one of element.querySelectorAll('details')) one.open ||= opened.has(nameOf(one));
  if (!hadFocus || document.activeElement === active) return;
  const heirs = element.contains(active) ? [active] : [...element.querySelectorAll(active.tagName)];
  const heir = heirs.find((one) => one === active || nameOf(one) === nameOf(active));
  (heir ?? element).focus({ preventScroll: true });
}

/** The visible name of an element, used to find it again after a redraw. */
const nameOf = (element) =>
  element.getAttribute('aria-label') ??
  (element.querySelector(':scope > summary') ?? element).textContent;

/**
 * Text from a user, a model or another program within a line: it cannot change the text direction outside of itself.
 */
export const written = (text) => h('bdi', { class: 'written' }, text);

/** Characters that change the direction of a line, and invisible line breaks. */
const unseenMarks = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const escaped = (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A value as indented JSON; long texts are wrapped by CSS, not cut. */
export const json = (value) => h('pre', { class: 'json' }, jsonText(value));

function jsonText(value) {
  try {
    return (JSON.stringify(value, null, 2) ?? '').replace(unseenMarks, escaped);
  } catch {
    return 'Nested too deep to be shown.';
  }
}

/** JSON in a closed `details` element. @param {string} label unique in its panel */
export const jsonOnDemand = (label, value) =>
  h('details', { class: 'on-demand' }, h('summary', {}, label), json(value));
