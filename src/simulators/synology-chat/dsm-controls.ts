/** What tests and the page can do with a simulated NAS, and what they can see of it. */
import type { Audit } from './audit.ts';
import type { ChatFile, ChatUser, Conversation, Integration, Post } from './chat-types.ts';
import type { Delivery } from './delivery.ts';
import type { FaultControls } from '../fault-controls.ts';
import type { QueuedFault, Storm } from '../fault-queue.ts';
import type { ApiMethod, Fault } from './api-faults.ts';
import type { SimulatorEvent } from './simulator-event.ts';
import type { ApiRequest } from './api-request.ts';
import type { DsmRules } from './rules.ts';

/** A message typed by a user. */
export interface TypedMessage {
  userId: number;
  text: string;
  /** In this channel; absent: to a bot. */
  channelId?: number;
  /** Default: the first bot. */
  bot?: string;
  file?: ChatFile;
}

/** A press of a button. */
export interface ButtonPress {
  userId: number;
  postId: number;
  /** The `value` of the button. If two buttons of a post share it, the first is pressed. */
  value: string;
}

/** The post, and a promise for the end of the webhooks that it caused. */
export interface SentPost {
  post: Post;
  settled: Promise<Delivery[]>;
}

/** What the page shows next to the posts. */
export interface DsmState {
  url: string;
  fingerprint256: string | null;
  isPackageRunning: boolean;
  isListening: boolean;
  rules: DsmRules;
  faults: readonly QueuedFault<Fault, ApiMethod>[];
  storm: Storm<Fault> | null;
  users: readonly ChatUser[];
  /** `bridgeUrl`: the target of its webhooks. `apiUrl`: where a bridge posts; null for an outgoing webhook. */
  integrations: {
    kind: Integration['kind'];
    name: string;
    bridgeUrl: string | null;
    apiUrl: string | null;
    isSulking: boolean;
  }[];
}

export interface FakeDsm extends FaultControls<Fault, ApiMethod, DsmRules> {
  /** `http://127.0.0.1:port` or `https://…`. */
  readonly url: string;
  readonly pageUrl: string | null;
  /** PEM; null without TLS. */
  readonly certificate: string | null;
  /** `AA:BB:…`, SHA-256; null without TLS. */
  readonly fingerprint256: string | null;
  /** The URL that Chat would show for this integration; `bare` leaves out the quotes of the token. */
  apiUrl(integration?: string, method?: ApiMethod, form?: 'quoted' | 'bare'): string;

  /** Types a message. Throws for a user, channel or bot that does not exist. */
  say(message: TypedMessage): SentPost;
  /** Presses a button; it stays clickable. Throws if the post has no such button. */
  press(press: ButtonPress): SentPost;
  /** Sends an earlier webhook again, whatever its result was. */
  redeliver(deliveryId: number): Promise<Delivery>;
  /** Saves the outgoing URL of an integration (without `url`: the same one), which ends its sulking. */
  saveUrl(integration: string, url?: string | null): void;
  /** Stopped: the API responds with 102 and no webhooks are sent. */
  setPackage(running: boolean): void;

  /** The settings that a user can change; see `DsmState`. */
  state(): DsmState;
  conversations(): Conversation[];
  /** Oldest first. */
  posts(): readonly Post[];
  deliveries(): readonly Delivery[];
  /** Oldest first; the last 50,000. */
  requests(): readonly ApiRequest[];
  /** Integrations that have stopped sending after a failure. */
  sulking(): string[];
  audit(): Audit;
  /** Subscribes to all events; returns the unsubscribe function. */
  subscribe(listener: (happening: SimulatorEvent) => void): () => void;
  /** Resolves when `condition` holds; it is checked at each event. Rejects after `timeoutMs`. */
  until(condition: () => boolean, timeoutMs: number): Promise<void>;
  /** Closes all listeners, connections and timers. */
  close(): Promise<void>;
}

/** A `FakeDsm` without its page and `close`: what the page itself can use. */
export type DsmControls = Omit<FakeDsm, 'pageUrl' | 'certificate' | 'close'>;
