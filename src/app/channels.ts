/**
 * The chats that a bridge can serve. A new one is a folder of src/channels, its section of the configuration, and its
 * line here: subjects, command, doctor and the protection of its name derive from the line.
 */
import type { BridgeSettings } from '#channels/bridge';
import type { ChannelAdapter, ChannelModule } from '#channels/channel-adapter-port';
import type { Log } from '#shared/log';
import type { Config } from './config/config.ts';

/** Modules are loaded when they are needed: commands and core read the names only. */
export const channels: readonly Channel[] = [
  defineChannel(
    'synology',
    'Synology Chat',
    ({ synology }: Config) => synology,
    () => import('#channels/synology/synology-channel'),
  ),
  defineChannel(
    'telegram',
    'Telegram',
    ({ telegram, persons }: Config) => allowingPersons(telegram, persons, 'telegram'),
    () => import('#channels/telegram/telegram-channel'),
  ),
];

/** A user's key may not write into these channels. */
export const bridgeChannelNames: readonly string[] = channels.map(({ name }) => name);

/**
 * Why the messages of a schedule cannot reach this channel; null if they can. A channel without a bridge is read over HTTP,
 * so that any name will do.
 */
export async function channelFault(name: string, config: Config): Promise<string | null> {
  const channel = channels.find((one) => one.name === name);
  if (channel === undefined) return null;
  if (await channel.isConfigured(config)) return null;
  return `channel: ${name} is not configured; set its section of the configuration, or take another channel`;
}

export interface Channel {
  /** In subjects, jobs and the command. Small letters and digits. */
  name: string;
  /** For people. */
  title: string;
  isConfigured(config: Config): Promise<boolean>;
  /** @throws as `ChannelModule.open` */
  open(config: Config, log: Log): Promise<{ settings: ChannelSection; adapter: ChannelAdapter }>;
}

/** The section, in which the persons with an id in this chat may use the bot, too. */
function allowingPersons<Section extends { allowedUserIds: (string | number)[] }>(
  section: Section,
  persons: Config['persons'],
  channel: string,
): Section {
  const ids = persons.flatMap(({ channels: { [channel]: id } }) => id ?? []);
  return { ...section, allowedUserIds: [...section.allowedUserIds, ...ids] };
}

type ChannelSection = BridgeSettings & { database: string };

export function defineChannel<Section extends ChannelSection>(
  name: string,
  title: string,
  sectionOf: (config: Config) => Section,
  load: () => Promise<{ channel: ChannelModule<NoInfer<Section>> }>,
): Channel {
  return {
    name,
    title,
    isConfigured: async (config) => (await load()).channel.isConfigured(sectionOf(config)),
    async open(config, log) {
      const settings = sectionOf(config);
      return { settings, adapter: (await load()).channel.open(settings, log) };
    },
  };
}
