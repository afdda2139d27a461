/**
 * A second, simple implementation of docs/gate.md: arrays that are sorted again for every query, no trees, no
 * statechart, no promises. The property tests compare the live gate with it.
 */
export interface ModelOptions {
  concurrency: number;
  maxQueue: number;
  agingMs: number;
  fairShareMs: number;
  fairShiftMaxMs: number;
  preemptBackground: boolean;
  maxPreemptions: number;
  drainBoundMs: number;
  leaseMs: number;
  failures: number;
  probeBackoffMs: number;
  probeBackoffMaxMs: number;
  probeBoundMs: number;
}

export interface ModelRequest {
  id: number;
  user: string;
  priority: 'foreground' | 'background';
  preemptible: boolean;
  /** Until it is adopted. */
  speculative: boolean;
  /** Its caller releases the permit at the moment of the abort; other callers drain it, or do nothing. */
  releasesAtOnce: boolean;
  deadlineAt: number | null;
  arrivedAt: number;
  key: number;
  preemptions: number;
  isCancelled: boolean;
  /** The results of `acquire` and `requeue`, and the aborts of its permits, in order. */
  outcomes: string[];
}

export interface ModelSlot {
  request: ModelRequest;
  phase: 'running' | 'draining';
  grantedAt: number;
  since: number;
  /** The number of the grant: the fence of its permit. */
  fence: number;
}

export class GateModel {
  readonly options: ModelOptions;
  now: number;
  requests: ModelRequest[] = [];
  waiting: ModelRequest[] = [];
  slots: ModelSlot[] = [];
  grants = 0;
  failures = 0;
  down: { phase: 'waiting' | 'probing'; since: number; backoffMs: number } | null = null;

  constructor(options: ModelOptions, now: number) {
    this.options = options;
    this.now = now;
  }

  addRequest(
    question: Omit<ModelRequest, 'arrivedAt' | 'key' | 'preemptions' | 'isCancelled' | 'outcomes'>,
  ): void {
    const { options } = this;
    const request: ModelRequest = {
      ...question,
      arrivedAt: this.now,
      key: this.now,
      preemptions: 0,
      isCancelled: false,
      outcomes: [],
    };
    this.requests.push(request);
    if (this.down) return void request.outcomes.push('breaker_open');
    if (this.#isPastDeadline(request)) return void request.outcomes.push('deadline');
    const isTaken = this.slots.length >= options.concurrency;
    if (isTaken && (request.speculative || this.waiting.length >= options.maxQueue)) {
      return void request.outcomes.push('queue_full');
    }
    const own = this.waiting
      .filter((other) => other.user === request.user && other.priority === request.priority)
      .sort((a, b) => a.id - b.id)
      .at(-1);
    if (own) {
      const shifted = Math.max(this.now, own.key + options.fairShareMs);
      request.key = Math.min(shifted, this.now + options.fairShiftMaxMs);
    }
    this.waiting.push(request);
    this.#serve();
    this.#abortSpeculativeFor(request);
    if (request.priority === 'foreground' && this.waiting.includes(request)) {
      this.#preemptFor(request);
    }
  }

  requeue(request: ModelRequest): void {
    if (request.isCancelled) return void request.outcomes.push('cancelled');
    if (this.down) return void request.outcomes.push('breaker_open');
    if (this.#isPastDeadline(request)) return void request.outcomes.push('deadline');
    this.waiting.push(request);
    this.#serve();
    this.#abortSpeculativeFor(request);
  }

  adopt(slot: ModelSlot): void {
    if (slot.phase === 'running') slot.request.speculative = false;
  }

  cancel(request: ModelRequest): void {
    request.isCancelled = true;
    if (this.waiting.includes(request)) return this.#refuse(request, 'cancelled');
    const slot = this.slots.find((slot) => slot.request === request && slot.phase === 'running');
    if (slot) this.#abort(slot, 'cancelled');
  }

  finish(slot: ModelSlot, result: 'ok' | 'failed' | 'unreachable'): void {
    const counts = slot.phase === 'running' && !slot.request.speculative;
    if (counts) this.failures = result === 'unreachable' ? this.failures + 1 : 0;
    this.slots = this.slots.filter((other) => other !== slot);
    if (!this.down && counts && this.failures >= this.options.failures) {
      this.down = { phase: 'waiting', since: this.now, backoffMs: this.options.probeBackoffMs };
      for (const request of this.order()) this.#refuse(request, 'breaker_open');
    }
    this.#serve();
  }

  startDraining(slot: ModelSlot): void {
    if (slot.phase === 'draining') return;
    slot.phase = 'draining';
    slot.since = this.now;
  }

  drained(slot: ModelSlot): void {
    this.slots = this.slots.filter((other) => other !== slot);
    this.#serve();
  }

  probeFinished(ok: boolean): void {
    if (this.down?.phase !== 'probing') return;
    if (ok) {
      this.down = null;
      this.failures = 0;
    } else {
      const backoffMs = Math.min(this.down.backoffMs * 2, this.options.probeBackoffMaxMs);
      this.down = { phase: 'waiting', since: this.now, backoffMs };
    }
  }

  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = this.#pendingEvents().sort((a, b) => a.at - b.at)[0];
      if (!due || due.at > end) break;
      this.now = due.at;
      due.run();
    }
    this.now = end;
  }

  /** All waiting requests, in the order in which they are granted. */
  order(): ModelRequest[] {
    const inClass = (priority: string) =>
      this.waiting
        .filter((request) => request.priority === priority)
        .sort((a, b) => a.key - b.key || a.id - b.id);
    const people = inClass('foreground');
    const others = inClass('background');
    const order: ModelRequest[] = [];
    while (people.length + others.length > 0) {
      const takesOther = others[0] && (!people[0] || this.#isAged(others[0], people[0]));
      order.push((takesOther ? others : people).shift() as ModelRequest);
    }
    return order;
  }

  #isPastDeadline = (request: ModelRequest): boolean =>
    request.deadlineAt !== null && request.deadlineAt <= this.now;

  #isAged = (background: ModelRequest, foreground: ModelRequest): boolean =>
    background.key + this.options.agingMs < foreground.arrivedAt;

  #refuse(request: ModelRequest, reason: string): void {
    this.waiting = this.waiting.filter((other) => other !== request);
    request.outcomes.push(reason);
  }

  #abort(slot: ModelSlot, reason: string): void {
    slot.phase = 'draining';
    slot.since = this.now;
    slot.request.outcomes.push(`abort:${reason}`);
    if (slot.request.releasesAtOnce) this.finish(slot, 'failed');
  }

  #serve(): void {
    while (!this.down && this.slots.length < this.options.concurrency && this.waiting.length > 0) {
      const request = this.order()[0] as ModelRequest;
      if (this.#isPastDeadline(request)) {
        this.#refuse(request, 'deadline');
        continue;
      }
      this.waiting = this.waiting.filter((other) => other !== request);
      request.outcomes.push('granted');
      this.grants += 1;
      const { now } = this;
      this.slots.push({
        request,
        phase: 'running',
        grantedAt: now,
        since: now,
        fence: this.grants,
      });
    }
  }

  #abortSpeculativeFor(arrived: ModelRequest): void {
    if (!this.waiting.includes(arrived)) return;
    const draining = this.slots.filter((slot) => slot.phase === 'draining').length;
    const victim = this.slots.findLast(
      (slot) => slot.phase === 'running' && slot.request.speculative,
    );
    if (victim && draining < this.waiting.length) this.#preempt(victim);
  }

  #preempt(victim: ModelSlot): void {
    victim.request.preemptions += 1;
    victim.request.key = Math.min(victim.request.key, victim.grantedAt);
    this.#abort(victim, 'preempted');
  }

  #preemptFor(arrived: ModelRequest): void {
    if (!this.options.preemptBackground) return;
    const people = this.waiting.filter((request) => request.priority === 'foreground').length;
    if (this.slots.filter((slot) => slot.phase === 'draining').length >= people) return;
    if (this.order()[0]?.priority === 'background') return;
    const victim = this.slots.findLast(
      ({ phase, request }) =>
        phase === 'running' &&
        request.priority === 'background' &&
        !request.speculative &&
        request.preemptible &&
        request.preemptions < this.options.maxPreemptions &&
        !this.#isAged(request, arrived),
    );
    if (victim) this.#preempt(victim);
  }

  /** The events that the passing of time causes, each with its time. */
  #pendingEvents(): { at: number; run: () => void }[] {
    const { options, down } = this;
    const due: { at: number; run: () => void }[] = [];
    for (const request of this.waiting) {
      const { deadlineAt } = request;
      if (deadlineAt !== null) {
        due.push({ at: deadlineAt, run: () => this.#refuse(request, 'deadline') });
      }
    }
    for (const slot of this.slots) {
      due.push(
        slot.phase === 'draining'
          ? { at: slot.since + options.drainBoundMs, run: () => this.drained(slot) }
          : { at: slot.grantedAt + options.leaseMs, run: () => this.#abort(slot, 'expired') },
      );
    }
    if (down?.phase === 'waiting') {
      const at = down.since + down.backoffMs;
      due.push({ at, run: () => (this.down = { ...down, phase: 'probing', since: at }) });
    } else if (down) {
      due.push({ at: down.since + options.probeBoundMs, run: () => this.probeFinished(false) });
    }
    return due;
  }
}
