/** Telegram as a channel: updates of the Bot API by long polling, its methods out (docs/telegram.md). */
import type { Log } from '#shared/log';
import type { ChannelAdapter, ChannelModule, OutgoingPart } from '../channel-adapter-port.ts';
import { createBotApi } from './bot-api.ts';
import { createDelivery } from './delivery.ts';
import { adviceFor, checkTelegram } from './doctor-check.ts';
import { fileMegabytesMax } from './message-content.ts';
import { createMigrations } from './migrations.ts';
import { createPoll } from './polling.ts';
import { paceOf, parseTargets, type Target } from './targets.ts';
import type { TelegramSettings } from './telegram-config.ts';

export const channel: ChannelModule<TelegramSettings> = {
  isConfigured: ({ token }) => token !== null,
  open: openTelegram,
};

/** Of the Bot API, after the entities are parsed. */
const maxChars = 4_096;
/** About 30 messages per second to all chats. */
const minIntervalMs = 35;

/** @throws GH_BRIDGE_NOT_CONFIGURED, GH_BRIDGE_NO_USERS, GH_CONFIG_INVALID */
function openTelegram(settings: TelegramSettings, log: Log): ChannelAdapter {
  const targets = parseTargets(settings);
  const token = settings.token!;
  // A wall clock that is set back would keep a refused token for long.
  const api = createBotApi({ ...settings, token, now: () => performance.now() });
  const migrations = createMigrations(log);
  const delivery = createDelivery(api, migrations);
  return {
    abilities: {
      maxChars,
      charUnit: 'utf-16',
      minIntervalMs,
      buttons: true,
      links: true,
      filesIn: true,
      fileMegabytesMax,
      filesOut: false,
      edits: true,
      keyedPosts: false,
    },
    targets,
    receive: (inbound, say) => ({
      poll: createPoll({ api, targets, migrations, inbound, say, log }),
    }),
    // Each part becomes text and entities when it is sent: the stored text is split as markdown.
    format: (text) => text,
    deliver: (part: OutgoingPart<Target>) => delivery.deliver(part),
    paceOf,
    clearButtons: delivery.clearButtons,
    async probe(_, signal) {
      const outcome = await api.call((methods) => methods.getMe(signal as never));
      if (outcome.ok) return null;
      const { failure } = outcome;
      const isAnswer = failure.kind === 'refused' && failure.code !== 401 && failure.code < 500;
      return isAnswer ? null : failure.error;
    },
    async fetchFile(_, fileId, bytesMax) {
      const outcome = await api.call((methods) => methods.getFile(fileId));
      if (outcome.ok) {
        const { file_path: path, file_size: bytes = 0 } = outcome.value;
        if (bytes > bytesMax) return { kind: 'tooLarge' };
        return path === undefined
          ? { kind: 'refused', error: 'the Bot API gives no path of the file' }
          : api.download(path, bytesMax);
      }
      const { failure } = outcome;
      if (/file is too big/i.test(failure.error)) return { kind: 'tooLarge' };
      const isFinal = failure.kind === 'refused' && failure.code === 400;
      return { kind: isFinal ? 'refused' : 'away', error: failure.error };
    },
    check: () => checkTelegram(settings, targets, api),
    adviceFor,
  };
}
