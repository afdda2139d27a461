/**
 * The job's statechart: drawn by the core, coloured here. Only classes change while a job moves.
 * `now`: the state it is in; `past`: was there; `taken` and `last`: the arrows of its way; `off`: not taken.
 */
import { fetchChart } from './api.js';
import { h, show } from './dom.js';

export class ChartView {
  #drawing = null;
  #shown = { frames: [], at: -1 };
  #focused = '';
  /** Null: whole where the job has ended, near where it is on its way. */
  #chosen = null;
  #isWhole = false;
  #scroller = h('div', {
    class: 'chart-scroller',
    tabindex: 0,
    role: 'region',
    'aria-label': 'Statechart',
  });
  #fit = h(
    'button',
    { type: 'button', class: 'chart-fit', 'aria-pressed': 'false', onclick: () => this.#turn() },
    'Whole chart',
  );
  #caption = h('p', { class: 'visually-hidden', role: 'status' });
  element = h('div', { class: 'chart-view' }, this.#scroller, this.#fit, this.#caption);

  #machine;
  #isLoading = false;

  constructor(machine) {
    this.#machine = machine;
    this.load();
  }

  /** Asks for the drawing, where it is not here and not on its way. */
  load() {
    if (this.#drawing === null && !this.#isLoading) void this.#load();
  }

  show(frames, at) {
    this.#shown = { frames, at };
    this.preview(null);
    this.#colour();
  }

  clear() {
    this.#focused = '';
    this.load();
    this.show([], -1);
  }

  /** Where the copy of "what if" would go; null takes the marks away. */
  preview(frame) {
    for (const one of this.#drawing?.querySelectorAll('.maybe') ?? []) {
      one.classList.remove('maybe');
    }
    const mark = (attribute, value) =>
      this.#drawing?.querySelector(`[${attribute}="${CSS.escape(value)}"]`)?.classList.add('maybe');
    for (const id of frame?.active ?? []) mark('data-id', id);
    for (const key of frame?.edges ?? []) mark('data-edge', key);
  }

  async #load() {
    this.#isLoading = true;
    try {
      this.#drawing = await fetchChart(this.#machine);
      show(this.#scroller, this.#drawing);
      this.#colour();
    } catch (error) {
      show(this.#scroller, h('p', { class: 'problem', role: 'alert' }, error.message));
    }
    this.#isLoading = false;
  }

  #turn() {
    this.#chosen = !this.#isWhole;
    this.#colour();
  }

  #size(isWhole) {
    if (isWhole === this.#isWhole) return;
    this.#isWhole = isWhole;
    this.#fit.setAttribute('aria-pressed', String(isWhole));
    this.element.classList.toggle('whole', isWhole);
    this.#focused = '';
  }

  #colour() {
    const { frames, at } = this.#shown;
    if (this.#drawing === null) return;
    const frame = frames[at];
    this.#size(this.#chosen ?? frame?.isEnded ?? false);
    const isOff = (passed) => frame !== undefined && !passed;
    const active = new Set(frame?.active);
    const way = frames.slice(0, at + 1);
    const taken = new Set(way.flatMap((one) => one.edges));
    // A state that is left at once, as `route` is, is only seen in the arrows.
    const was = new Set([...way.flatMap((one) => one.active), ...[...taken].flatMap(endsOf)]);
    const last = new Set(frame?.edges);
    for (const node of this.#drawing.querySelectorAll('[data-id]')) {
      const { id } = node.dataset;
      node.classList.toggle('now', active.has(id));
      node.classList.toggle('past', was.has(id) && !active.has(id));
      node.classList.toggle('off', isOff(was.has(id)));
    }
    for (const edge of this.#drawing.querySelectorAll('[data-edge], [data-edge-label]')) {
      const key = edge.dataset.edge ?? edge.dataset.edgeLabel;
      edge.classList.toggle('taken', taken.has(key));
      edge.classList.toggle('last', last.has(key));
      edge.classList.toggle('off', isOff(taken.has(key)));
    }
    const innermost = [...active].at(-1);
    this.#caption.textContent = frame === undefined ? '' : `The job is in ${innermost}`;
    this.#bringIntoView(innermost);
  }

  /** Scrolls only when the job has moved on, so that a person may look elsewhere meanwhile. */
  #bringIntoView(id) {
    if (this.#isWhole || id === undefined || id === this.#focused) return;
    const node = this.#drawing.querySelector(`[data-id="${CSS.escape(id)}"]`);
    const box = node?.getBoundingClientRect();
    const outer = this.#scroller.getBoundingClientRect();
    if (box === undefined || outer.width === 0) return;
    const isFirst = this.#focused === '';
    this.#focused = id;
    const isCalm = isFirst || matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#scroller.scrollBy({
      left: box.left + box.width / 2 - outer.left - outer.width / 2,
      top: box.top + box.height / 2 - outer.top - outer.height / 2,
      behavior: isCalm ? 'instant' : 'smooth',
    });
  }
}

/** The states at both ends of `source→target:kind`. */
const endsOf = (key) => key.replace(/:[^:]*$/, '').split('→');
