/**
 * Shows a running job in a terminal: stages and notices on stderr, the answer on stdout as it is streamed, so that only
 * the answer is piped.
 */
import type { StateEvent, TokenChunk } from '#shared/wire/state-event';
import { replyOffers } from '#machines/job-types';
import { localeOf, textsOf } from '#machines/texts';
import { finalStates, jobStateRows } from '#machines/job-states';
import { chatTexts, type ChatTexts } from './chat-texts.ts';
import type { FollowListener } from '#http/client/core-client';
import { sanitizeForTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';

const stages = new Map(jobStateRows.map(({ name, stage }) => [name, stage]));

export class ChatView implements FollowListener {
  outcome: string | null = null;
  /** The part of the answer on the screen, in its current run of text. */
  #shown = '';
  readonly #terminal: Terminal;
  readonly #startedAt: number;
  readonly #texts: ChatTexts;

  constructor(terminal: Terminal, startedAt: number, texts: ChatTexts = chatTexts('en')) {
    this.#terminal = terminal;
    this.#startedAt = startedAt;
    this.#texts = texts;
  }

  lost(): void {
    this.#breakLine();
    this.#stage('!', 'lost', this.#texts.lost);
  }

  /** The job has ended: the next output begins on a new line. */
  end(): void {
    this.#breakLine();
  }

  token({ off, content }: TokenChunk): void {
    if (!this.#terminal.isLive) return;
    // A different offset: the answer starts again, from another model or after a restart.
    if (off !== this.#shown.length) this.#breakLine();
    if (off !== this.#shown.length) return;
    this.#shown += content;
    this.#terminal.out(this.#safe(content));
  }

  event({ type, data, job_id: jobId }: StateEvent): void {
    switch (type) {
      case 'ack':
        this.#stage('✓', 'accepted', `${String(data['message'])}  ${jobId}`);
        break;
      case 'state':
        this.#state(data);
        break;
      case 'processing':
        if (this.#shown === '') this.#stage('…', 'working', noteOf(data));
        break;
      case 'error':
        this.#breakLine();
        this.#stage(
          '!',
          'trouble',
          `${String(data['message'])} (${String(data['error_detail'] ?? data['error_reason'] ?? data['code'])})`,
        );
        break;
      case 'result':
        this.#answer(String(data['content']));
        break;
      case 'done':
        this.outcome = String(data['outcome']);
        this.#stage('✓', this.outcome, `${((Date.now() - this.#startedAt) / 1000).toFixed(1)} s`);
        this.#offers(data);
        break;
      case 'cancelled':
        this.outcome = 'cancelled';
        this.#answer(String(data['reply']));
        this.#stage('✗', 'cancelled', this.#texts.by(String(data['by'])));
        break;
      case 'rewrite':
        break;
    }
  }

  /** What a chat shows as buttons, as the words that mean the same. */
  #offers({ offers, reply }: Record<string, unknown>): void {
    const texts = textsOf(localeOf(String(reply))).offers;
    for (const offer of replyOffers) {
      if (!Array.isArray(offers) || !offers.includes(offer)) continue;
      const { label, words } = texts[offer];
      this.#stage('↩', label, this.#texts.say(words));
    }
  }

  #state(data: Record<string, unknown>): void {
    const to = String(data['to']);
    if (finalStates.has(to)) return;
    this.#breakLine();
    const decision = data['decision'] as { action: string; by: string } | undefined;
    const reason = data['reason'] === undefined ? '' : `because of ${String(data['reason'])}`;
    this.#stage(
      '→',
      stages.get(to) ?? to,
      decision ? `${decision.action} (${decision.by})` : reason,
    );
  }

  #answer(content: string): void {
    const isShown = this.#shown.trim() === content.trim();
    this.#breakLine();
    if (!isShown) this.#terminal.out(`${this.#safe(content)}\n`);
  }

  /** A pipe or a file gets the text unchanged. */
  #safe(text: string): string {
    return this.#terminal.isLive ? sanitizeForTerminal(text) : text;
  }

  #breakLine(): void {
    if (this.#shown !== '' && !this.#shown.endsWith('\n')) this.#terminal.out('\n');
    this.#shown = '';
  }

  #stage(mark: string, name: string, note: string): void {
    const line = this.#safe(`${mark} ${name.padEnd(9)} ${note}`.trimEnd());
    this.#terminal.err(this.#terminal.isColoured ? `\u001b[2m${line}\u001b[22m\n` : `${line}\n`);
  }
}

function noteOf(data: Record<string, unknown>): string {
  const queue = data['queue'] as { position: number; etaMs: number | null } | undefined;
  if (queue === undefined) return String(data['message']);
  const eta = queue.etaMs === null ? '' : `, about ${Math.ceil(queue.etaMs / 1000)} s`;
  return `${String(data['message'])} [place ${queue.position}${eta}]`;
}
