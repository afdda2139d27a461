/** The last requests to the API with their responses, newest first. */
import { clock, h } from './dom.js';

const shownMax = 100;

const answerOf = ({ outcome, code, httpStatus }) =>
  outcome === 'error'
    ? `${httpStatus} · code ${code}`
    : outcome === 'cut'
      ? 'cut'
      : `${httpStatus} · ${outcome}`;

export class TrafficPanel {
  #rows = h('tbody', {});
  element = h(
    'div',
    { class: 'traffic' },
    h(
      'table',
      { 'aria-label': 'Requests to the API' },
      h(
        'thead',
        {},
        h('tr', {}, ...['Time', 'Method', 'Answer', 'Text'].map((name) => h('th', {}, name))),
      ),
      this.#rows,
    ),
  );

  clear() {
    this.#rows.replaceChildren();
  }

  take(request) {
    const { atMs, method, text, fault, outcome, postIds } = request;
    const isLost = outcome === 'cut' && postIds.length > 0;
    this.#rows.prepend(
      h(
        'tr',
        { class: outcome === 'success' || outcome === 'file' ? '' : 'bad' },
        h('td', {}, clock(atMs)),
        h('td', {}, method),
        h('td', {}, answerOf(request), fault && ` (${fault})`, isLost && ' posted, answer lost'),
        h('td', { class: 'said' }, text ?? ''),
      ),
    );
    if (this.#rows.childElementCount > shownMax) this.#rows.lastElementChild.remove();
  }
}
