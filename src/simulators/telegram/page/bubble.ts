/** One message as Telegram shows it: formatting, a file, buttons, and what the bot got of it. */
import { clock, ui } from '#shared/page/ui';
import type { Author, CallbackQuery } from '../chat-types.ts';
import type { ShownMessage, ShownUpdate } from '../page-view.ts';
import { act } from './do.ts';
import { formatted } from './formatted.ts';

export interface BubbleParts {
  message: ShownMessage;
  /** The message that it answers. */
  original: ShownMessage | undefined;
  /** About this message, oldest first. */
  updates: readonly ShownUpdate[];
  callbacks: readonly CallbackQuery[];
  /** The user who looks. */
  userId: number;
  nameOf: (author: Author) => string;
  reply: () => void;
}

const updateWords: Record<ShownUpdate['state'], string> = {
  waiting: 'waits for the bot',
  acknowledged: 'the bot has acknowledged it',
  expired: 'the bot did not fetch it in time',
  skipped: 'the bot does not want updates of this type',
};

function updateLine({ updateId, type, state, deliveries }: ShownUpdate, index: number) {
  const times = deliveries > 1 ? ` (sent ${deliveries} times)` : '';
  const isBad = state === 'expired' || state === 'skipped';
  return ui`<li class="delivery ${isBad ? 'bad' : ''}" data-state=${state} key=${index}>
    ${`${type} ${updateId ?? ''}: ${updateWords[state]}${times}`}
  </li>`;
}

function callbackLine({ id, data, answer }: CallbackQuery) {
  const words =
    answer === null
      ? 'no answer yet'
      : answer.text === ''
        ? 'answered'
        : `answered “${answer.text}”`;
  return ui`<li class="delivery" key=${id}>${`Press of “${data}”: ${words}`}</li>`;
}

function keyboardOf({ chatId, messageId, keyboard }: ShownMessage, userId: number) {
  if (keyboard === null) return null;
  const press = (data: string) => () => act({ do: 'press', userId, chatId, messageId, data });
  return ui`<div class="keyboard">
    ${keyboard.map(
      (row) =>
        ui`<div>${row.map(({ text, callbackData, url }) =>
          callbackData === null
            ? ui`<a href=${url} target="_blank" rel="noopener noreferrer">${text}</a>`
            : ui`<button type="button" onclick=${press(callbackData)}>${text}</button>`,
        )}</div>`,
    )}
  </div>`;
}

function editForm({ chatId, messageId, text }: ShownMessage) {
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const changed = form.querySelector('input')!.value;
    void act({ do: 'edit', chatId, messageId, text: changed });
    form.closest('details')!.open = false;
  };
  return ui`<details><summary>Edit</summary>
    <form onsubmit=${save} aria-label="Edit the message">
      <input aria-label="New text" defaultValue=${text} />
      <button type="submit">Save</button>
    </form>
  </details>`;
}

export function bubble(parts: BubbleParts) {
  const { message, original, updates, callbacks, userId, nameOf, reply } = parts;
  const { chatId, messageId, author, atMs, text, media, earlier, isDeleted, extra } = message;
  const isOwn = author.kind === 'user' && author.userId === userId;
  const classes = ['post', isOwn && 'own', isDeleted && 'deleted'].filter(Boolean).join(' ');
  const remove = () => act({ do: 'delete', chatId, messageId });
  return ui`<li class=${classes} data-message=${messageId}>
    <p class="who">
      <b>${nameOf(author)}</b> <time>${clock(atMs)}</time>
      ${earlier.length > 0 && ui`<span title=${earlier.join('\n—\n')}> (edited)</span>`}
      ${isDeleted && ' (deleted)'}
    </p>
    ${original && ui`<p class="reply">${nameOf(original.author)}: ${original.text}</p>`}
    ${media && ui`<p><a href="/files/${media.fileId}">📎 ${media.name}</a> ${media.kind}, ${media.bytes} bytes</p>`}
    ${text !== '' && ui`<div class="text">${formatted(text, message.entities)}</div>`}
    ${extra && ui`<p class="note">${JSON.stringify(extra)}</p>`}
    ${!isDeleted && keyboardOf(message, userId)}
    ${updates.length + callbacks.length > 0 && ui`<ul>${[...updates.map(updateLine), ...callbacks.map(callbackLine)]}</ul>`}
    ${
      !isDeleted &&
      ui`<div class="actions">
      <button type="button" class="link" onclick=${reply}>Reply</button>
      ${isOwn && editForm(message)}
      <button type="button" class="link" onclick=${remove}>Delete</button>
    </div>`
    }
  </li>`;
}
