/** One post as Chat shows it: text with links, buttons, a file, and the state of its delivery to the bridge. */
import { act } from './act.js';
import { clock, h } from './dom.js';

const failed = 'Failed to send a request to the bot server';

/** Chat's link syntax, `<https://…|label>` and `<https://…>`; the rest is text. @param {string} text */
function withLinks(text) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(/<(https?:\/\/[^\s|>]+)(?:\|([^>\n]*))?>/g)) {
    const [whole, url, label] = match;
    parts.push(text.slice(at, match.index));
    parts.push(
      h('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, label ? label : url),
    );
    at = match.index + whole.length;
  }
  return [...parts, text.slice(at)];
}

/** @param {any} delivery @returns {string} */
function words(delivery) {
  switch (delivery.state) {
    case 'waiting':
      return 'waiting to be sent';
    case 'sending':
      return 'sending';
    case 'answered':
      return `the bridge answered ${delivery.status}`;
    case 'sulking':
      return `${failed} (not sent: an earlier request failed)`;
    case 'unaddressed':
      return 'not sent: this bot has no URL';
    default:
      return delivery.problem ?? failed;
  }
}

function deliveryLine(delivery) {
  const isBad = !['waiting', 'sending', 'answered'].includes(delivery.state);
  const what =
    delivery.kind === 'click' ? 'Click' : delivery.isDuplicate ? 'Sent again' : 'Message';
  return h(
    'li',
    { class: isBad ? 'delivery bad' : 'delivery', 'data-state': delivery.state },
    `${what} → ${delivery.integration}: ${words(delivery)} `,
    delivery.state === 'sulking' &&
      h(
        'button',
        {
          type: 'button',
          onclick: () => act({ do: 'saveUrl', integration: delivery.integration }),
        },
        'Save the URL again',
      ),
    delivery.endedAtMs !== null &&
      h(
        'button',
        {
          type: 'button',
          class: 'link',
          onclick: () => act({ do: 'redeliver', deliveryId: delivery.id }),
        },
        'Send again',
      ),
  );
}

function attachmentBox(post, attachment, userId) {
  const buttons = attachment.actions.map((action) =>
    h(
      'button',
      {
        type: 'button',
        class: `chat-button ${action.style}`,
        onclick: () =>
          act({ do: 'press', userId: userId(), postId: post.postId, value: action.value }),
      },
      action.text,
    ),
  );
  return h(
    'div',
    { class: 'attachment' },
    attachment.text !== '' && h('p', {}, withLinks(attachment.text)),
    h('div', { class: 'chat-buttons' }, buttons),
  );
}

/**
 * @param {any} post @param {any[]} deliveries of this post
 * @param {{ nameOf(author: any): string, userId(): number }} world
 */
export function bubble(post, deliveries, world) {
  const isOwn = post.author.kind === 'user' && post.author.userId === world.userId();
  return h(
    'li',
    { class: isOwn ? 'post own' : 'post', 'data-post': post.postId },
    h(
      'p',
      { class: 'who' },
      h('b', {}, world.nameOf(post.author)),
      ' ',
      h('time', {}, clock(post.atMs)),
      post.earlier.length > 0 && h('span', { title: post.earlier.join('\n—\n') }, ' (changed)'),
    ),
    post.text !== '' && h('p', { class: 'text' }, withLinks(post.text)),
    post.file &&
      h(
        'p',
        {},
        h('a', { href: `/files/${post.postId}` }, `📎 ${post.file.name}`),
        ` ${post.file.bytes} bytes`,
      ),
    post.attachments.map((attachment) => attachmentBox(post, attachment, world.userId)),
    deliveries.length > 0 && h('ul', { class: 'deliveries' }, deliveries.map(deliveryLine)),
  );
}
