/** What the pages of the simulators have in common: who looks, the connection, sections, the table of requests. */
import { render, type ComponentChildren } from 'preact';
import { clock, memo, ui } from '#shared/page/ui';

export const element = (selector: string): HTMLElement =>
  document.querySelector<HTMLElement>(selector)!;

/** Calls the handler of each event of the server with its data, then `draw`. */
export function follow(
  handlers: Readonly<Record<string, (value: never) => void>>,
  draw: () => void,
): void {
  const connection = element('#connection');
  const events = new EventSource('/events');
  for (const [name, handle] of Object.entries(handlers)) {
    events.addEventListener(name, ({ data }: MessageEvent<string>) => {
      (handle as (value: unknown) => void)(JSON.parse(data));
      draw();
    });
  }
  events.addEventListener('open', () => {
    connection.textContent = 'live';
    connection.classList.remove('lost');
  });
  events.addEventListener('error', () => {
    connection.textContent = 'connection lost, trying again';
    connection.classList.add('lost');
  });
}

/** The choice of the user whose eyes the page has; it is kept for the tab. */
export class UserChoice {
  readonly #select = document.querySelector<HTMLSelectElement>('#user')!;
  readonly #key: string;

  /** @param key of the browser's storage */
  constructor(key: string, changed: () => void) {
    this.#key = key;
    this.#select.addEventListener('change', () => {
      sessionStorage.setItem(key, this.#select.value);
      changed();
    });
  }

  get id(): number {
    return Number(this.#select.value);
  }

  /** Only the first list counts: users do not change. */
  offer(users: readonly { id: number; name: string }[]): void {
    if (this.#select.childElementCount > 0) return;
    render(
      users.map(({ id, name }) => ui`<option value=${id}>${name} (${id})</option>`),
      this.#select,
    );
    const stored = sessionStorage.getItem(this.#key);
    if (users.some(({ id }) => String(id) === stored)) this.#select.value = stored!;
  }
}

const section = (title: string, content: unknown, isOpen: boolean) =>
  ui`<details open=${isOpen}><summary>${title}</summary>${content}</details>`;

/** If the list of posts is scrolled to within this distance of its end, it scrolls to a new post. */
const nearTheEndPx = 80;
let drawn = '';

/** Draws the chat; @param key of the conversation and who looks: another one is shown from its end */
export function drawChat(key: string, lines: unknown, form: unknown): void {
  const list = document.querySelector('.posts');
  const isAtEnd =
    list === null || list.scrollHeight - list.scrollTop - list.clientHeight < nearTheEndPx;
  const chat = ui`<ol class="posts" role="log" aria-label="Posts" tabindex="0">${lines}</ol>${form}`;
  render(chat, element('#chat'));
  const posted = element('.posts');
  if (isAtEnd || key !== drawn) posted.scrollTop = posted.scrollHeight;
  drawn = key;
}

/** Requests that are shown, newest first. */
const requestsShownMax = 100;

export const withRequest = <R>(requests: readonly R[], request: R): R[] =>
  [request, ...requests].slice(0, requestsShownMax);

export interface TrafficRow {
  n: number;
  atMs: number;
  method: string;
  answer: string;
  text: string | null;
  isBad: boolean;
}

const trafficPanel = (rows: readonly TrafficRow[]) =>
  ui`<div class="traffic">
    <table aria-label="Requests to the API">
      <thead><tr>${['Time', 'Method', 'Answer', 'Text'].map((name) => ui`<th>${name}</th>`)}</tr></thead>
      <tbody>${rows.map(trafficRow)}</tbody>
    </table>
  </div>`;

const trafficRow = ({ n, atMs, method, answer, text, isBad }: TrafficRow) =>
  ui`<tr class=${isBad ? 'bad' : ''} key=${n}>
    <td>${clock(atMs)}</td>
    <td>${method}</td>
    <td>${answer}</td>
    <td class="said">${text}</td>
  </tr>`;

export interface SimulatorPanels<State, R> {
  /** Of the first section. */
  title: string;
  state: State;
  /** The content of the first section. */
  settings: ComponentChildren;
  /** Drawn again only for another state. */
  failures(): ComponentChildren;
  /** Newest first; drawn again only if it is another list. */
  requests: readonly R[];
  rowOf(request: R): TrafficRow;
}

/** Draws the sections beside the chat. */
export function drawControls<State, R>(panels: SimulatorPanels<State, R>): void {
  const { title, state, settings, failures, requests } = panels;
  const traffic = memo('requests', [requests], () => trafficPanel(requests.map(panels.rowOf)));
  const controls = ui`
    ${section(title, settings, true)}
    ${section('Failures and rules', memo('failures', [state], failures), true)}
    ${section('Requests', traffic, false)}`;
  render(controls, element('#controls'));
}
