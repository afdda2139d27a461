/**
 * Stately's protocol in the page: actors of other programs (over the socket, or from the window that opened this page),
 * and, only on request, our own jobs without their texts, forwarded to the viewer that Stately hosts.
 */
import { clock, memo, ui, View, written } from '#shared/page/ui';
import type { ExternalMessage } from '../page-messages.ts';
import { hidesTexts } from './api.ts';
import { protocolsFor, socketAddress } from './connection.ts';
import { stateName, json } from './format.ts';

const hostedViewer = 'https://stately.ai/inspect';
/** Maximum number of rows in the document; actors that have ended are removed first, then those silent the longest. */
const actorsMax = 200;
/** Events shown per actor. */
const eventsMax = 10;
/** Messages buffered until the hosted viewer reports that it is ready. */
const heldMax = 200;

interface Actor {
  key: string;
  /** Counts the actors; the order of the rows. */
  n: number;
  name: string;
  snapshot: ExternalMessage['snapshot'];
  events: { type: string; createdAt: string | undefined }[];
  /** Counts the messages. */
  changes: number;
  /** Its snapshot is shown. */
  isOpen: boolean;
}

export class StatelyView extends View {
  /** In the order of their latest messages. */
  readonly #actors = new Map<string, Actor>();
  #n = 0;
  #isCut = false;
  #stopForwarding: (() => void) | null = null;
  #state = '';

  constructor() {
    super(ui`<section class="stately-view" aria-label="Stately" tabindex="-1" />`);
    this.draw();
  }

  take({ peer, message }: { peer: number | string; message: ExternalMessage }): void {
    const { sessionId = '?', snapshot, event, createdAt } = message;
    const key = `${peer}/${sessionId}`;
    const actor = this.#actors.get(key) ?? this.#newActor(key, sessionId);
    this.#actors.delete(key);
    this.#actors.set(key, actor);
    actor.changes += 1;
    if (message.type === '@xstate.actor') actor.name = message.name ?? actor.name;
    if (snapshot !== undefined) actor.snapshot = snapshot;
    if (message.type === '@xstate.event')
      actor.events = [...actor.events, { type: event?.type ?? '?', createdAt }].slice(-eventsMax);
    if (this.#actors.size > actorsMax) this.#forgetOne();
    this.drawSoon();
  }

  #newActor(key: string, name: string): Actor {
    this.#n += 1;
    return { key, n: this.#n, name, snapshot: undefined, events: [], changes: 0, isOpen: false };
  }

  /** For example when texts are hidden or shown again. */
  clear(): void {
    this.#actors.clear();
    this.#isCut = false;
    this.draw();
  }

  #forgetOne(): void {
    const all = [...this.#actors.values()];
    const isEnded = ({ snapshot }: Actor): boolean =>
      ['done', 'error', 'stopped'].includes(snapshot?.status ?? '');
    this.#actors.delete((all.find(isEnded) ?? all[0]!).key);
    this.#isCut = true;
  }

  protected content() {
    const actors = [...this.#actors.values()].sort((one, other) => one.n - other.n);
    const isForwarding = this.#stopForwarding !== null;
    const turn = (): void => (isForwarding ? this.#stopForwarding?.() : this.#start());
    return ui`
      <h2>Other actors</h2>
      <p class="note" hidden=${actors.length > 0}>
        No other program tells about its actors. Point createWebSocketInspector at ${socketAddress()}, or createBrowserInspector at ${location.origin}/inspect.
      </p>
      <ol class="guests" aria-label="Actors of other programs">
        ${actors.map((actor) => memo(actor.key, [actor, actor.changes, actor.isOpen], () => this.#rowOf(actor)))}
      </ol>
      <p class="note" hidden=${!this.#isCut}>Only ${actorsMax} actors are shown.</p>
      <h2>Stately’s own inspector</h2>
      <p class="note">Opens stately.ai in a new window and sends it the states of all running jobs. Messages, answers and names are replaced by their length first. Off until you press the button, and off again when you leave the page.</p>
      <button type="button" onclick=${turn}>${isForwarding ? 'Stop forwarding' : 'Forward to the hosted viewer'}</button>
      <p role="status" class="note">${this.#state}</p>`;
  }

  /** The snapshot is drawn only while it is open. */
  #rowOf(actor: Actor) {
    const { key, name, snapshot, events, isOpen } = actor;
    const toggle = ({ currentTarget }: { currentTarget: HTMLDetailsElement }): void => {
      actor.isOpen = currentTarget.open;
      this.draw();
    };
    return ui`<li data-actor=${key}>
      <h3>${written(name)} <span class="pill busy">${stateName(snapshot?.value ?? snapshot?.status ?? '?')}</span></h3>
      <details ontoggle=${toggle}><summary>Snapshot</summary>${isOpen && json(snapshot ?? null)}</details>
      <ol class="guest-events">
        ${events.map(({ type, createdAt }) => ui`<li>${clock(Number(createdAt))} ${type}</li>`)}
      </ol>
    </li>`;
  }

  /** The window that opened this page as its inspector sends its messages after `@statelyai.connected`. */
  receive(): void {
    const opener = window.opener as Window | null;
    if (opener === null || opener === window) return;
    addEventListener('message', ({ source, data }: MessageEvent<unknown>) => {
      const message = (typeof data === 'string' ? parsed(data) : data) as ExternalMessage | null;
      if (source !== opener || !String(message?.type).startsWith('@xstate.')) return;
      if (message === null || !isShowable(message)) return;
      this.take({ peer: 'opener', message: hidesTexts() ? withoutTexts(message) : message });
    });
    opener.postMessage({ type: '@statelyai.connected' }, '*');
    addEventListener('pagehide', () =>
      opener.postMessage({ type: '@statelyai.disconnected' }, '*'),
    );
  }

  #start(): void {
    const viewer = window.open(hostedViewer, 'gatehouse-stately');
    this.#state =
      viewer === null ? 'The browser did not open a window.' : 'Waiting for the viewer.';
    if (viewer !== null) this.#forwardTo(viewer);
    this.draw();
  }

  #forwardTo(viewer: Window): void {
    const { origin } = new URL(hostedViewer);
    const held: unknown[] = [];
    let isThere = false;
    const socket = new WebSocket(socketAddress(), protocolsFor('gatehouse.redacted'));
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(data as string) as unknown;
      if (isThere) viewer.postMessage(message, origin);
      else if (held.length < heldMax) held.push(message);
    });
    const onReady = ({ source, data }: MessageEvent<{ type?: string } | null>): void => {
      if (source !== viewer || data?.type !== '@statelyai.connected') return;
      isThere = true;
      for (const message of held.splice(0)) viewer.postMessage(message, origin);
      this.#state = 'Forwarding, without texts.';
      this.draw();
    };
    addEventListener('message', onReady);
    this.#stopForwarding = () => {
      socket.close();
      removeEventListener('message', onReady);
      this.#stopForwarding = null;
      this.#state = '';
      this.draw();
    };
  }
}

/** Messages of the opener do not pass through the core, which else hides texts. */
const withoutTexts = ({ snapshot, event, ...rest }: ExternalMessage): ExternalMessage => ({
  ...rest,
  ...(snapshot && { snapshot: { value: snapshot.value, status: snapshot.status ?? '?' } }),
  ...(event && { event: { type: event.type ?? '?' } }),
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A window may send cyclic or extremely nested data. */
function isShowable(message: unknown): boolean {
  try {
    return JSON.stringify(message) !== undefined;
  } catch {
    return false;
  }
}
