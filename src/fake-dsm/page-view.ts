/** What the page is told: the same facts as in process, without the bytes of files. */
import type { Post } from './chat.ts';
import type { DsmControls } from './fake-dsm.ts';
import type { Happening } from './feed.ts';

/** A page that opens late gets this much of the past. */
const postsShownMax = 500;
const requestsShownMax = 100;

const withoutContent = ({ file, ...post }: Post) => ({
  ...post,
  file: file === null ? null : { name: file.name, bytes: file.content.length },
});

export function snapshotOf(controls: DsmControls) {
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

export function wireForm(controls: DsmControls, happening: Happening): unknown {
  switch (happening.type) {
    case 'post':
      return withoutContent(happening.post);
    case 'conversation':
      return happening.conversation;
    case 'delivery':
      return happening.delivery;
    case 'request':
      return happening.request;
    case 'state':
      return controls.state();
    default:
      throw happening satisfies never;
  }
}
