/** The channels that bridges serve: what stands in them was said in a chat, and replies to it are posted there. */

/** A bridge has one name, or several that begin with it and a dash. */
const bridgeChannel = /^(?:synology|telegram)(?:-|$)/i;

export const isBridgeChannel = (channel: unknown): boolean =>
  typeof channel === 'string' && bridgeChannel.test(channel);
