/** The path of a job through its states, as a strip: each stay with its duration, and states that were left at once. */
import { clock, ui, View } from '#shared/page/ui';
import type { ReplayFrame } from '../page-messages.ts';
import { duration, stateName } from './format.ts';

/** Maximum number of stays shown; a draft that was changed a hundred times has many, and the last ones matter. */
const staysMax = 60;

interface Stay {
  name: string;
  /** Epoch ms. */
  at: number;
  /** Indexes of its first and its last frame. */
  index: number;
  last: number;
  /** Left within the step that entered it. */
  isPassed: boolean;
}

export class PathStrip extends View {
  readonly #go: (index: number) => void;
  #frames: readonly ReplayFrame[] = [];
  #at = -1;

  /** @param go called with the index of the frame to show */
  constructor(go: (index: number) => void) {
    super(ui`<ol class="path-strip" aria-label="Path taken" tabindex="-1" />`);
    this.#go = go;
  }

  show(frames: readonly ReplayFrame[], at: number): void {
    [this.#frames, this.#at] = [frames, at];
    this.draw();
  }

  protected content() {
    const stays = staysOf(this.#frames, this.#at);
    const left = stays.length - staysMax;
    return [
      left > 0 && ui`<li class="note">${left} earlier</li>`,
      stays.slice(-staysMax).map((stay, place) => this.#stay(stay, place + Math.max(0, left))),
    ];
  }

  #stay({ name, at, index, last, isPassed, ms }: Stay & { ms: number | null }, key: number) {
    const time = isPassed ? 'passed' : ms === null ? 'now' : duration(ms);
    const isHere = index <= this.#at && this.#at <= last && !isPassed;
    return ui`<li key=${key}>
      <button type="button" title=${`Step ${index + 1}, ${clock(at)}`}
        aria-current=${isHere ? 'step' : null} onclick=${() => this.#go(index)}>
        <b>${name}</b><span>${time}</span>
      </button>
    </li>`;
  }
}

function staysOf(frames: readonly ReplayFrame[], at: number) {
  const way = frames.slice(0, at + 1);
  const stays: Stay[] = [];
  way.forEach((frame, index) => {
    // A state that is left within the same step, such as `route`, is never the state of a stored row.
    for (const target of frame.edges.slice(0, -1).map(targetOf))
      stays.push({ name: target, at: frame.at, index, last: index, isPassed: true });
    const name = stateName(frame.value);
    const stay = stays.at(-1);
    if (stay !== undefined && stay.name === name && !stay.isPassed) stay.last = index;
    else stays.push({ name, at: frame.at, index, last: index, isPassed: false });
  });
  const end = way.at(-1);
  // The next frame ends the last stay.
  const pathEnd = frames[at + 1]?.at ?? (end?.isEnded ? end.at : null);
  return stays.map((stay, place) => {
    const left = stays.slice(place + 1).find(({ isPassed }) => !isPassed)?.at ?? pathEnd;
    // If the clock was set back, the difference is negative.
    return { ...stay, ms: left === null ? null : Math.max(0, left - stay.at) };
  });
}

const targetOf = (key: string): string => {
  const [, target = ''] = key.replace(/:[^:]*$/, '').split('→');
  return target.split('.').slice(1).join(' / ');
};
