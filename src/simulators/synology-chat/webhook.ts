/**
 * The content of a webhook: the form fields of a message, and the `payload` of a click. Strings in the form, numbers in
 * the JSON.
 */
import type { Attachment, ButtonAction, ChatUser, Integration, Post } from './chat-types.ts';
import type { Chat } from './chat.ts';
import type { DsmRules } from './rules.ts';

/** The integrations that receive a typed message. */
export function receiversOf(chat: Chat, post: Post): Integration[] {
  const conversation = chat.conversations.get(post.conversationId);
  if (conversation?.kind === 'direct') {
    const bot = chat.integration(conversation.bot);
    return bot === undefined ? [] : [bot];
  }
  return chat.integrations.filter((one) => one.kind === 'outgoing' && fires(one, post));
}

/** Matches a channel, a trigger word, or both if both are set. Without either it never matches. */
function fires(webhook: Integration & { kind: 'outgoing' }, post: Post): boolean {
  const { channelId, triggerWord } = webhook;
  if (channelId === null && triggerWord === null) return false;
  return (
    (channelId === null || channelId === post.conversationId) &&
    (triggerWord === null || post.text.startsWith(triggerWord))
  );
}

/** Users have another number in outgoing webhooks than in the API and in a bot's messages. */
const idFor = (integration: Integration, user: ChatUser): number =>
  integration.kind === 'bot' ? user.userId : user.webhookUserId;

export function messageForm(
  chat: Chat,
  integration: Integration,
  user: ChatUser,
  post: Post,
  { sendsFileName, sendsNameAsText }: Pick<DsmRules, 'sendsFileName' | 'sendsNameAsText'>,
): string {
  const form = new URLSearchParams({ token: integration.token });
  if (integration.kind === 'outgoing') {
    const conversation = chat.conversations.get(post.conversationId);
    form.set('channel_id', String(post.conversationId));
    form.set('channel_name', conversation?.kind === 'channel' ? conversation.name : '');
  }
  form.set('user_id', String(idFor(integration, user)));
  form.set('username', user.nickname);
  form.set('post_id', String(post.postId));
  form.set('timestamp', String(post.atMs));
  const isNamed = post.text === '' && sendsNameAsText;
  form.set('text', isNamed ? (post.file?.name ?? '') : post.text);
  if (sendsFileName && post.file !== null) form.set('file_name', post.file.name);
  if (integration.kind === 'outgoing' && integration.triggerWord !== null) {
    form.set('trigger_word', integration.triggerWord);
  }
  return form.toString();
}

export function clickForm(
  integration: Integration,
  user: ChatUser,
  post: Post,
  { callbackId }: Attachment,
  action: ButtonAction,
): string {
  const payload = {
    actions: [action],
    callback_id: callbackId,
    post_id: post.postId,
    token: integration.token,
    user: { user_id: idFor(integration, user), username: user.nickname },
  };
  return new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
}
