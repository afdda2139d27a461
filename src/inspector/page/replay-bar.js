/** The slider over the journal. At its right end it is live and follows the job. */
import { h } from './dom.js';
import { clock, eventName, stateName } from './format.js';

/** Fast enough to play a usual job in some seconds, slow enough to read the states. */
const playEveryMs = 700;

const button = (label, text, onclick) =>
  h('button', { type: 'button', 'aria-label': label, onclick }, text);

export class ReplayBar {
  #frames = [];
  #index = -1;
  #follows = true;
  #playing = 0;
  #onMove;
  #slider = h('input', {
    type: 'range',
    min: 1,
    max: 1,
    value: 1,
    step: 1,
    'aria-label': 'Step of the journal',
    oninput: () => {
      this.#stop();
      this.go(Number(this.#slider.value) - 1);
    },
  });
  #back = button('One step back', '‹', () => this.go(this.#index - 1));
  #forward = button('One step forward', '›', () => this.go(this.#index + 1));
  #play = button('Play from the start', 'Play', () => this.#playOrPause());
  #latest = button('Latest step', 'Latest', () => this.go(this.#frames.length - 1));
  #label = h('output', { class: 'replay-label' });
  element = h(
    'div',
    { class: 'replay', role: 'group', 'aria-label': 'Replay' },
    h(
      'div',
      { class: 'replay-row' },
      this.#play,
      this.#back,
      this.#slider,
      this.#forward,
      this.#latest,
    ),
    this.#label,
  );

  /** @param {() => void} onMove */
  constructor(onMove) {
    this.#onMove = onMove;
  }

  get index() {
    return this.#index;
  }

  get isLive() {
    return this.#follows;
  }

  go(to) {
    this.#index = Math.min(Math.max(to, 0), this.#frames.length - 1);
    this.#follows = this.#index === this.#frames.length - 1;
    this.#draw();
    this.#onMove();
  }

  setFrames(frames) {
    this.#frames = frames;
    if (this.#follows) this.#index = frames.length - 1;
    this.#draw();
  }

  reset() {
    this.#stop();
    this.#follows = true;
    this.#label.textContent = '';
    this.setFrames([]);
  }

  #draw() {
    const { length } = this.#frames;
    const frame = this.#frames[this.#index];
    this.#slider.max = String(Math.max(length, 1));
    this.#slider.value = String(this.#index + 1);
    this.#latest.setAttribute('aria-pressed', String(this.#follows));
    this.#back.disabled = this.#index <= 0;
    this.#forward.disabled = this.#index >= length - 1;
    if (frame === undefined) return;
    const text = `Step ${frame.n} of ${length}: ${eventName(frame.event)} → ${stateName(frame.value)}`;
    this.#slider.setAttribute('aria-valuetext', text);
    this.#label.textContent = `${text}, ${clock(frame.at)}`;
  }

  #playOrPause() {
    if (this.#playing !== 0) {
      this.#stop();
      return;
    }
    this.go(0);
    this.#play.textContent = 'Pause';
    this.#play.setAttribute('aria-label', 'Pause');
    this.#playing = setInterval(() => {
      if (this.#index >= this.#frames.length - 1) this.#stop();
      else this.go(this.#index + 1);
    }, playEveryMs);
  }

  #stop() {
    clearInterval(this.#playing);
    this.#playing = 0;
    this.#play.textContent = 'Play';
    this.#play.setAttribute('aria-label', 'Play from the start');
  }
}
