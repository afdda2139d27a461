/**
 * Sends webhooks to bridges: HEAD, then POST, in order within a conversation, conversations in parallel.
 *
 * 1. Any status but 200, to the HEAD or to the POST, is a failure. After a failure the integration sulks (see
 *    `sulksAfter`): messages typed then are not sent, neither now nor later, until its URL is saved again.
 * 2. A retry sends the same body with the same post id.
 * 3. The response body may be a message. For a typed message it is posted; for a click it replaces the post.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ButtonAction, ChatUser, Integration, Post } from './chat-types.ts';
import type { Delivery, DeliveryState } from './delivery.ts';
import { failedToSend } from './delivery.ts';
import { WebhookQueue } from './webhook-queue.ts';
import type { SimulatorContext } from './simulator-context.ts';
import { parseWebhookResponse } from './payload.ts';
import type { Random } from '../random.ts';
import { clickForm, messageForm, receiversOf } from './webhook.ts';
import { sendHttpRequest } from '#shared/http-request';

interface WebhookDelivery {
  delivery: Delivery;
  integration: Integration;
  post: Post;
  body: string;
}

export class OutgoingWebhooks {
  readonly deliveries: Delivery[] = [];
  readonly sulking = new Set<string>();
  readonly #webhookDeliveries = new Map<number, WebhookDelivery>();
  readonly #queues = new Map<string, WebhookQueue>();
  readonly #nas: SimulatorContext;
  readonly #random: Random;

  constructor(nas: SimulatorContext, random: Random) {
    this.#nas = nas;
    this.#random = random;
  }

  /** Resolves when every webhook of the post has ended. */
  sendMessage(post: Post, user: ChatUser): Promise<Delivery[]> {
    const { chat, rules } = this.#nas;
    const receivers = receiversOf(chat, post);
    return Promise.all(
      receivers.map((integration) => {
        const body = messageForm(chat, integration, user, post, rules);
        const delivery = this.#open('message', integration, post, user.userId);
        return this.#enqueue({ delivery, integration, post, body });
      }),
    );
  }

  sendClick(post: Post, user: ChatUser, value: string): Promise<Delivery> {
    const { author } = post;
    const integration =
      author.kind === 'integration' ? this.#nas.chat.integration(author.name) : undefined;
    const found = buttonOf(post, value);
    if (integration === undefined || found === null) {
      throw new RangeError(`post ${post.postId} has no button "${value}"`);
    }
    const body = clickForm(integration, user, post, found.attachment, found.action);
    const delivery = this.#open('click', integration, post, user.userId);
    return this.#enqueue({ delivery, integration, post, body });
  }

  redeliver(deliveryId: number): Promise<Delivery> {
    const sending = this.#webhookDeliveries.get(deliveryId);
    if (sending === undefined) throw new RangeError(`there is no delivery ${deliveryId}`);
    return this.#repeat(sending);
  }

  /** Drops queued webhooks; `nas.closing` aborts those that are being sent. */
  close(): void {
    for (const lane of this.#queues.values()) lane.clear();
  }

  #open(kind: Delivery['kind'], { name }: Integration, post: Post, userId: number): Delivery {
    const delivery: Delivery = {
      id: this.deliveries.length + 1,
      kind,
      integration: name,
      postId: post.postId,
      userId,
      state: 'waiting',
      tries: 0,
      headStatus: null,
      status: null,
      problem: null,
      isDuplicate: false,
      atMs: this.#nas.clock.now(),
      endedAtMs: null,
    };
    this.deliveries.push(delivery);
    return delivery;
  }

  #enqueue(sending: WebhookDelivery): Promise<Delivery> {
    const { delivery, integration, post } = sending;
    this.#webhookDeliveries.set(delivery.id, sending);
    this.#nas.feed.emit({ type: 'delivery', delivery });
    const key = `${integration.name}/${post.conversationId}`;
    const queue = this.#queues.get(key) ?? new WebhookQueue();
    this.#queues.set(key, queue);
    // Both numbers are drawn every time, so that a changed rate does not change the result for other webhooks.
    const { reorderRate, duplicateRate } = this.#nas.rules;
    const [mayBeOvertaken, isRepeated] = [
      this.#random() < reorderRate,
      this.#random() < duplicateRate,
    ];
    return new Promise((resolve) => {
      const run = async (): Promise<void> => {
        await this.#deliver(sending);
        resolve(delivery);
        const mayRepeat = isRepeated && !delivery.isDuplicate && delivery.state === 'answered';
        if (mayRepeat) void this.#repeat(sending);
      };
      queue.add(run, mayBeOvertaken);
    });
  }

  #repeat({ delivery, integration, post, body }: WebhookDelivery): Promise<Delivery> {
    const copy = this.#open(delivery.kind, integration, post, delivery.userId);
    copy.isDuplicate = true;
    return this.#enqueue({ delivery: copy, integration, post, body });
  }

  async #deliver(sending: WebhookDelivery): Promise<void> {
    const { delivery, integration } = sending;
    const { rules, closing } = this.#nas;
    for (let left = rules.retries; ; left -= 1) {
      if (integration.url === null) return this.#end(delivery, 'unaddressed', null);
      if (this.sulking.has(integration.name)) return this.#end(delivery, 'sulking', failedToSend);
      const body = await this.#attempt(sending, integration.url);
      if (body !== null) {
        this.#takeAnswer(sending, body);
        return this.#end(delivery, 'answered', null);
      }
      if (left <= 0 || closing.aborted) break;
      this.#set(delivery, 'waiting');
      await pause(rules.retryDelayMs, null, { signal: closing }).catch(() => null);
    }
    const wasAnswered = delivery.state === 'refused';
    if (rules.sulksAfter === 'failure' || (rules.sulksAfter === 'answer' && wasAnswered)) {
      this.sulking.add(integration.name);
      this.#nas.feed.emit({ type: 'state' });
    }
    return this.#end(delivery, delivery.state, delivery.problem);
  }

  /** The response body; null for a failure, which is recorded in `delivery`. */
  async #attempt({ delivery, body }: WebhookDelivery, url: string): Promise<string | null> {
    const { rules, power, closing } = this.#nas;
    const { outgoingTimeoutMs: timeoutMs } = rules;
    if (!power.isPackageRunning) return this.#fail(delivery, 'unreachable', 'Chat is stopped');
    delivery.headStatus = delivery.status = null;
    this.#set(delivery, 'sending');
    if (rules.sendsHead) {
      const head = await callBridge({ url, method: 'HEAD', timeoutMs, closing });
      delivery.headStatus = head.kind === 'answer' ? head.status : null;
      if (!this.#isTaken(delivery, head, 'HEAD')) return null;
    }
    delivery.tries += 1;
    const answer = await callBridge({ url, method: 'POST', body, timeoutMs, closing });
    delivery.status = answer.kind === 'answer' ? answer.status : null;
    return this.#isTaken(delivery, answer, 'POST') ? answer.body : null;
  }

  #isTaken(
    delivery: Delivery,
    result: CallResult,
    method: string,
  ): result is CallResult & { kind: 'answer' } {
    if (result.kind !== 'answer') {
      this.#fail(delivery, result.kind, `${failedToSend}: ${result.problem}`);
      return false;
    }
    const { status } = result;
    if (status === 200 || (status === 204 && this.#nas.rules.acceptsNoContent)) return true;
    this.#fail(delivery, 'refused', `${failedToSend}: ${status} to ${method}`);
    return false;
  }

  #fail(delivery: Delivery, state: DeliveryState, problem: string): null {
    delivery.problem = problem;
    this.#set(delivery, state);
    return null;
  }

  #takeAnswer({ delivery, integration, post }: WebhookDelivery, body: string): void {
    const { chat } = this.#nas;
    const message = parseWebhookResponse(body);
    if (message === null) return;
    const { text, attachments } = message;
    if (delivery.kind === 'click') chat.replace(post, text, attachments);
    else {
      const author = { kind: 'integration' as const, name: integration.name };
      const content = { author, text, attachments, file: null, requestN: null };
      chat.add(post.conversationId, { ...content, origin: 'answer' });
    }
  }

  #set(delivery: Delivery, state: DeliveryState): void {
    delivery.state = state;
    this.#nas.feed.emit({ type: 'delivery', delivery });
  }

  #end(delivery: Delivery, state: DeliveryState, problem: string | null): void {
    delivery.endedAtMs = this.#nas.clock.now();
    delivery.problem = problem;
    this.#set(delivery, state);
  }
}

function buttonOf(
  post: Post,
  value: string,
): { attachment: Post['attachments'][number]; action: ButtonAction } | null {
  for (const attachment of post.attachments) {
    const action = attachment.actions.find((one) => one.value === value);
    if (action !== undefined) return { attachment, action };
  }
  return null;
}

type CallResult =
  | { kind: 'answer'; status: number; body: string }
  | { kind: 'unreachable' | 'timeout'; problem: string };

/** A response may be a message, not more. */
const answerBytesMax = 1024 * 1024;

interface HttpCall {
  url: string;
  method: 'HEAD' | 'POST';
  body?: string;
  timeoutMs: number;
  closing: AbortSignal;
}

async function callBridge({ closing: signal, ...call }: HttpCall): Promise<CallResult> {
  const headers: Record<string, string> =
    call.body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
  const outcome = await sendHttpRequest({ ...call, headers, bytesMax: answerBytesMax, signal });
  if (outcome.ok) {
    return { kind: 'answer', status: outcome.status, body: outcome.body.toString('utf8') };
  }
  return outcome.kind === 'timeout'
    ? { kind: 'timeout', problem: `no answer within ${call.timeoutMs} ms` }
    : { kind: 'unreachable', problem: outcome.error };
}
