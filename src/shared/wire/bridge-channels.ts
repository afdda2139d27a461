/** Channels that chat bridges serve: their messages come from a chat, and replies to them are posted there. */

/** A bridge channel is named after its chat, optionally with a dash and a suffix. */
const bridgeChannel = /^(?:synology|telegram)(?:-|$)/i;

export const isBridgeChannel = (channel: unknown): boolean =>
  typeof channel === 'string' && bridgeChannel.test(channel);
