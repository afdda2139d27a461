/**
 * Behaviour that differs between bots, or whose exact form nobody outside knows. Defaults: what the documentation says,
 * else the stricter of the possible ones. Nothing here was measured on the real service.
 */
export interface TelegramRules {
  /** 400 "message is too long" above it, after the markup was parsed. */
  textLengthMax: number;
  /**
   * Unit of the limit. The documentation says "characters"; the MTProto configuration says code points. UTF-16 code
   * units are the stricter reading.
   */
  textLengthUnit: 'utf16' | 'codePoints';
  /** The same for captions. */
  captionLengthMax: number;
  /** Interval between two messages to one chat. 0: no limit. */
  chatIntervalMs: number;
  /** Messages that may come at once before the interval counts. */
  chatBurst: number;
  /** 0: no limit. */
  groupPerMinute: number;
  /** To all chats together. 0: no limit. */
  perSecond: number;
  /** In groups the bot gets only commands and replies to its own messages. */
  privacyMode: boolean;
  /** In privacy mode it gets messages that mention it, too. Several reports say that it does not. */
  privacyPassesMentions: boolean;
  /** `getFile` refuses larger files. */
  fileBytesMax: number;
  /** How long the path of `getFile` is valid. */
  filePathMs: number;
  /** How long a press of a button can be answered; undocumented. */
  callbackQueryMs: number;
  /** How long updates are kept. */
  updateMs: number;
  /** A press of a button is kept for a shorter time. */
  callbackUpdateMs: number;
  /** A repeated poll with the same offset waits for at least this time, as the real server slows down loops. */
  repeatedPollMs: number;
  /** After a 409, further ones are answered this much later. */
  conflictDelayMs: number;
}

export const defaultRules: TelegramRules = {
  textLengthMax: 4_096,
  textLengthUnit: 'utf16',
  captionLengthMax: 1_024,
  chatIntervalMs: 1_000,
  chatBurst: 1,
  groupPerMinute: 20,
  perSecond: 30,
  privacyMode: true,
  privacyPassesMentions: false,
  fileBytesMax: 20 * 1024 * 1024,
  filePathMs: 60 * 60_000,
  callbackQueryMs: 150_000,
  updateMs: 24 * 60 * 60_000,
  callbackUpdateMs: 150_000,
  repeatedPollMs: 3_000,
  conflictDelayMs: 3_000,
};
