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
import type { Author, CallbackQuery, MediaKind, TelegramChat } from '../chat-types.ts';
import type { ShownMessage, ShownUpdate, Snapshot } from '../page-view.ts';
import type { TelegramStatus } from '../telegram-controls.ts';
import type { TelegramRequest } from '../telegram-request.ts';
import { bubble } from './bubble.ts';
import { act } from './do.ts';
import { botPanel, failurePanel } from './panels.ts';

/** Where a user writes: the private chat, a group, or a topic of one. */
interface Place {
  /** Null: the private chat of whoever looks. */
  chatId: number | null;
  threadId: number | null;
}

const users = new UserChoice('fake-telegram-user', draw);
const keyOf = (chatId: number, messageId: number): string => `${chatId}/${messageId}`;

let state: TelegramStatus | null = null;
let offers: Snapshot['offers'] | null = null;
let chats = new Map<number, TelegramChat>();
const messages = new Map<string, ShownMessage>();
/** By message, then by id; a message that never reached the bot has none. */
const updates = new Map<string, Map<string, ShownUpdate>>();
const callbacks = new Map<string, Map<string, CallbackQuery>>();
/** Newest first. */
let requests: TelegramRequest[] = [];
let place: Place = { chatId: null, threadId: null };
/** The message that the next one answers. */
let replyTo: ShownMessage | null = null;

const chatId = (): number => place.chatId ?? users.id;

function nameOf(author: Author): string {
  if (author.kind === 'bot') return state?.bot.firstName ?? '?';
  return state?.users.find(({ id }) => id === author.userId)?.firstName ?? '?';
}

function placeLinks() {
  const link = (to: Place, text: string) => {
    const isOpen = to.chatId === place.chatId && to.threadId === place.threadId;
    const open = (): void => {
      place = to;
      replyTo = null;
      draw();
    };
    return ui`<button type="button" onclick=${open} aria-current=${isOpen ? 'true' : null}>${text}</button>`;
  };
  const groups = [...chats.values()].filter(({ type }) => type !== 'private');
  return [
    link({ chatId: null, threadId: null }, state?.bot.firstName ?? ''),
    ...groups.flatMap(({ id, title, topics }) => [
      link({ chatId: id, threadId: null }, `# ${title}`),
      ...(topics ?? []).map(({ threadId, name }) =>
        link({ chatId: id, threadId }, `# ${title} › ${name}`),
      ),
    ]),
  ];
}

const kindChoice = document.createElement('select');
kindChoice.ariaLabel = 'Send the file as';

/** The form keeps what is being typed: it is always the same. */
const form = composer(
  async ({ text, files }) => {
    const isSent = await act({
      do: 'say',
      userId: users.id,
      chatId: chatId(),
      text,
      files,
      kind: kindChoice.value as MediaKind,
      ...(place.threadId === null ? {} : { threadId: place.threadId }),
      ...(replyTo === null ? {} : { replyTo: replyTo.messageId }),
    });
    if (isSent) replyTo = null;
    draw();
    return isSent;
  },
  { takesSeveral: true },
);

function replyLine() {
  if (replyTo === null) return null;
  const stop = (): void => {
    replyTo = null;
    draw();
  };
  return ui`<p class="replying">
    ${`Reply to ${nameOf(replyTo.author)}: ${replyTo.text.slice(0, 80)}`}
    <button type="button" class="link" onclick=${stop}>No reply</button>
  </p>`;
}

const kindLine = ui`<label class="replying">Send files as <span ref=${(holder: HTMLElement | null) => holder?.replaceChildren(kindChoice)} /></label>`;

function draw(): void {
  if (state === null || offers === null) return;
  render(placeLinks(), element('#places'));
  const [chat, user] = [chatId(), users.id];
  const lines = [...messages.values()]
    .filter(
      (one) => one.chatId === chat && (place.threadId === null || one.threadId === place.threadId),
    )
    .map((message) => line(message, user));
  drawChat(`${user}/${chat}/${place.threadId}`, lines, [replyLine(), kindLine, form]);
  const all = [...chats.values()];
  drawControls({
    title: 'The bot and its chats',
    state,
    settings: botPanel(state, all),
    failures: () => failurePanel(state!, offers!.faults),
    requests,
    rowOf,
  });
}

function line(message: ShownMessage, userId: number) {
  const key = keyOf(message.chatId, message.messageId);
  const original =
    message.replyTo === null ? undefined : messages.get(keyOf(message.chatId, message.replyTo));
  const own = [...(updates.get(key)?.values() ?? [])];
  const presses = [...(callbacks.get(key)?.values() ?? [])];
  const reply = (): void => {
    replyTo = message;
    draw();
  };
  const inputs = [JSON.stringify(message), userId, JSON.stringify([own, presses, original?.text])];
  return memo(key, inputs, () =>
    bubble({ message, original, updates: own, callbacks: presses, userId, nameOf, reply }),
  );
}

function within<T>(into: Map<string, Map<string, T>>, key: string, id: string, value: T): void {
  const all = into.get(key) ?? new Map<string, T>();
  into.set(key, all.set(id, value));
}

function takeState(now: TelegramStatus): void {
  state = now;
  users.offer(now.users.map(({ id, firstName }) => ({ id, name: firstName })));
}

const takeMessage = (one: ShownMessage): void =>
  void messages.set(keyOf(one.chatId, one.messageId), one);

function takeUpdate(update: ShownUpdate): void {
  const { chatId: chat, messageId, updateId, type, atMs } = update;
  if (chat === null || messageId === null) return;
  within(updates, keyOf(chat, messageId), `${updateId ?? `${type} ${atMs}`}`, update);
}

const takeCallback = (one: CallbackQuery): void =>
  within(callbacks, keyOf(one.chatId, one.messageId), one.id, one);

const handlers = {
  snapshot(all: Snapshot): void {
    chats = new Map(all.chats.map((one) => [one.id, one]));
    for (const stored of [messages, updates, callbacks]) stored.clear();
    takeState(all.state);
    if (offers === null)
      kindChoice.append(...all.offers.mediaKinds.map((kind) => new Option(kind)));
    offers = all.offers;
    all.messages.forEach(takeMessage);
    all.updates.forEach(takeUpdate);
    all.callbacks.forEach(takeCallback);
    requests = all.requests.toReversed();
  },
  state: takeState,
  chat: (one: TelegramChat): void => void chats.set(one.id, one),
  message: takeMessage,
  update: takeUpdate,
  callback: takeCallback,
  request: (request: TelegramRequest): void => void (requests = withRequest(requests, request)),
};

follow(handlers, draw);

function rowOf(request: TelegramRequest): TrafficRow {
  const { n, atMs, method, params, fault, outcome, messageId, httpStatus, description } = request;
  const isLost = outcome === 'cut' && messageId !== null;
  const words = outcome === 'cut' ? 'cut' : `${httpStatus} · ${description ?? outcome}`;
  const answer = `${words}${fault === null ? '' : ` (${fault})`}${isLost ? ' sent, answer lost' : ''}`;
  const isBad = outcome !== 'success' && outcome !== 'file';
  return { n, atMs, method, answer, text: params['text'] ?? params['offset'] ?? null, isBad };
}
