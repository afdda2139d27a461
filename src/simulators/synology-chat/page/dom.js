/**
 * Creates elements. Text gets onto the page only here: as text nodes, never as markup.
 *
 * @typedef {Node | string | number | null | undefined | false} Child
 */

/** @param {string} tag @param {Record<string, unknown>} [props] @param {...Child} children */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
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

/** Replaces the content of the element with the children. */
export function show(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child instanceof Node));
}

/** @param {number} at epoch ms */
export const clock = (at) =>
  new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
