/**
 * Sends webhooks to bridges: HEAD, then POST, in order within a conversation, conversations side by side.
 *
 * 1. Anything but 200, to the HEAD or to the POST, is a failure. After one the integration sulks (see `sulksAfter`): what
 *    is typed then is not sent, neither now nor later, until its URL is saved again.
 * 2. What is sent is what was typed: a try after a failure carries the same post id.
 * 3. The answer's body may be a message. To a typed message it is posted; to a click it takes the place of the post.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ButtonAction, ChatUser, Integration, Post } from './chat.ts';
import type { Delivery, DeliveryState } from './delivery.ts';
import { failedToSend } from './delivery.ts';
import { callBridge, type CallResult } from './http-call.ts';
import { Lane } from './lane.ts';
import type { Nas } from './nas.ts';
import { readAnswer } from './payload.ts';
import type { Random } from './random.ts';
import { clickForm, messageForm, receiversOf } from './webhook.ts';

interface Sending {
  delivery: Delivery;
  integration: Integration;
  post: Post;
  body: string;
}

export class Outgoing {
  readonly deliveries: Delivery[] = [];
  readonly sulking = new Set<string>();
  readonly #sendings = new Map<number, Sending>();
  readonly #lanes = new Map<string, Lane>();
  readonly #nas: Nas;
  readonly #random: Random;

  constructor(nas: Nas, random: Random) {
    this.#nas = nas;
    this.#random = random;
  }

  /** Resolves when every webhook of the post has come to an end. */
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
    const sending = this.#sendings.get(deliveryId);
    if (sending === undefined) throw new RangeError(`there is no delivery ${deliveryId}`);
    return this.#repeat(sending);
  }

  /** Forgets what has not begun; what is being sent is ended by `nas.closing`. */
  close(): void {
    for (const lane of this.#lanes.values()) lane.clear();
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

  #enqueue(sending: Sending): Promise<Delivery> {
    const { delivery, integration, post } = sending;
    this.#sendings.set(delivery.id, sending);
    this.#nas.feed.emit({ type: 'delivery', delivery });
    const key = `${integration.name}/${post.conversationId}`;
    const lane = this.#lanes.get(key) ?? new Lane();
    this.#lanes.set(key, lane);
    // Both numbers are drawn each time: a changed rate does not change what happens to the others.
    const { reorderRate, duplicateRate } = this.#nas.rules;
    const [letsPass, isRepeated] = [this.#random() < reorderRate, this.#random() < duplicateRate];
    return new Promise((resolve) => {
      const run = async (): Promise<void> => {
        await this.#deliver(sending);
        resolve(delivery);
        const mayRepeat = isRepeated && !delivery.isDuplicate && delivery.state === 'answered';
        if (mayRepeat) void this.#repeat(sending);
      };
      lane.add(run, letsPass);
    });
  }

  #repeat({ delivery, integration, post, body }: Sending): Promise<Delivery> {
    const copy = this.#open(delivery.kind, integration, post, delivery.userId);
    copy.isDuplicate = true;
    return this.#enqueue({ delivery: copy, integration, post, body });
  }

  async #deliver(sending: Sending): Promise<void> {
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

  /** The body of the answer; null for a failure, which `delivery` then tells. */
  async #attempt({ delivery, body }: Sending, url: string): Promise<string | null> {
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

  #takeAnswer({ delivery, integration, post }: Sending, body: string): void {
    const { chat } = this.#nas;
    const message = readAnswer(body);
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
