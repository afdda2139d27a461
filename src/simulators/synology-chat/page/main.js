/** Sets up the page and stores the data from the server. */
import { ChatPanel } from './chat-panel.js';
import { createComposer } from './composer.js';
import { h, show } from './dom.js';
import { FailurePanel } from './failure-panel.js';
import { IntegrationPanel } from './integration-panel.js';
import { TrafficPanel } from './traffic-panel.js';

const userKey = 'fake-dsm-user';
const userChoice = document.querySelector('#user');
const connection = document.querySelector('#connection');

const world = {
  state: null,
  conversations: new Map(),
  posts: new Map(),
  deliveries: new Map(),
  userId: () => Number(userChoice.value),
  nameOf: (author) =>
    author.kind === 'integration'
      ? author.name
      : (world.state.users.find((one) => one.userId === author.userId)?.nickname ?? '?'),
  deliveriesOf: (postId) => [...(world.deliveries.get(postId)?.values() ?? [])],
};

const chat = new ChatPanel(document.querySelector('#places'), world);
const failures = new FailurePanel();
const integrations = new IntegrationPanel();
const traffic = new TrafficPanel();
const composer = createComposer({ userId: world.userId, place: () => chat.place });

const section = (title, content, isOpen) =>
  h('details', { open: isOpen }, h('summary', {}, title), content);
show(document.querySelector('#chat'), chat.element, composer);
show(
  document.querySelector('#controls'),
  section('Bots and webhooks', integrations.element, true),
  section('Failures and rules', failures.element, true),
  section('Requests', traffic.element, false),
);

function takeState(state) {
  world.state = state;
  if (userChoice.childElementCount === 0) {
    const options = state.users.map((user) =>
      h('option', { value: user.userId }, `${user.nickname} (${user.userId})`),
    );
    show(userChoice, ...options);
    const stored = sessionStorage.getItem(userKey);
    if (state.users.some((user) => String(user.userId) === stored)) userChoice.value = stored;
  }
  failures.draw(state);
  integrations.draw(state);
  chat.draw();
}

function takeDelivery(delivery) {
  const ofPost = world.deliveries.get(delivery.postId) ?? new Map();
  world.deliveries.set(delivery.postId, ofPost.set(delivery.id, delivery));
}

function takePost(post) {
  world.posts.set(post.postId, post);
  chat.take(post);
}

function redraw(postId) {
  const post = world.posts.get(postId);
  if (post !== undefined) chat.take(post);
}

const handlers = {
  snapshot({ state, conversations, posts, deliveries, requests }) {
    world.conversations = new Map(conversations.map((one) => [one.id, one]));
    world.deliveries.clear();
    world.posts.clear();
    for (const delivery of deliveries) takeDelivery(delivery);
    takeState(state);
    for (const post of posts) takePost(post);
    traffic.clear();
    for (const request of requests) traffic.take(request);
  },
  state: takeState,
  conversation(conversation) {
    world.conversations.set(conversation.id, conversation);
    chat.draw();
  },
  post: takePost,
  delivery(delivery) {
    takeDelivery(delivery);
    redraw(delivery.postId);
  },
  request: (request) => traffic.take(request),
};

userChoice.addEventListener('change', () => {
  sessionStorage.setItem(userKey, userChoice.value);
  chat.draw();
});

const events = new EventSource('/events');
for (const [name, handle] of Object.entries(handlers)) {
  events.addEventListener(name, ({ data }) => handle(JSON.parse(data)));
}
events.addEventListener('open', () => {
  connection.textContent = 'live';
  connection.classList.remove('lost');
});
events.addEventListener('error', () => {
  connection.textContent = 'connection lost, trying again';
  connection.classList.add('lost');
});
