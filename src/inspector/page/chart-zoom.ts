/**
 * Zoom and pan of a drawing in a scrolling box: buttons, keys (`+`, `-`, `0`), the wheel with Ctrl, two fingers, and
 * dragging with a mouse. Native scrolling (wheel, one finger, arrow keys) is left to the browser.
 */

const zoomMin = 0.2;
const zoomMax = 4;
const zoomStep = 1.25;
/** In pixels. A click moves the mouse slightly too. */
const dragMin = 4;

/** A point of the window. */
interface Point {
  x: number;
  y: number;
}

export class ChartZoom {
  readonly #scroller: HTMLElement;
  readonly #onChange: () => void;
  #drawing: SVGSVGElement | null = null;
  /** Size of the drawing at 100 %. */
  #natural = { width: 1, height: 1 };
  #zoom = 1;
  #isWhole = false;
  /** Distance of the two fingers and the zoom at the start of the gesture; null: no gesture. */
  #pinch: { distance: number; zoom: number } | null = null;

  constructor(scroller: HTMLElement, onChange: () => void) {
    this.#scroller = scroller;
    this.#onChange = onChange;
    scroller.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    scroller.addEventListener('keydown', (event) => this.#press(event));
    scroller.addEventListener('pointerdown', (event) => this.#drag(event));
    for (const type of ['touchstart', 'touchmove', 'touchend', 'touchcancel'] as const)
      scroller.addEventListener(type, (event) => this.#touch(event), { passive: false });
  }

  /** @param drawing null: nothing that can be zoomed is visible */
  attach(drawing: SVGSVGElement | null): void {
    this.#drawing = drawing;
    if (drawing === null) return;
    const { width, height } = drawing.viewBox.baseVal;
    this.#natural = { width, height };
    this.#apply();
  }

  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** In percent of the drawing's natural size. */
  get percent(): number {
    return Math.round(this.#scale() * 100);
  }

  whole(): void {
    this.#isWhole = true;
    this.#apply();
  }

  in(): void {
    this.#to(this.#scale() * zoomStep, this.#middle());
  }

  out(): void {
    this.#to(this.#scale() / zoomStep, this.#middle());
  }

  original(): void {
    this.#to(1, this.#middle());
  }

  #scale(): number {
    if (!this.#isWhole) return this.#zoom;
    const { clientWidth: width, clientHeight: height } = this.#scroller;
    return Math.min(width / this.#natural.width, height / this.#natural.height) || 1;
  }

  #middle(): Point {
    const { left, top, width, height } = this.#scroller.getBoundingClientRect();
    return { x: left + width / 2, y: top + height / 2 };
  }

  /** Zooms and keeps the content under the point in place. */
  #to(zoom: number, { x, y }: Point): void {
    if (this.#drawing === null) return;
    const before = this.#drawing.getBoundingClientRect();
    const was = this.#scale();
    this.#isWhole = false;
    this.#zoom = Math.min(zoomMax, Math.max(zoomMin, zoom));
    this.#apply();
    const after = this.#drawing.getBoundingClientRect();
    const grown = this.#zoom / was;
    this.#scroller.scrollBy({
      left: (x - before.left) * grown - (x - after.left),
      top: (y - before.top) * grown - (y - after.top),
      behavior: 'instant',
    });
  }

  #apply(): void {
    const { width, height } = this.#natural;
    this.#drawing?.setAttribute('width', String(width * this.#zoom));
    this.#drawing?.setAttribute('height', String(height * this.#zoom));
    this.#onChange();
  }

  #wheel(event: WheelEvent): void {
    if (!event.ctrlKey || this.#drawing === null) return;
    event.preventDefault();
    this.#to(this.#scale() * Math.exp(-event.deltaY / 300), { x: event.clientX, y: event.clientY });
  }

  #press(event: KeyboardEvent): void {
    if (this.#drawing === null || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '+' || event.key === '=') this.in();
    else if (event.key === '-') this.out();
    else if (event.key === '0') this.whole();
  }

  #drag(event: PointerEvent): void {
    if (event.pointerType !== 'mouse' || event.button !== 0 || this.#drawing === null) return;
    const from = { x: event.clientX, y: event.clientY };
    const { scrollLeft, scrollTop } = this.#scroller;
    const end = new AbortController();
    const { signal } = end;
    const move = ({ clientX, clientY, buttons }: PointerEvent): void => {
      const [right, down] = [clientX - from.x, clientY - from.y];
      if (buttons === 0) stop();
      else if (Math.hypot(right, down) >= dragMin) {
        this.#scroller.classList.add('dragged');
        const [left, top] = [scrollLeft - right, scrollTop - down];
        this.#scroller.scrollTo({ left, top, behavior: 'instant' });
      }
    };
    const stop = (): void => {
      this.#scroller.classList.remove('dragged');
      end.abort();
    };
    addEventListener('pointermove', move, { signal });
    for (const type of ['pointerup', 'pointercancel', 'blur'])
      addEventListener(type, stop, { signal });
  }

  #touch(event: TouchEvent): void {
    const [one, other] = event.touches;
    if (!one || !other || event.touches.length > 2 || this.#drawing === null) {
      this.#pinch = null;
      return;
    }
    event.preventDefault();
    const distance = Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
    this.#pinch ??= { distance, zoom: this.#scale() };
    const middle = {
      x: (one.clientX + other.clientX) / 2,
      y: (one.clientY + other.clientY) / 2,
    };
    this.#to((this.#pinch.zoom * distance) / this.#pinch.distance, middle);
  }
}
