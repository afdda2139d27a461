/**
 * One job: its chart, the replay bar, and the panels. It stores the frames by row number, so that a frame that is sent
 * again after a lost connection changes nothing.
 */
import type { ComponentChildren } from 'preact';
import type { JobView as JobRecord } from '#shared/wire/job-service';
import type { TokenChunk } from '#shared/wire/state-event';
import { built, host, memo, ui, View } from '#shared/page/ui';
import type { PageMessage, PageRequest, ReplayFrame, WatchedJob } from '../page-messages.ts';
import { call, messageOf, submit, type ShownDraft } from './api.ts';
import { ChartView } from './chart-view.ts';
import { conversation } from './conversation-panel.ts';
import { context, effects, step, steps } from './detail-panels.ts';
import { headOf, stateWord, type JobActions, type ShownJob } from './job-head.ts';
import { ReplayBar } from './replay-bar.ts';
import { sequence } from './sequence-panel.ts';
import { tabs } from './tabs.ts';
import { WhatIfPanel } from './what-if-panel.ts';

const nothing = (): ShownJob => ({ job: null, frames: [], streamed: '', queue: null, check: null });

/** In this order. Each is drawn from the frames up to the step that is shown. */
const panels = [
  'Conversation',
  'Step',
  'History',
  'Effects',
  'Sequence',
  'Context',
  'What if',
] as const;

export interface JobViewListener {
  /** The job's state or outcome. */
  onState(word: string): void;
  /** Another job must be opened. */
  onJob(jobId: string): void;
}

export class JobView extends View {
  #jobId = '';
  #shown = nothing();
  #problem = '';
  /** The core refused to send the job; what is known of it is still shown. */
  #isRefused = false;
  #panel: (typeof panels)[number] = 'Conversation';
  /** The inputs of the last drawing of the chart: it is not drawn again for the same inputs. */
  #drawnChart = '';
  readonly #send: (message: PageRequest) => void;
  readonly #listener: JobViewListener;
  readonly #bar = new ReplayBar(() => this.draw());
  readonly #chart = new ChartView('job', (index) => this.#bar.go(index));
  readonly #whatIf = new WhatIfPanel((frame) => this.#chart.preview(frame));

  constructor(send: (message: PageRequest) => void, listener: JobViewListener) {
    super(ui`<section class="job" aria-label="Job" />`);
    this.#send = send;
    this.#listener = listener;
    this.draw();
    // The time in the head.
    setInterval(() => {
      if (this.#shown.frames.at(-1)?.isEnded === false) this.draw();
    }, 1_000);
  }

  /** The message to send on every new socket. */
  watchMessage(): PageRequest {
    return {
      type: 'gatehouse.watch',
      jobId: isJobId(this.#jobId) ? this.#jobId : null,
      afterN: this.#shown.frames.at(-1)?.n ?? 0,
    };
  }

  open(id: string): void {
    if (id === this.#jobId) return;
    this.#jobId = id;
    this.forget();
    if (isJobId(id)) this.#send(this.watchMessage());
    else if (id !== '') this.#refuse('No job has such an id.');
  }

  override focus(): void {
    this.element.querySelector<HTMLElement>('.job-head')?.focus({ preventScroll: true });
  }

  #refuse(text: string): void {
    this.#problem = text;
    this.#isRefused = true;
    this.draw();
  }

  /** Drops all frames; they will be requested again. */
  forget(): void {
    this.#shown = nothing();
    this.#problem = '';
    this.#isRefused = false;
    this.#drawnChart = '';
    this.#whatIf.reset();
    this.#bar.reset();
    this.#chart.clear();
    this.draw();
  }

  take(message: PageMessage): void {
    if (!('jobId' in message)) {
      if (message.type !== 'gatehouse.token' || message.chunk.job_id !== this.#jobId) return;
      this.#takeToken(message.chunk);
    } else if (message.jobId !== this.#jobId) return;
    else if (message.type === 'gatehouse.job') this.#takeJob(message);
    else if (message.type === 'gatehouse.frames') this.#takeFrames(message.frames);
    else if (message.type === 'gatehouse.check') this.#shown.check = message;
    else if (message.type === 'gatehouse.queue') this.#shown.queue = message.queue;
    else this.#refuse(`${message.message} (${message.code})`);
    this.drawSoon();
  }

  /** Loads the chart if that has failed before. */
  drawChart(): void {
    this.#chart.load();
  }

  #takeJob(job: WatchedJob): void {
    this.#shown.job = job;
    this.#problem = '';
    this.#isRefused = false;
  }

  #takeFrames(fresh: readonly ReplayFrame[]): void {
    const { frames } = this.#shown;
    for (const frame of fresh) {
      if (frame.n !== (frames.at(-1)?.n ?? 0) + 1) continue;
      frames.push(frame);
      // After a new state another model writes: the streamed text is outdated.
      if (frame.emitted.some(({ type }) => type === 'state')) this.#shown.streamed = '';
    }
    this.#bar.setFrames(frames);
  }

  #takeToken({ off, content }: TokenChunk): void {
    const { streamed } = this.#shown;
    if (off <= streamed.length) this.#shown.streamed = streamed.slice(0, off) + content;
  }

  /** The draft on the page if it waits for this user in the conversation of the chat box; else null. */
  draftOf(user: string): ShownDraft | null {
    const { job, frames } = this.#shown;
    const isAsked = frames.at(-1)?.tags.includes('waits-for-person') === true;
    const isOwn = job?.input.userId === user && job.input.channel === 'http' && !job.input.thread;
    return isAsked && isOwn ? { job_id: this.#jobId, draft_seq: this.#seenSeq() } : null;
  }

  /** `seq` of the draft that the page shows: by now the job may have another draft. */
  #seenSeq(): number | undefined {
    return this.#shown.frames.flatMap(({ emitted }) => emitted).at(-1)?.seq;
  }

  readonly #actions: JobActions = {
    tell: (verb) =>
      void this.#try(async () => {
        const body = verb === 'confirm' ? { draft_seq: this.#seenSeq() } : {};
        await call(`/chat/${encodeURIComponent(this.#jobId)}/${verb}`, body);
      }),
    sendAgain: () =>
      void this.#try(async () => {
        // Loaded from the core: with hidden texts the page has only the length of the message.
        const record = await call<JobRecord>(`/chat/${encodeURIComponent(this.#jobId)}`);
        this.#listener.onJob(await submit(record.message, record.user_id));
      }),
    download: () => this.#download(),
  };

  async #try(action: () => Promise<void>): Promise<void> {
    this.#problem = '';
    this.draw();
    try {
      await action();
    } catch (error) {
      this.#problem = messageOf(error);
      this.draw();
    }
  }

  /** Saves what the page received of the job: where texts are hidden, they are hidden in the file too. */
  #download(): void {
    const { job, frames, check } = this.#shown;
    const text = JSON.stringify({ job, check, frames }, null, 2);
    const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    built(ui`<a href=${address} download="gatehouse-job-${this.#jobId}.json" />`).click();
    URL.revokeObjectURL(address);
  }

  override draw(): void {
    const panel = this.element.querySelector('#tab-panel');
    const top = panel?.scrollTop ?? 0;
    const isAtEnd = panel !== null && panel.scrollHeight - top - panel.clientHeight < 24;
    const { frames } = this.#shown;
    const inputs = `${this.#bar.index} ${frames.length}`;
    if (inputs !== this.#drawnChart) this.#chart.show(frames, this.#bar.index);
    this.#drawnChart = inputs;
    super.draw();
    if (this.#shown.job !== null) this.#listener.onState(stateWord(frames));
    const follows = isAtEnd && this.#panel === 'Conversation';
    if (panel !== null) panel.scrollTop = follows ? panel.scrollHeight : top;
  }

  protected content() {
    if (this.#jobId === '') return ui`<p class="empty">Choose a job, or send a message.</p>`;
    const all = {
      label: 'Parts of the job',
      names: panels,
      current: this.#panel,
      choose: (name: (typeof panels)[number]): void => {
        this.#panel = name;
        this.draw();
      },
    };
    // An unknown job has nothing to show.
    const isHidden = this.#isRefused && this.#shown.frames.length === 0;
    return ui`
      <p role="alert" class="problem">${this.#problem}</p>
      <div class="job-head" tabindex="-1" key=${this.#jobId}>${headOf(this.#shown, this.#actions)}</div>
      <div class="job-body" hidden=${isHidden}>
        ${host([this.#chart.element, this.#bar.element], 'job-left')}
        <div class="job-right">${tabs(all, this.#panelContent())}</div>
      </div>`;
  }

  #panelContent(): ComponentChildren {
    const { job, frames, streamed } = this.#shown;
    const { index: at, isLive } = this.#bar;
    if (job === null || at < 0) return null;
    const name = this.#panel;
    if (name === 'What if') {
      this.#whatIf.show(this.#jobId, frames[at]!);
      return host([this.#whatIf.element]);
    }
    const words = name === 'Conversation' && isLive ? streamed : '';
    return memo(name, [job, at, frames.length, isLive, words], () => {
      const way = frames.slice(0, at + 1);
      return {
        Conversation: () => conversation(job, way, words),
        Step: () => step(way),
        History: () => steps(frames, at, (index) => this.#bar.go(index)),
        Effects: () => effects(way, isLive),
        Sequence: () => sequence(job, way),
        Context: () => context(way),
      }[name]();
    });
  }
}

/** The core accepts no other ids, so no other id is requested. */
const isJobId = (id: string): boolean => /^[\w-]{1,64}$/.test(id);
