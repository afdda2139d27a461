/** The slider over the journal. At its right end it is live and follows the job. */
import { clock, ui, View } from '#shared/page/ui';
import type { ReplayFrame } from '../page-messages.ts';
import { eventName, stateName } from './format.ts';

/** Fast enough to play a usual job in some seconds, slow enough to read the states. */
const playEveryMs = 700;

export class ReplayBar extends View {
  #frames: readonly ReplayFrame[] = [];
  #index = -1;
  #follows = true;
  #playing = 0;
  readonly #onMove: () => void;

  constructor(onMove: () => void) {
    super(ui`<div class="replay" role="group" aria-label="Replay" />`);
    this.#onMove = onMove;
    this.draw();
  }

  get index(): number {
    return this.#index;
  }

  get isLive(): boolean {
    return this.#follows;
  }

  go(to: number): void {
    this.#index = Math.min(Math.max(to, 0), this.#frames.length - 1);
    this.#follows = this.#index === this.#frames.length - 1;
    this.draw();
    this.#onMove();
  }

  setFrames(frames: readonly ReplayFrame[]): void {
    this.#frames = frames;
    if (this.#follows) this.#index = frames.length - 1;
    this.draw();
  }

  reset(): void {
    this.#stop();
    this.#follows = true;
    this.setFrames([]);
  }

  protected content() {
    const { length } = this.#frames;
    const index = this.#index;
    const frame = this.#frames[index];
    const text =
      frame === undefined
        ? null
        : `Step ${frame.n} of ${length}: ${eventName(frame.event)} → ${stateName(frame.value)}`;
    const button = (label: string, sign: string, onclick: () => void, more = {}) =>
      ui`<button type="button" aria-label=${label} onclick=${onclick} ...${more}>${sign}</button>`;
    const slide = ({ currentTarget }: { currentTarget: HTMLInputElement }): void => {
      const to = Number(currentTarget.value) - 1;
      this.#stop();
      this.go(to);
    };
    const isPlaying = this.#playing !== 0;
    return ui`
      <div class="replay-row">
        ${button(isPlaying ? 'Pause' : 'Play from the start', isPlaying ? 'Pause' : 'Play', () => this.#playOrPause())}
        ${button('One step back', '‹', () => this.go(index - 1), { disabled: index <= 0 })}
        <input type="range" min="1" max=${Math.max(length, 1)} step="1" value=${index + 1}
          aria-label="Step of the journal" aria-valuetext=${text} oninput=${slide} />
        ${button('One step forward', '›', () => this.go(index + 1), { disabled: index >= length - 1 })}
        ${button('Latest step', 'Latest', () => this.go(length - 1), { 'aria-pressed': this.#follows })}
      </div>
      <output class="replay-label">${frame && `${text}, ${clock(frame.at)}`}</output>`;
  }

  #playOrPause(): void {
    if (this.#playing !== 0) {
      this.#stop();
      return;
    }
    this.#playing = window.setInterval(() => {
      if (this.#index >= this.#frames.length - 1) this.#stop();
      else this.go(this.#index + 1);
    }, playEveryMs);
    this.go(0);
  }

  #stop(): void {
    clearInterval(this.#playing);
    this.#playing = 0;
    this.draw();
  }
}
