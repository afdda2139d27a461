/** Sets up the page, stores the data from the server, and draws it. */
import { render } from 'preact';
import { memo, ui } from '#shared/page/ui';
import { composer } from '../../page/composer.ts';
import {
  drawChat,
  drawControls,
  element,
  follow,
  UserChoice,
  withRequest,
  type TrafficRow,
} from '../../page/live-page.ts';
import type { ApiRequest } from '../api-request.ts';
import type { Author, Conversation } from '../chat-types.ts';
import type { Delivery } from '../delivery.ts';
import type { DsmState } from '../dsm-controls.ts';
import type { ShownPost, Snapshot } from '../page-view.ts';
import { bubble } from './bubble.ts';
import { act } from './do.ts';
import { failurePanel, integrationPanel } from './failure-panel.ts';

/** Where a user can write: a bot (its conversation may not exist yet) or a channel. */
type Place = { bot: string } | { channelId: number };

const users = new UserChoice('fake-dsm-user', draw);
let state: DsmState | null = null;
let conversations = new Map<number, Conversation>();
const posts = new Map<number, ShownPost>();
/** By post, then by their own id. */
const deliveries = new Map<number, Map<number, Delivery>>();
/** Newest first. */
let requests: ApiRequest[] = [];
let place: Place | null = null;

const userId = (): number => users.id;

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

/** The form keeps what is being typed: it is always the same. */
const form = composer(({ text, files: [file] }) =>
  act({ do: 'say', userId: userId(), text, ...place!, ...(file === undefined ? {} : { file }) }),
);

function draw(): void {
  if (state === null) return;
  render(placeLinks(state), element('#places'));
  const id = conversationId();
  const user = userId();
  const lines = [...posts.values()]
    .filter((post) => post.conversationId === id)
    .map((post) => {
      const own = [...(deliveries.get(post.postId)?.values() ?? [])];
      const inputs = [post, user, JSON.stringify(own)];
      return memo(String(post.postId), inputs, () => bubble(post, own, user, nameOf));
    });
  drawChat(`${user}/${id ?? 'none'}`, lines, form);
  drawControls({
    title: 'Bots and webhooks',
    state,
    settings: integrationPanel(state),
    failures: () => failurePanel(state!),
    requests,
    rowOf,
  });
}

function takeState(now: DsmState): void {
  state = now;
  users.offer(now.users.map((user) => ({ id: user.userId, name: user.nickname })));
}

function takeDelivery(delivery: Delivery): void {
  const ofPost = deliveries.get(delivery.postId) ?? new Map<number, Delivery>();
  deliveries.set(delivery.postId, ofPost.set(delivery.id, delivery));
}

const takePost = (post: ShownPost): void => void posts.set(post.postId, post);
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
  request: (request: ApiRequest): void => void (requests = withRequest(requests, request)),
};

follow(handlers, draw);

const answerOf = ({ outcome, code, httpStatus }: ApiRequest): string => {
  if (outcome === 'error') return `${httpStatus} · code ${code}`;
  return outcome === 'cut' ? 'cut' : `${httpStatus} · ${outcome}`;
};

function rowOf(request: ApiRequest): TrafficRow {
  const { n, atMs, method, text, fault, outcome, postIds } = request;
  const isLost = outcome === 'cut' && postIds.length > 0;
  const answer = `${answerOf(request)}${fault === null ? '' : ` (${fault})`}${isLost ? ' posted, answer lost' : ''}`;
  const isBad = outcome !== 'success' && outcome !== 'file';
  return { n, atMs, method, answer, text, isBad };
}
