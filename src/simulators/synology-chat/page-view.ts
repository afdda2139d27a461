/** The data for the page: the same objects as in process, without file contents. */
import { join } from 'node:path';
import type { PagePort } from '../page-server.ts';
import type { Post } from './chat-types.ts';
import type { DsmControls } from './dsm-controls.ts';
import type { SimulatorEvent } from './simulator-event.ts';
import { performAction } from './page-actions.ts';

/** A page that opens later gets this much of the history. */
const postsShownMax = 500;
const requestsShownMax = 100;

/** A post as the page gets it. */
export type ShownPost = ReturnType<typeof withoutContent>;
export type Snapshot = ReturnType<typeof snapshotOf>;

const withoutContent = ({ file, ...post }: Post) => ({
  ...post,
  file: file === null ? null : { name: file.name, bytes: file.content.length },
});

export const pagePort = (controls: DsmControls): PagePort<SimulatorEvent> => ({
  folder: join(import.meta.dirname, 'page'),
  perform: (action) => performAction(controls, action),
  snapshot: () => snapshotOf(controls),
  toWire: (event) => toWire(controls, event),
  subscribe: (listener) => controls.subscribe(listener),
  fileOf: (id) => controls.posts().find((post) => post.postId === Number(id))?.file ?? null,
});

function snapshotOf(controls: DsmControls) {
  const posts = controls.posts().slice(-postsShownMax);
  const shown = new Set(posts.map((post) => post.postId));
  return {
    state: controls.state(),
    conversations: controls.conversations(),
    posts: posts.map(withoutContent),
    deliveries: controls.deliveries().filter((one) => shown.has(one.postId)),
    requests: controls.requests().slice(-requestsShownMax),
  };
}

function toWire(controls: DsmControls, event: SimulatorEvent): unknown {
  switch (event.type) {
    case 'post':
      return withoutContent(event.post);
    case 'conversation':
      return event.conversation;
    case 'delivery':
      return event.delivery;
    case 'request':
      return event.request;
    case 'state':
      return controls.state();
    default:
      throw event satisfies never;
  }
}
