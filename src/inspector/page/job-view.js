/**
 * One job: its chart, the replay bar, and the panels. It stores the frames by row number, so that a frame that is sent
 * again after a lost connection changes nothing.
 */
import { call, submit } from './api.js';
import { ChartView } from './chart-view.js';
import { conversation } from './conversation-panel.js';
import { context, effects, step, steps } from './detail-panels.js';
import { h, redraw, show } from './dom.js';
import { headOf, stateWord } from './job-head.js';
import { ReplayBar } from './replay-bar.js';
import { sequence } from './sequence-panel.js';
import { createTabs } from './tabs.js';
import { WhatIf } from './what-if-panel.js';

const nothing = () => ({ job: null, frames: [], streamed: '', queue: null, check: null });

export class JobView {
  #jobId = '';
  #shown = nothing();
  #isDue = false;
  #isHeadDue = false;
  /** The inputs of the last drawing of chart and panel: unchanged inputs are not drawn again. */
  #drawnChart = [];
  #drawnPanel = [];
  #send;
  #bar = new ReplayBar(() => this.#drawStep());
  #chart = new ChartView('job', (index) => this.#bar.go(index));
  #whatIf = new WhatIf((frame) => this.#chart.preview(frame));
  /** In the order of the tabs; each is redrawn from the frames up to the step that is shown. */
  #panels = {
    Conversation: ({ job, frames, streamed }, at) =>
      conversation(job, frames, at, this.#bar.isLive ? streamed : ''),
    Step: ({ frames }, at) => step(frames, at),
    History: ({ frames }, at) => steps(frames, at, (index) => this.#bar.go(index)),
    Effects: ({ frames }, at) => effects(frames, at, this.#bar.isLive),
    Sequence: ({ job, frames }, at) => sequence(job, frames, at),
    Context: ({ frames }, at) => context(frames, at),
    'What if': ({ frames }, at) => this.#whatIf.panel(this.#jobId, frames[at]),
  };
  #tabs = createTabs('Parts of the job', Object.keys(this.#panels), () => this.#drawPanel());
  #head = h('div', { class: 'job-head', tabindex: -1 });
  #problem = h('p', { role: 'alert', class: 'problem' });
  #body = h(
    'div',
    { class: 'job-body' },
    h('div', { class: 'job-left' }, this.#chart.element, this.#bar.element),
    h('div', { class: 'job-right' }, this.#tabs.element),
  );
  #empty = h('p', { class: 'empty' }, 'Choose a job, or send a message.');
  element = h('section', { class: 'job', 'aria-label': 'Job' }, this.#empty);

  #onState;
  #onJob;

  /**
   * @param {(message: object) => void} send
   * @param {{ onState(word: string): void, onJob(jobId: string): void }} listener `onState`: the job's state or
   *   outcome. `onJob`: another job must be opened.
   */
  constructor(send, { onState, onJob }) {
    this.#send = send;
    this.#onState = onState;
    this.#onJob = onJob;
    setInterval(() => this.#drawHeadQuietly(), 1_000);
  }

  /** The message to send on every new socket. */
  watchMessage() {
    return {
      type: 'gatehouse.watch',
      jobId: isJobId(this.#jobId) ? this.#jobId : null,
      afterN: this.#shown.frames.at(-1)?.n ?? 0,
    };
  }

  open(id) {
    if (id === this.#jobId) return;
    this.#jobId = id;
    this.forget();
    if (isJobId(id)) this.#send(this.watchMessage());
    else if (id !== '') this.#refuse('No job has such an id.');
  }

  focus() {
    this.#head.focus({ preventScroll: true });
  }

  #refuse(text) {
    this.#problem.textContent = text;
    // An unknown job has nothing to show.
    this.#body.hidden = this.#shown.frames.length === 0;
  }

  /** Drops all frames; they will be requested again. */
  forget() {
    this.#shown = nothing();
    this.#bar.reset();
    this.#whatIf.reset();
    this.#problem.textContent = '';
    show(this.#head);
    this.#tabs.clear();
    [this.#drawnChart, this.#drawnPanel] = [[], []];
    this.#body.hidden = false;
    const parts = this.#jobId === '' ? [this.#empty] : [this.#problem, this.#head, this.#body];
    show(this.element, ...parts);
    this.#chart.clear();
  }

  take(message) {
    if ((message.jobId ?? message.chunk?.job_id) !== this.#jobId) return;
    if (message.type === 'gatehouse.job') this.#takeJob(message);
    else if (message.type === 'gatehouse.frames') this.#takeFrames(message.frames);
    else if (message.type === 'gatehouse.check') this.#shown.check = message;
    else if (message.type === 'gatehouse.queue') this.#shown.queue = message.queue;
    else if (message.type === 'gatehouse.token') this.#takeToken(message.chunk);
    else if (message.type === 'gatehouse.problem') {
      this.#refuse(`${message.message} (${message.code})`);
    }
    // Token chunks do not change the head.
    this.#isHeadDue ||= message.type !== 'gatehouse.token';
    this.#drawSoon();
  }

  /** Loads the chart if that has failed before. */
  drawChart() {
    this.#chart.load();
  }

  #takeJob(job) {
    this.#shown.job = job;
    this.#problem.textContent = '';
    this.#body.hidden = false;
  }

  #takeFrames(fresh) {
    const { frames } = this.#shown;
    for (const frame of fresh) {
      if (frame.n !== (frames.at(-1)?.n ?? 0) + 1) continue;
      frames.push(frame);
      // After a new state another model writes: the streamed text is outdated.
      if (frame.emitted.some(({ type }) => type === 'state')) this.#shown.streamed = '';
    }
    this.#bar.setFrames(frames);
  }

  #takeToken({ off, content }) {
    const { streamed } = this.#shown;
    if (off <= streamed.length) this.#shown.streamed = streamed.slice(0, off) + content;
  }

  /** Many messages cause one redraw per animation frame. */
  #drawSoon() {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      if (this.#isHeadDue) this.#drawHead();
      this.#isHeadDue = false;
      this.#drawStep();
    });
  }

  #drawHead() {
    if (this.#shown.job === null) return;
    redraw(this.#head, ...headOf(this.#shown, this.#actions));
    this.#onState(stateWord(this.#shown.frames));
  }

  /**
   * Updates the clock in the head. The head is not redrawn while it is focused or hovered: a button would be replaced
   * during a press.
   */
  #drawHeadQuietly() {
    const isOpen = this.#shown.frames.at(-1)?.isEnded === false;
    const isUsed = this.#head.contains(document.activeElement) || this.#head.matches(':hover');
    if (isOpen && !isUsed) this.#drawHead();
  }

  /** The draft on the page if it waits for this user in the conversation of the chat box; else null. */
  draftOf(user) {
    const { job, frames } = this.#shown;
    const isAsked = frames.at(-1)?.tags.includes('waits-for-person') === true;
    const isOwn = job?.input.userId === user && job.input.channel === 'http' && !job.input.thread;
    return isAsked && isOwn ? { job_id: this.#jobId, draft_seq: this.#seenSeq() } : null;
  }

  /** `seq` of the draft that the page shows: by now the job may have another draft. */
  #seenSeq() {
    return this.#shown.frames.flatMap(({ emitted }) => emitted).at(-1)?.seq;
  }

  #actions = {
    tell: (verb) => void this.#tell(verb),
    sendAgain: () => void this.#sendAgain(),
    download: () => this.#download(),
  };

  async #sendAgain() {
    this.#problem.textContent = '';
    try {
      // Loaded from the core: with hidden texts the page has only the length of the message.
      const { message, user_id: user } = await call(`/chat/${encodeURIComponent(this.#jobId)}`);
      this.#onJob(await submit(message, user));
    } catch (error) {
      this.#problem.textContent = error.message;
    }
  }

  /** Saves what the page received of the job: where texts are hidden, they are hidden in the file too. */
  #download() {
    const { job, frames, check } = this.#shown;
    const text = JSON.stringify({ job, check, frames }, null, 2);
    const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    h('a', { href: address, download: `gatehouse-job-${this.#jobId}.json` }).click();
    URL.revokeObjectURL(address);
  }

  async #tell(verb) {
    this.#problem.textContent = '';
    try {
      const body = verb === 'confirm' ? { draft_seq: this.#seenSeq() } : {};
      await call(`/chat/${encodeURIComponent(this.#jobId)}/${verb}`, body);
    } catch (error) {
      this.#problem.textContent = error.message;
    }
  }

  #drawStep() {
    const { frames } = this.#shown;
    const from = [this.#bar.index, frames.length];
    if (!isSame(from, this.#drawnChart)) this.#chart.show(frames, this.#bar.index);
    this.#drawnChart = from;
    this.#drawPanel();
  }

  #drawPanel() {
    const at = this.#bar.index;
    const { job, frames, streamed } = this.#shown;
    if (job === null || at < 0) return;
    const name = this.#tabs.current();
    const words = name === 'Conversation' ? streamed : '';
    const from = [name, job, at, frames.length, this.#bar.isLive, words];
    if (isSame(from, this.#drawnPanel)) return;
    this.#drawnPanel = from;
    this.#tabs.show(this.#panels[name](this.#shown, at));
  }
}

/** The core accepts no other ids, so no other id is requested. */
const isJobId = (id) => /^[\w-]{1,64}$/.test(id);

const isSame = (one, other) =>
  one.length === other.length && one.every((value, index) => value === other[index]);
