/**
 * The job's statechart: drawn by the core, coloured here. Only classes change while a job moves. `now`: the current
 * state; `past`: earlier states; `taken` and `last`: the arrows of its path; `off`: not taken.
 *
 * Two views of the same chart: the drawing, which can be zoomed and moved, and the compact view, which is text.
 */
import { fetchChart } from './api.js';
import { ChartZoom } from './chart-zoom.js';
import { compactChart } from './compact-chart.js';
import { h, show } from './dom.js';
import { PathStrip } from './path-strip.js';

const storedChoice = 'gatehouse-chart';
/** In a window this narrow the drawing shows two states at a time. */
const narrow = matchMedia('(max-width: 760px)');

const button = (label, text, onclick) =>
  h('button', { type: 'button', 'aria-label': label, onclick }, text);

export class ChartView {
  #drawing = null;
  #compact = null;
  #shown = { frames: [], at: -1 };
  #focused = '';
  /** The user's choice. Null: the compact view for a job that has ended and on a phone, else the drawing. */
  #chosen = localStorage.getItem(storedChoice);
  /** Null until the first drawing. */
  #isCompact = null;
  #scroller = h('div', {
    class: 'chart-scroller',
    tabindex: 0,
    role: 'region',
    'aria-label': 'Statechart',
  });
  #zoom = new ChartZoom(this.#scroller, () => this.#drawTools());
  #compactButton = h(
    'button',
    { type: 'button', 'aria-pressed': 'false', onclick: () => this.#turn() },
    'Compact',
  );
  #wholeButton = h(
    'button',
    { type: 'button', 'aria-pressed': 'false', onclick: () => this.#turnWhole() },
    'Whole chart',
  );
  #size = button('Original size', '100 %', () => this.#zoom.original());
  #zoomTools = h(
    'span',
    { class: 'chart-zoom' },
    button('Zoom out', '−', () => this.#zoom.out()),
    this.#size,
    button('Zoom in', '+', () => this.#zoom.in()),
  );
  #tools = h(
    'div',
    { class: 'chart-tools', role: 'group', 'aria-label': 'View of the chart' },
    this.#compactButton,
    this.#wholeButton,
    this.#zoomTools,
  );
  #caption = h('p', { class: 'visually-hidden', role: 'status' });
  element = h('div', { class: 'chart-view' }, this.#tools, this.#scroller, this.#caption);

  #machine;
  #isLoading = false;
  #path;

  /** @param {string} machine @param {(index: number) => void} go called with the index of the frame to show */
  constructor(machine, go) {
    this.#machine = machine;
    this.#path = new PathStrip(go);
    this.load();
    narrow.addEventListener('change', () => this.#colour());
  }

  /** Loads the drawing unless it is loaded or loading. */
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

  /** Marks where the copy of "what if" would go; null removes the marks. */
  preview(frame) {
    for (const chart of [this.#drawing, this.#compact]) {
      for (const one of chart?.querySelectorAll('.maybe') ?? []) one.classList.remove('maybe');
      const mark = (attribute, value) =>
        chart?.querySelector(`[${attribute}="${CSS.escape(value)}"]`)?.classList.add('maybe');
      for (const id of frame?.active ?? []) mark('data-id', id);
      for (const key of frame?.edges ?? []) mark('data-edge', key);
    }
  }

  async #load() {
    this.#isLoading = true;
    try {
      this.#drawing = await fetchChart(this.#machine);
      this.#compact = compactChart(this.#drawing);
      this.#isCompact = null;
      this.#colour();
    } catch (error) {
      show(this.#scroller, h('p', { class: 'problem', role: 'alert' }, error.message));
    }
    this.#isLoading = false;
  }

  #turn() {
    this.#choose(this.#isCompact ? 'chart' : 'compact');
  }

  #turnWhole() {
    const isWhole = !this.#isCompact && this.#zoom.isWhole;
    this.#choose('chart');
    if (isWhole) this.#zoom.original();
    else this.#zoom.whole();
    this.#focused = '';
    this.#colour();
  }

  #choose(view) {
    this.#chosen = view;
    localStorage.setItem(storedChoice, view);
    this.#colour();
  }

  #drawTools() {
    const isWhole = !this.#isCompact && this.#zoom.isWhole;
    this.#compactButton.setAttribute('aria-pressed', String(this.#isCompact));
    this.#wholeButton.setAttribute('aria-pressed', String(isWhole));
    this.#zoomTools.hidden = this.#isCompact;
    this.element.classList.toggle('whole', isWhole);
    const percent = `${this.#zoom.percent} %`;
    this.#size.textContent = percent;
    this.#size.setAttribute('aria-label', `${percent}, original size`);
  }

  #showView(isCompact) {
    if (isCompact === this.#isCompact) return;
    this.#isCompact = isCompact;
    this.#focused = '';
    // Only one of the two is in the document: both have the same marks.
    if (isCompact) show(this.#scroller, this.#path.element, this.#compact);
    else show(this.#scroller, this.#drawing);
    this.element.classList.toggle('is-compact', isCompact);
    this.#zoom.attach(isCompact ? null : this.#drawing);
    this.#drawTools();
  }

  #colour() {
    const { frames, at } = this.#shown;
    if (this.#drawing === null) return;
    const frame = frames[at];
    const byItself = narrow.matches || (frames.at(-1)?.isEnded ?? false);
    this.#showView(this.#chosen === null ? byItself : this.#chosen === 'compact');
    if (this.#isCompact) this.#path.show(frames, at);
    const isOff = (passed) => frame !== undefined && !passed;
    const active = new Set(frame?.active);
    const way = frames.slice(0, at + 1);
    const taken = new Set(way.flatMap((one) => one.edges));
    // A state that is left at once, such as `route`, is only visible in the arrows.
    const was = new Set([...way.flatMap((one) => one.active), ...[...taken].flatMap(endsOf)]);
    const last = new Set(frame?.edges);
    const chart = this.#isCompact ? this.#compact : this.#drawing;
    for (const node of chart.querySelectorAll('[data-id]')) {
      const { id } = node.dataset;
      node.classList.toggle('now', active.has(id));
      node.classList.toggle('past', was.has(id) && !active.has(id));
      node.classList.toggle('off', isOff(was.has(id)));
    }
    for (const edge of chart.querySelectorAll('[data-edge], [data-edge-label]')) {
      const key = edge.dataset.edge ?? edge.dataset.edgeLabel;
      edge.classList.toggle('taken', taken.has(key));
      edge.classList.toggle('last', last.has(key));
      edge.classList.toggle('off', isOff(taken.has(key)));
    }
    const innermost = [...active].at(-1);
    this.#caption.textContent = frame === undefined ? '' : `The job is in ${innermost}`;
    this.#bringIntoView(innermost);
  }

  /** Scrolls only when the job has moved on, so that the user can look at other parts meanwhile. */
  #bringIntoView(id) {
    if (this.#isCompact || this.#zoom.isWhole || id === undefined || id === this.#focused) return;
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
