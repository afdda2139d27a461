/**
 * The job's statechart: drawn by the core, coloured here. Only classes change while a job moves. `now`: the current
 * state; `past`: earlier states; `taken` and `last`: the arrows of its path; `off`: not taken.
 *
 * Two views of the same chart: the drawing, which can be zoomed and moved, and the compact view, which is text.
 */
import { built, ui, View } from '#shared/page/ui';
import type { ReplayFrame } from '../page-messages.ts';
import { fetchChart, messageOf } from './api.ts';
import { ChartZoom } from './chart-zoom.ts';
import { compactChart } from './compact-chart.ts';
import { PathStrip } from './path-strip.ts';

const storedChoice = 'gatehouse-chart';
/** In a window this narrow the drawing shows two states at a time. */
const narrow = matchMedia('(max-width: 760px)');

/** The buttons above the chart. */
class ChartTools extends View {
  readonly #chart: ChartView;

  constructor(chart: ChartView) {
    super(ui`<div class="chart-tools" role="group" aria-label="View of the chart" />`);
    this.#chart = chart;
    this.draw();
  }

  protected content() {
    const { isCompact, isWhole, zoom } = this.#chart;
    const percent = `${zoom.percent} %`;
    const button = (label: string | null, text: string, onclick: () => void, isPressed?: boolean) =>
      ui`<button type="button" aria-label=${label} aria-pressed=${isPressed} onclick=${onclick}>${text}</button>`;
    return ui`
      ${button(null, 'Compact', () => this.#chart.turn(), isCompact)}
      ${button(null, 'Whole chart', () => this.#chart.turnWhole(), isWhole)}
      <span class="chart-zoom" hidden=${isCompact}>
        ${button('Zoom out', '−', () => zoom.out())}
        ${button(`${percent}, original size`, percent, () => zoom.original())}
        ${button('Zoom in', '+', () => zoom.in())}
      </span>`;
  }
}

export class ChartView {
  #drawing: SVGSVGElement | null = null;
  #compact: HTMLElement | null = null;
  #shown: { frames: readonly ReplayFrame[]; at: number } = { frames: [], at: -1 };
  #focused = '';
  /** The user's choice. Null: the compact view for a job that has ended and on a phone, else the drawing. */
  #chosen = localStorage.getItem(storedChoice);
  /** Null until the first drawing. */
  #isCompact: boolean | null = null;
  readonly #scroller = built(
    ui`<div class="chart-scroller" tabindex="0" role="region" aria-label="Statechart" />`,
  );
  readonly #caption = built(ui`<p class="visually-hidden" role="status" />`);
  readonly zoom = new ChartZoom(this.#scroller, () => this.#drawTools());
  readonly #tools = new ChartTools(this);
  readonly element = built(ui`<div class="chart-view" />`);

  readonly #machine: string;
  readonly #path: PathStrip;
  #isLoading = false;

  /** @param go called with the index of the frame to show */
  constructor(machine: string, go: (index: number) => void) {
    this.#machine = machine;
    this.#path = new PathStrip(go);
    this.element.append(this.#tools.element, this.#scroller, this.#caption);
    this.load();
    narrow.addEventListener('change', () => this.#colour());
  }

  get isCompact(): boolean {
    return this.#isCompact === true;
  }

  get isWhole(): boolean {
    return !this.isCompact && this.zoom.isWhole;
  }

  /** Loads the drawing unless it is loaded or loading. */
  load(): void {
    if (this.#drawing === null && !this.#isLoading) void this.#load();
  }

  show(frames: readonly ReplayFrame[], at: number): void {
    this.#shown = { frames, at };
    this.preview(null);
    this.#colour();
  }

  clear(): void {
    this.#focused = '';
    this.load();
    this.show([], -1);
  }

  /** Marks where the copy of "what if" would go; null removes the marks. */
  preview(frame: ReplayFrame | null): void {
    for (const chart of [this.#drawing, this.#compact]) {
      for (const one of chart?.querySelectorAll('.maybe') ?? []) one.classList.remove('maybe');
      const mark = (attribute: string, value: string): void =>
        chart?.querySelector(`[${attribute}="${CSS.escape(value)}"]`)?.classList.add('maybe');
      for (const id of frame?.active ?? []) mark('data-id', id);
      for (const key of frame?.edges ?? []) mark('data-edge', key);
    }
  }

  async #load(): Promise<void> {
    this.#isLoading = true;
    try {
      this.#drawing = await fetchChart(this.#machine);
      this.#compact = compactChart(this.#drawing);
      this.#isCompact = null;
      this.#colour();
    } catch (error) {
      const problem = built(ui`<p class="problem" role="alert">${messageOf(error)}</p>`);
      this.#scroller.replaceChildren(problem);
    }
    this.#isLoading = false;
  }

  turn(): void {
    this.#choose(this.#isCompact ? 'chart' : 'compact');
  }

  turnWhole(): void {
    const { isWhole } = this;
    this.#choose('chart');
    if (isWhole) this.zoom.original();
    else this.zoom.whole();
    this.#focused = '';
    this.#colour();
  }

  #choose(view: 'chart' | 'compact'): void {
    this.#chosen = view;
    localStorage.setItem(storedChoice, view);
    this.#colour();
  }

  #drawTools(): void {
    this.#tools.draw();
    this.element.classList.toggle('whole', this.isWhole);
  }

  #showView(isCompact: boolean, drawing: SVGSVGElement): void {
    if (isCompact === this.#isCompact) return;
    this.#isCompact = isCompact;
    this.#focused = '';
    // Only one of the two is in the document: both have the same marks.
    this.#scroller.replaceChildren(
      ...(isCompact ? [this.#path.element, this.#compact!] : [drawing]),
    );
    this.element.classList.toggle('is-compact', isCompact);
    this.zoom.attach(isCompact ? null : drawing);
    this.#drawTools();
  }

  #colour(): void {
    const { frames, at } = this.#shown;
    const drawing = this.#drawing;
    if (drawing === null) return;
    const frame = frames[at];
    const byItself = narrow.matches || (frames.at(-1)?.isEnded ?? false);
    this.#showView(this.#chosen === null ? byItself : this.#chosen === 'compact', drawing);
    if (this.#isCompact) this.#path.show(frames, at);
    const isOff = (passed: boolean): boolean => frame !== undefined && !passed;
    const active = new Set(frame?.active);
    const way = frames.slice(0, at + 1);
    const taken = new Set(way.flatMap((one) => one.edges));
    // A state that is left at once, such as `route`, is only visible in the arrows.
    const was = new Set([...way.flatMap((one) => one.active), ...[...taken].flatMap(endsOf)]);
    const last = new Set(frame?.edges);
    const chart = this.#isCompact ? this.#compact! : drawing;
    for (const node of chart.querySelectorAll<HTMLElement>('[data-id]')) {
      const { id = '' } = node.dataset;
      node.classList.toggle('now', active.has(id));
      node.classList.toggle('past', was.has(id) && !active.has(id));
      node.classList.toggle('off', isOff(was.has(id)));
    }
    for (const edge of chart.querySelectorAll<HTMLElement>('[data-edge], [data-edge-label]')) {
      const key = edge.dataset['edge'] ?? edge.dataset['edgeLabel'] ?? '';
      edge.classList.toggle('taken', taken.has(key));
      edge.classList.toggle('last', last.has(key));
      edge.classList.toggle('off', isOff(taken.has(key)));
    }
    const innermost = [...active].at(-1);
    this.#caption.textContent = frame === undefined ? '' : `The job is in ${innermost}`;
    this.#bringIntoView(innermost, drawing);
  }

  /** Scrolls only when the job has moved on, so that the user can look at other parts meanwhile. */
  #bringIntoView(id: string | undefined, drawing: SVGSVGElement): void {
    if (this.#isCompact || this.zoom.isWhole || id === undefined || id === this.#focused) return;
    const node = drawing.querySelector(`[data-id="${CSS.escape(id)}"]`);
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
const endsOf = (key: string): string[] => key.replace(/:[^:]*$/, '').split('→');
