/** Sets up the page, stores the data from the server, and draws it. */
import { render } from 'preact';
import { memo, ui, clock } from '#shared/page/ui';
import type { ApiRequest } from '../api-request.ts';
import type { Author, Conversation } from '../chat-types.ts';
import type { Delivery } from '../delivery.ts';
import type { DsmState } from '../dsm-controls.ts';
import type { ShownPost, Snapshot } from '../page-view.ts';
import { bubble } from './bubble.ts';
import { composer, type Place } from './composer.ts';
import { failurePanel, integrationPanel } from './failure-panel.ts';

const userKey = 'fake-dsm-user';
/** If the list of posts is scrolled to within this distance of its end, it scrolls to a new post. */
const nearTheEndPx = 80;

const element = (selector: string): HTMLElement => document.querySelector<HTMLElement>(selector)!;
const userChoice = document.querySelector<HTMLSelectElement>('#user')!;
const connection = element('#connection');

let state: DsmState | null = null;
let conversations = new Map<number, Conversation>();
const posts = new Map<number, ShownPost>();
/** By post, then by their own id. */
const deliveries = new Map<number, Map<number, Delivery>>();
/** Newest first. */
let requests: ApiRequest[] = [];
let place: Place | null = null;
/** The conversation that was drawn last, and who looked at it. */
let drawn = '';

const userId = (): number => Number(userChoice.value);

function nameOf(author: Author): string {
  if (author.kind === 'integration') return author.name;
  return state?.users.find((one) => one.userId === author.userId)?.nickname ?? '?';
}

/** Undefined: nothing was written there yet. */
function conversationId(): number | undefined {
  if (place === null) return undefined;
  if ('channelId' in place) return place.channelId;
  const { bot } = place;
  return [...conversations.values()].find(
    (one) => one.kind === 'direct' && one.bot === bot && one.userId === userId(),
  )?.id;
}

function placeLinks({ integrations }: DsmState) {
  const bots = integrations.filter(({ kind }) => kind === 'bot');
  const channels = [...conversations.values()].filter((one) => one.kind === 'channel');
  place ??= bots[0] ? { bot: bots[0].name } : { channelId: channels[0]?.id ?? 0 };
  const link = (to: Place, text: string) => {
    const isOpen = JSON.stringify(to) === JSON.stringify(place);
    const open = (): void => {
      place = to;
      draw();
    };
    return ui`<button type="button" onclick=${open} aria-current=${isOpen ? 'true' : null}>${text}</button>`;
  };
  return [
    ...bots.map(({ name }) => link({ bot: name }, name)),
    ...channels.map(({ id, name }) => link({ channelId: id }, `# ${name}`)),
  ];
}

const section = (title: string, content: unknown, isOpen: boolean) =>
  ui`<details open=${isOpen}><summary>${title}</summary>${content}</details>`;

/** The form keeps what is being typed: it is always the same. */
const form = composer(() => ({ userId: userId(), place: place! }));

function draw(): void {
  if (state === null) return;
  render(placeLinks(state), element('#places'));
  const list = document.querySelector('.posts');
  const isAtEnd =
    list === null || list.scrollHeight - list.scrollTop - list.clientHeight < nearTheEndPx;
  const id = conversationId();
  const user = userId();
  const lines = [...posts.values()]
    .filter((post) => post.conversationId === id)
    .map((post) => {
      const own = [...(deliveries.get(post.postId)?.values() ?? [])];
      const inputs = [post, user, JSON.stringify(own)];
      return memo(String(post.postId), inputs, () => bubble(post, own, user, nameOf));
    });
  const chat = ui`<ol class="posts" role="log" aria-label="Posts" tabindex="0">${lines}</ol>${form}`;
  render(chat, element('#chat'));
  const key = `${user}/${id ?? 'none'}`;
  const posted = element('.posts');
  if (isAtEnd || key !== drawn) posted.scrollTop = posted.scrollHeight;
  drawn = key;
  const controls = ui`
    ${section('Bots and webhooks', integrationPanel(state), true)}
    ${section(
      'Failures and rules',
      memo('failures', [state], () => failurePanel(state!)),
      true,
    )}
    ${section(
      'Requests',
      memo('requests', [requests], () => trafficPanel(requests)),
      false,
    )}`;
  render(controls, element('#controls'));
}

function takeState(now: DsmState): void {
  state = now;
  if (userChoice.childElementCount > 0) return;
  const options = now.users.map(
    ({ userId: id, nickname }) => ui`<option value=${id}>${nickname} (${id})</option>`,
  );
  render(options, userChoice);
  const stored = sessionStorage.getItem(userKey);
  if (now.users.some((user) => String(user.userId) === stored)) userChoice.value = stored!;
}

function takeDelivery(delivery: Delivery): void {
  const ofPost = deliveries.get(delivery.postId) ?? new Map<number, Delivery>();
  deliveries.set(delivery.postId, ofPost.set(delivery.id, delivery));
}

const takePost = (post: ShownPost): void => void posts.set(post.postId, post);
const takeRequest = (request: ApiRequest): void => {
  requests = [request, ...requests].slice(0, requestsShownMax);
};

const handlers = {
  snapshot(all: Snapshot): void {
    conversations = new Map(all.conversations.map((one) => [one.id, one]));
    deliveries.clear();
    posts.clear();
    takeState(all.state);
    all.deliveries.forEach(takeDelivery);
    all.posts.forEach(takePost);
    requests = all.requests.toReversed();
  },
  state: takeState,
  conversation: (one: Conversation): void => void conversations.set(one.id, one),
  post: takePost,
  delivery: takeDelivery,
  request: takeRequest,
};

userChoice.addEventListener('change', () => {
  sessionStorage.setItem(userKey, userChoice.value);
  draw();
});

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

/** Rows that are shown. */
const requestsShownMax = 100;

const answerOf = ({ outcome, code, httpStatus }: ApiRequest): string => {
  if (outcome === 'error') return `${httpStatus} · code ${code}`;
  return outcome === 'cut' ? 'cut' : `${httpStatus} · ${outcome}`;
};

/** @param requests newest first */
const trafficPanel = (requests: readonly ApiRequest[]) =>
  ui`<div class="traffic">
    <table aria-label="Requests to the API">
      <thead><tr>${['Time', 'Method', 'Answer', 'Text'].map((name) => ui`<th>${name}</th>`)}</tr></thead>
      <tbody>${requests.map(rowOf)}</tbody>
    </table>
  </div>`;

function rowOf(request: ApiRequest) {
  const { n, atMs, method, text, fault, outcome, postIds } = request;
  const isLost = outcome === 'cut' && postIds.length > 0;
  return ui`<tr class=${outcome === 'success' || outcome === 'file' ? '' : 'bad'} key=${n}>
    <td>${clock(atMs)}</td>
    <td>${method}</td>
    <td>${answerOf(request)}${fault && ` (${fault})`}${isLost && ' posted, answer lost'}</td>
    <td class="said">${text}</td>
  </tr>`;
}
