/**
 * The webhook of Chat: authenticates a post, and makes a message or a click of it.
 *
 * A post's key is its number and its time, because a reinstalled chat counts from the beginning; a click's key is its
 * button. The token is never stored.
 */
import { createHash } from 'node:crypto';
import { errorTable } from '#shared/errors';
import type { Log } from '#shared/log';
import type {
  InboundHandler,
  InboundMessage,
  InboundOutcome,
  Refusal,
  Webhook,
} from '../channel-adapter-port.ts';
import { stripTriggerWord } from '../inbox/trigger-word.ts';
import { clickOf } from './buttons.ts';
import type { Target, Targets } from './targets.ts';
import type { WebhookAuthenticator } from './webhook-auth.ts';
import {
  parseWebhookPost,
  type WebhookPost,
  type ClickPost,
  type MessagePost,
} from './webhook-payload.ts';

export interface SynologyWebhookParts {
  inbound: InboundHandler;
  targets: Targets;
  auth: WebhookAuthenticator;
  /** `names`: a text that is a file name is checked for a file; `always`: every post. */
  files: 'names' | 'always' | 'off';
  /** Whether the NAS has a file of this post; also false if the NAS does not answer in time. */
  hasFile(target: Target, postId: string): Promise<boolean>;
  /** Refusals of Chat's own requests are answered 200: some versions stop sending after another status. */
  quietRefusals: boolean;
  log: Log;
}

const fileName = /^[^\n/\\]{1,180}\.(?:txt|text|md|markdown|pdf|csv|log|json|ya?ml)$/i;

export function createSynologyWebhook(parts: SynologyWebhookParts): Webhook {
  const { inbound, targets, auth, quietRefusals, log } = parts;
  const receive = async (post: WebhookPost, known: readonly Target[]): Promise<InboundOutcome> => {
    const read = parsePost(post, known, targets, parts.files);
    if ('ok' in read) return read;
    const { message, target } = read;
    const { text, file } = message;
    const isBlank = text === '' && file !== null && file.name === null;
    return inbound.accept(message, async () =>
      isBlank && !(await parts.hasFile(target, file.postId))
        ? emptyPostOutcome(post as MessagePost)
        : null,
    );
  };
  return {
    path: '/webhook/synology',
    async handle({ body, headers, address }) {
      const post = parseWebhookPost(body.toString('utf8'), String(headers['content-type'] ?? ''));
      const known = auth.targetsForToken(post?.token ?? '');
      if (known.length === 0) {
        const refusal = auth.recordFailure(address)
          ? refuse('GH_REQUEST_TOO_MANY', 'Too many wrong tokens')
          : refuse('GH_BRIDGE_TOKEN');
        log.debug({ address, code: refusal.code }, 'a post was refused');
        return refusal;
      }
      const outcome = await receive(post!, known);
      if (outcome.ok) return null;
      log.info({ address, code: outcome.code }, 'a post was refused');
      return quietRefusals && errorTable[outcome.code].status !== 503 ? null : outcome;
    },
  };
}

const refuse = (code: Refusal['code'], message?: string): Refusal => ({
  ok: false,
  code,
  ...(message === undefined ? {} : { message }),
});

const invalid = (message: string): Refusal => refuse('GH_REQUEST_INVALID', message);

function parsePost(
  post: WebhookPost,
  known: readonly Target[],
  targets: Targets,
  files: SynologyWebhookParts['files'],
): { message: InboundMessage; target: Target } | InboundOutcome {
  if (!isId(post.postId)) return invalid('post_id: missing');
  if (!isId(post.userId)) return invalid('user_id: missing');
  const target =
    known.length === 1
      ? known[0]
      : known.find((one) => one.channelId !== null && one.channelId === post.channelId);
  if (target === undefined) return invalid('channel_id: not one of the configured channels');
  const chatUser = target.resolveChatUser(post.userId);
  const made = post.kind === 'click' ? clickRow(post) : messageRow(post, target, files);
  if ('code' in made) return made;
  if (chatUser === null) return refuse('GH_BRIDGE_USER');
  if ('ok' in made) return made;
  const keyed = (key: string): string => keyForNas(target, targets, key);
  const { legacyKey, ...content } = made;
  const message = {
    ...content,
    target: target.name,
    chatUser,
    key: keyed(made.key),
    legacyKey: legacyKey ? { ...legacyKey, key: keyed(legacyKey.key) } : null,
  };
  return { message, target };
}

/** Every NAS counts its posts from 1. The first NAS has no prefix, so that keys from before several NAS stay valid. */
function keyForNas({ server }: Target, { all }: Targets, key: string): string {
  return server === all[0]?.server ? key : `nas-${digestOf(server).slice(0, 8)}-${key}`;
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Ids of Chat are numbers; others are accepted if they are short and plain. */
const isId = (id: string): boolean => /^[A-Za-z0-9_.:@-]{1,64}$/.test(id);

type Content = Omit<InboundMessage, 'target' | 'chatUser'>;

function messageRow(
  post: MessagePost,
  target: Target,
  files: SynologyWebhookParts['files'],
): Content | InboundOutcome {
  const { triggerWord } = post;
  const words = [...(triggerWord === null ? [] : [triggerWord]), ...target.triggerWords];
  const text = stripTriggerWord(post.text, words) ?? post.text.trim();
  const hint = post.fileName ?? (fileName.test(text) ? text : null);
  const isBlank = text === '';
  const mayHaveFile = files === 'always' || (files === 'names' && (hint !== null || isBlank));
  if (isBlank && !mayHaveFile) return emptyPostOutcome(post);
  const isName = hint === text;
  const key = `post-${post.postId}`;
  const { sentAt } = post;
  return {
    key: sentAt === null ? key : `${key}-${sentAt}`,
    legacyKey: sentAt === null ? null : { key, sentAt },
    kind: 'message',
    text: mayHaveFile && isName ? '' : text,
    click: null,
    file: mayHaveFile ? { name: hint, postId: post.postId } : null,
  };
}

/** A trigger word alone asks nothing; it is accepted, because Chat may stop sending after a refusal. */
const emptyPostOutcome = (post: MessagePost): InboundOutcome =>
  post.text.trim() === '' ? invalid('text: missing') : { ok: true, isNew: false };

/** Only the language of the label is used. */
const labelUnitsMax = 40;

function clickRow(post: ClickPost): Content | Refusal {
  const click = clickOf(post);
  if (click === null) return invalid('actions: not a button of this bridge');
  const clicked = `${post.userId}:${post.callbackId}:${post.value}`;
  return {
    key: `click-${post.postId}-${digestOf(clicked).slice(0, 16)}`,
    kind: 'click',
    text: post.label.slice(0, labelUnitsMax),
    click,
    file: null,
  };
}
