/**
 * Sends one part of a reply, and maps the answer of the Bot API to an outcome.
 *
 * D1: a part is sent again at once only after a refusal of the API that names what it does not take: the formatting, a
 *     topic, the message that it answers, buttons, or the old id of a group.
 * D2: `lost` whenever the message may be in the chat. The Bot API knows no key of a request, so it is not sent again.
 */
import type { DeliveryOutcome, OutgoingPart } from '../channel-adapter-port.ts';
import type { BotApi, ApiFailure, ApiOutcome } from './bot-api.ts';
import { keyboardOf } from './buttons.ts';
import { toEntities } from './markup.ts';
import { parseMessageKey } from './message-content.ts';
import type { Migrations } from './migrations.ts';
import { addressOf, type Address, type Target } from './targets.ts';

/** What is left of a message after refusals (D1). */
interface Draft {
  text: string;
  entities: ReturnType<typeof toEntities>['entities'] | null;
  chatId: number;
  topicId: number | null;
  replyTo: number | null;
  keyboard: ReturnType<typeof keyboardOf> | null;
}

/** No address of an answer is fetched by Telegram: a model may have been told to write one. */
const noPreview = { is_disabled: true };

export function createDelivery(api: BotApi, migrations: Migrations) {
  const current = ({ chatId, topicId }: Address): Address => ({
    chatId: migrations.currentOf(chatId),
    topicId,
  });

  const send = async (part: OutgoingPart<Target>): Promise<DeliveryOutcome> => {
    const { chatId, topicId } = current(addressOf(part.target, part.chatUser));
    const answered = parseMessageKey(part.answers);
    // A group that has a new id since numbers its messages anew.
    const isHere = answered?.chatId === chatId;
    let draft: Draft = {
      ...toEntities(part.text),
      chatId,
      topicId,
      // In a private chat everybody sees what is answered.
      replyTo: part.target.groupId !== null && isHere ? answered.messageId : null,
      keyboard: part.buttons === null ? null : keyboardOf(part.buttons),
    };
    for (;;) {
      const outcome = await sendDraft(api, draft);
      if (outcome.ok) return { type: 'posted', postId: String(outcome.value.message_id) };
      const { failure } = outcome;
      if (failure.kind === 'refused' && failure.migratedTo !== null) {
        migrations.record(draft.chatId, failure.migratedTo);
      }
      const simpler = simplify(draft, failure, part.text);
      if (simpler === null) return outcomeOf(failure, part.text.length);
      draft = simpler;
    }
  };

  /** Null: the message cannot be changed, and a new one is needed. */
  const edit = async (
    part: OutgoingPart<Target>,
    messageId: number,
  ): Promise<DeliveryOutcome | null> => {
    const { chatId } = current(addressOf(part.target, part.chatUser));
    const { text, entities } = toEntities(part.text);
    const outcome = await api.call((methods) =>
      methods.editMessageText(chatId, messageId, text, {
        entities,
        link_preview_options: noPreview,
      }),
    );
    if (outcome.ok) return { type: 'posted', postId: String(messageId) };
    const { failure } = outcome;
    if (failure.kind !== 'refused' || failure.code !== 400) {
      return outcomeOf(failure, part.text.length);
    }
    const isSame = /message is not modified/i.test(failure.error);
    return isSame ? { type: 'posted', postId: String(messageId) } : null;
  };

  return {
    /** Never rejects. */
    async deliver(part: OutgoingPart<Target>): Promise<DeliveryOutcome> {
      const { replaces } = part;
      const changed = replaces === null ? null : await edit(part, Number(replaces));
      return changed ?? send(part);
    },

    async clearButtons(target: Target, chatUser: string, postId: string): Promise<void> {
      const { chatId } = current(addressOf(target, chatUser));
      await api.call((methods) => methods.editMessageReplyMarkup(chatId, Number(postId)));
    },
  };
}

function sendDraft(
  api: BotApi,
  { text, entities, chatId, topicId, replyTo, keyboard }: Draft,
): Promise<ApiOutcome<{ message_id: number }>> {
  return api.call((methods) =>
    methods.sendMessage(chatId, text, {
      link_preview_options: noPreview,
      ...(entities === null ? {} : { entities }),
      ...(topicId === null ? {} : { message_thread_id: topicId }),
      ...(replyTo === null
        ? {}
        : { reply_parameters: { message_id: replyTo, allow_sending_without_reply: true } }),
      ...(keyboard === null ? {} : { reply_markup: keyboard }),
    }),
  );
}

/** The message without what was refused; null: nothing is left to leave out (D1). */
function simplify(draft: Draft, failure: ApiFailure, source: string): Draft | null {
  if (failure.kind !== 'refused' || failure.code !== 400) return null;
  const { error, migratedTo } = failure;
  if (migratedTo !== null) {
    return migratedTo === draft.chatId ? null : { ...draft, chatId: migratedTo, replyTo: null };
  }
  if (draft.replyTo !== null && /repl(?:y|ied)/i.test(error)) return { ...draft, replyTo: null };
  if (draft.topicId !== null && /thread|topic/i.test(error)) return { ...draft, topicId: null };
  if (draft.keyboard !== null && /button|keyboard|reply markup/i.test(error)) {
    return { ...draft, keyboard: null };
  }
  if (draft.entities !== null && /entit|url_invalid/i.test(error)) {
    return { ...draft, entities: null, text: source };
  }
  return null;
}

/** @param chars length of the part, for a chat that refuses it as too long */
export function outcomeOf(failure: ApiFailure, chars: number): DeliveryOutcome {
  const { error } = failure;
  switch (failure.kind) {
    case 'unsent':
      return { type: 'unreachable', error };
    case 'lost':
      return { type: 'lost', error };
    case 'page':
      return failure.status === 413
        ? { type: 'tooLong', chars, error }
        : { type: 'stopped', error };
    case 'refused':
      return outcomeOfRefusal(failure, chars);
  }
}

function outcomeOfRefusal(
  { code, error, retryAfterMs }: ApiFailure & { kind: 'refused' },
  chars: number,
): DeliveryOutcome {
  if (code === 429 || code === 420) {
    return { type: 'tooFast', ...(retryAfterMs === null ? {} : { afterMs: retryAfterMs }) };
  }
  if (code === 413 || /message is too long|text is too long/i.test(error)) {
    return { type: 'tooLong', chars, error };
  }
  // The token was revoked: answers wait for the new one.
  if (code === 401) return { type: 'stopped', error };
  // Telegram says that it failed, not that the message was not stored.
  if (code >= 500) return { type: 'lost', error };
  return { type: 'refused', error };
}
