/** The data for the page: the same objects as in process, without file contents. */
import { join } from 'node:path';
import type { PagePort } from '../page-server.ts';
import { mediaKinds, type Message } from './chat-types.ts';
import { namedFaults } from './faults.ts';
import { performAction } from './page-actions.ts';
import type { TelegramControls } from './telegram-controls.ts';
import type { TelegramEvent } from './telegram-event.ts';
import type { UpdateRecord } from './update-queue.ts';

/** A page that opens later gets this much of the history. */
const messagesShownMax = 500;
const requestsShownMax = 100;

/** A message as the page gets it. */
export type ShownMessage = ReturnType<typeof withoutContent>;
/** An update as the page gets it: what became of the message or press that it is about. */
export type ShownUpdate = ReturnType<typeof withoutMessage>;
export type Snapshot = ReturnType<typeof snapshotOf>;

const withoutContent = ({ media, ...message }: Message) => ({
  ...message,
  media:
    media === null
      ? null
      : {
          kind: media.kind,
          fileId: media.file.fileId,
          name: media.file.name,
          bytes: media.file.size,
        },
});

const withoutMessage = ({ content, ...update }: UpdateRecord) => {
  const { message_id: direct, chat, message } = content as MessageContent;
  const about = message ?? { message_id: direct, chat };
  return { ...update, messageId: about.message_id ?? null, chatId: about.chat?.id ?? null };
};

/** The parts of an update's content that name its message. */
interface MessageContent {
  message_id?: number;
  chat?: { id: number };
  message?: { message_id?: number; chat?: { id: number } };
}

export const pagePort = (telegram: TelegramControls): PagePort<TelegramEvent> => ({
  folder: join(import.meta.dirname, 'page'),
  perform: (action) => performAction(telegram, action),
  snapshot: () => snapshotOf(telegram),
  toWire: (event) => toWire(telegram, event),
  subscribe: (listener) => telegram.subscribe(listener),
  fileOf: (id) =>
    telegram.messages().find(({ media }) => media?.file.fileId === id)?.media?.file ?? null,
});

function snapshotOf(telegram: TelegramControls) {
  return {
    /** What the page offers to choose from. */
    offers: { faults: namedFaults, mediaKinds },
    state: telegram.status(),
    chats: telegram.chats(),
    messages: telegram.messages().slice(-messagesShownMax).map(withoutContent),
    updates: telegram.updates().slice(-messagesShownMax).map(withoutMessage),
    callbacks: telegram.callbacks().slice(-messagesShownMax),
    requests: telegram.requests().slice(-requestsShownMax),
  };
}

function toWire(telegram: TelegramControls, event: TelegramEvent): unknown {
  switch (event.type) {
    case 'message':
      return withoutContent(event.message);
    case 'chat':
      return event.chat;
    case 'update':
      return withoutMessage(event.update);
    case 'callback':
      return event.callback;
    case 'request':
      return event.request;
    case 'state':
      return telegram.status();
    default:
      throw event satisfies never;
  }
}
