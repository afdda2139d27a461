/** One call of a method of the Bot API. */
import type { CallParams } from './call-params.ts';
import type { Message } from './chat-types.ts';
import type { TelegramContext } from './telegram-context.ts';

export interface MethodCall {
  readonly telegram: TelegramContext;
  readonly params: CallParams;
  readonly requestN: number;
  /** Updates that a poll gets again. */
  readonly repeats: number;
  /** The client has gone. */
  readonly signal: AbortSignal;
  /** For the log: the message that was made or changed. */
  touched(message: Message): void;
}

export interface MethodResult {
  result: unknown;
  description?: string;
}

/** A refusal is a thrown `ApiError`. */
export type Method = (call: MethodCall) => MethodResult | Promise<MethodResult>;
