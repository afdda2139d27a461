/** The path of a job through its states, as a strip: each stay with its duration, and states that were left at once. */
import { h, redraw } from './dom.js';
import { clock, duration, stateName } from './format.js';

/** Maximum number of stays shown; a draft that was changed a hundred times has many, and the last ones matter. */
const staysMax = 60;

export class PathStrip {
  #go;
  element = h('ol', { class: 'path-strip', 'aria-label': 'Path taken', tabindex: -1 });

  /** @param {(index: number) => void} go called with the index of the frame to show */
  constructor(go) {
    this.#go = go;
  }

  show(frames, at) {
    const stays = staysOf(frames.slice(0, at + 1), frames[at + 1]);
    const shown = stays.slice(-staysMax);
    const left = stays.length - shown.length;
    redraw(
      this.element,
      left === 0 ? null : h('li', { class: 'note' }, `${left} earlier`),
      ...shown.map((stay) => this.#stay(stay, at)),
    );
  }

  #stay({ name, at, index, last, ms, isPassed }, shownAt) {
    const time = isPassed ? 'passed' : ms === null ? 'now' : duration(ms);
    const isHere = index <= shownAt && shownAt <= last && !isPassed;
    return h(
      'li',
      {},
      h(
        'button',
        {
          type: 'button',
          title: `Step ${index + 1}, ${clock(at)}`,
          'aria-current': isHere ? 'step' : null,
          onclick: () => this.#go(index),
        },
        h('b', {}, name),
        h('span', {}, time),
      ),
    );
  }
}

/** `next`: the frame after the path; it gives the duration of the last stay. */
function staysOf(way, next) {
  const stays = [];
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
  return stays.map((stay, place) => {
    const until = stays.slice(place + 1).find(({ isPassed }) => !isPassed)?.at;
    const left = until ?? next?.at ?? (end?.isEnded ? end.at : null);
    // If the clock was set back, the difference is negative.
    return { ...stay, ms: left === null ? null : Math.max(0, left - stay.at) };
  });
}

const targetOf = (key) => {
  const [, target = ''] = key.replace(/:[^:]*$/, '').split('→');
  return target.split('.').slice(1).join(' / ');
};
