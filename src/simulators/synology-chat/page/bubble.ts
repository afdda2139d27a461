/** One post as Chat shows it: text with links, buttons, a file, and the state of its delivery to the bridge. */
import type { VNode } from 'preact';
import { clock, ui } from '#shared/page/ui';
import type { Attachment, Author } from '../chat-types.ts';
import type { Delivery } from '../delivery.ts';
import type { ShownPost } from '../page-view.ts';
import { act } from './do.ts';

const failed = 'Failed to send a request to the bot server';

/** Chat's link syntax, `<https://…|label>` and `<https://…>`; the rest is text. */
function withLinks(text: string): (string | VNode)[] {
  const parts: (string | VNode)[] = [];
  let at = 0;
  for (const match of text.matchAll(/<(https?:\/\/[^\s|>]+)(?:\|([^>\n]*))?>/g)) {
    const [whole, url = '', label] = match;
    parts.push(text.slice(at, match.index));
    parts.push(ui`<a href=${url} target="_blank" rel="noopener noreferrer">${label || url}</a>`);
    at = match.index + whole.length;
  }
  return [...parts, text.slice(at)];
}

function words({ state, status, problem }: Delivery): string {
  switch (state) {
    case 'waiting':
      return 'waiting to be sent';
    case 'sending':
      return 'sending';
    case 'answered':
      return `the bridge answered ${status}`;
    case 'sulking':
      return `${failed} (not sent: an earlier request failed)`;
    case 'unaddressed':
      return 'not sent: this bot has no URL';
    default:
      return problem ?? failed;
  }
}

function deliveryLine(delivery: Delivery) {
  const { id, state, integration, kind, isDuplicate, endedAtMs } = delivery;
  const isBad = !['waiting', 'sending', 'answered'].includes(state);
  const what = kind === 'click' ? 'Click' : isDuplicate ? 'Sent again' : 'Message';
  const save = () => act({ do: 'saveUrl', integration });
  const again = () => act({ do: 'redeliver', deliveryId: id });
  return ui`<li class="delivery ${isBad ? 'bad' : ''}" data-state=${state} key=${id}>
    ${`${what} → ${integration}: ${words(delivery)} `}
    ${state === 'sulking' && ui`<button type="button" onclick=${save}>Save the URL again</button>`}
    ${endedAtMs !== null && ui`<button type="button" class="link" onclick=${again}>Send again</button>`}
  </li>`;
}

function attachmentBox(postId: number, { text, actions }: Attachment, userId: number) {
  const press = (value: string) => () => act({ do: 'press', userId, postId, value });
  return ui`<div class="attachment">
    ${text !== '' && ui`<p>${withLinks(text)}</p>`}
    <div class="chat-buttons">
      ${actions.map(
        (one) =>
          ui`<button type="button" class="chat-button ${one.style}" onclick=${press(one.value)}>${one.text}</button>`,
      )}
    </div>
  </div>`;
}

/** @param deliveries of this post @param userId the user who looks */
export function bubble(
  post: ShownPost,
  deliveries: readonly Delivery[],
  userId: number,
  nameOf: (author: Author) => string,
) {
  const { postId, author, atMs, text, file, earlier, attachments } = post;
  const isOwn = author.kind === 'user' && author.userId === userId;
  return ui`<li class="post ${isOwn ? 'own' : ''}" data-post=${postId}>
    <p class="who">
      <b>${nameOf(author)}</b> <time>${clock(atMs)}</time>
      ${earlier.length > 0 && ui`<span title=${earlier.join('\n—\n')}> (changed)</span>`}
    </p>
    ${text !== '' && ui`<p class="text">${withLinks(text)}</p>`}
    ${file && ui`<p><a href="/files/${postId}">📎 ${file.name}</a> ${file.bytes} bytes</p>`}
    ${attachments.map((one) => attachmentBox(postId, one, userId))}
    ${deliveries.length > 0 && ui`<ul class="deliveries">${deliveries.map(deliveryLine)}</ul>`}
  </li>`;
}
