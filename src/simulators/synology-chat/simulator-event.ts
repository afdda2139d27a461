/** What happens in a simulated Chat. */
import type { Conversation, Post } from './chat-types.ts';
import type { Delivery } from './delivery.ts';
import type { EventFeed } from '../event-feed.ts';
import type { ApiRequest } from './api-request.ts';

export type SimulatorEvent =
  | { type: 'post'; post: Post }
  | { type: 'conversation'; conversation: Conversation }
  | { type: 'delivery'; delivery: Delivery }
  | { type: 'request'; request: ApiRequest }
  /** A part of `state()` changed: rules, faults, the package, a URL, sulking. */
  | { type: 'state' };

export type ChatFeed = EventFeed<SimulatorEvent>;
