/** Markup as virtual DOM: preact with the templates of htm. A text becomes a text node, never markup. */
import { Component, h, render, type ComponentChildren, type VNode } from 'preact';
import htm from 'htm';

/**
 * ``ui`<p class="note">${text}</p>` ``. As in JSX, a line break and the blanks around it are dropped. Attributes of
 * elements are not checked by the compiler; components are called as `h(Part, props)`, which is.
 */
export const ui = (htm as unknown as typeof htm.default).bind(h) as (
  parts: TemplateStringsArray,
  ...values: unknown[]
) => VNode;

/** The element of a template, outside of the document. */
export function built<E extends HTMLElement = HTMLElement>(vnode: VNode): E {
  const holder = document.createDocumentFragment();
  render(vnode, holder);
  return holder.firstElementChild as E;
}

/** A part of the page: its state in fields, its content drawn into `element` whenever the state has changed. */
export abstract class View {
  readonly element: HTMLElement;
  #isDue = false;

  /** @param shell the element without content */
  constructor(shell: VNode) {
    this.element = built(shell);
  }

  protected abstract content(): ComponentChildren;

  draw(): void {
    render(this.content(), this.element);
  }

  /** Many changes cause one drawing per animation frame. */
  drawSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.draw();
    });
  }

  focus(): void {
    this.element.focus({ preventScroll: true });
  }
}

interface MemoProps {
  inputs: readonly unknown[];
  draw(): ComponentChildren;
}

class Memo extends Component<MemoProps> {
  override shouldComponentUpdate({ inputs }: MemoProps): boolean {
    return inputs.some((input, index) => input !== this.props.inputs[index]);
  }

  override render({ draw }: MemoProps): ComponentChildren {
    return draw();
  }
}

/** Content that is drawn again only when one of its inputs has changed. */
export const memo = (key: string, inputs: readonly unknown[], draw: () => ComponentChildren) =>
  h(Memo, { key, inputs, draw });

interface HostProps {
  class?: string;
  elements: readonly Element[];
}

class Host extends Component<HostProps> {
  override shouldComponentUpdate(): boolean {
    return false;
  }

  override render({ elements, ...props }: HostProps): ComponentChildren {
    return h('div', { ...props, ref: (box: HTMLElement | null) => box?.append(...elements) });
  }
}

/** A box with elements that are drawn by themselves. */
export const host = (elements: readonly Element[], name = '') => h(Host, { class: name, elements });

/**
 * Text from a user, a model or another program within a line: it cannot change the text direction outside of itself.
 */
export const written = (text: unknown) => ui`<bdi class="written">${text}</bdi>`;

/** @param at epoch ms */
export const clock = (at: number): string =>
  new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Whether the key sends a message: Enter, unless it ends a syllable that is being composed or makes a new line. */
export const isSendKey = (event: KeyboardEvent): boolean =>
  event.key === 'Enter' && !event.shiftKey && !event.isComposing;
