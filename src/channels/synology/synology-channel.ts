/** Synology Chat as a channel: webhooks of Chat in, the NAS's API out (docs/synology.md). */
import type { Log } from '#shared/log';
import { readTlsTrust, type TlsTrust } from '#shared/tls-options';
import type { ChannelAdapter, ChannelModule, OutgoingPart } from '../channel-adapter-port.ts';
import { toChatMarkup } from './chat-markup.ts';
import { adviceFor, checkSynology } from './doctor-check.ts';
import { createNasClient } from './nas-client.ts';
import { parseTargets, type Target } from './targets.ts';
import type { SynologySettings } from './synology-config.ts';
import { createSynologyWebhook } from './webhook.ts';
import { createWebhookAuthenticator } from './webhook-auth.ts';

export const channel: ChannelModule<SynologySettings> = {
  isConfigured: ({ incomingUrl, bots, channels }) =>
    incomingUrl !== null || bots.length + channels.length > 0,
  open: (settings, log) => openSynology(settings, readTlsTrust(settings, 'synology.caFile'), log),
};

/** @throws GH_BRIDGE_NOT_CONFIGURED, GH_BRIDGE_NO_USERS, GH_CONFIG_INVALID */
export function openSynology(
  settings: SynologySettings,
  trust: TlsTrust,
  log: Log,
): ChannelAdapter {
  const { maxChars, minIntervalMs, files } = settings;
  const targets = parseTargets(settings);
  const nas = createNasClient(trust);
  return {
    abilities: {
      maxChars,
      charUnit: 'code-points',
      minIntervalMs,
      buttons: true,
      links: true,
      filesIn: files !== 'off',
      filesOut: false,
      edits: false,
      keyedPosts: false,
    },
    targets,
    receive: (inbound) => ({
      webhook: createSynologyWebhook({
        ...settings,
        inbound,
        targets,
        // A wall clock that is set back would refuse everybody until it catches up.
        auth: createWebhookAuthenticator(targets.all, () => performance.now()),
        hasFile: nas.hasFile,
        log,
      }),
    }),
    format: toChatMarkup,
    deliver: (part: OutgoingPart<Target>) => nas.post(part.target, part),
    probe: nas.probe,
    fetchFile: nas.file,
    check: () => checkSynology(settings, targets, nas),
    adviceFor: (error, { server }) => adviceFor(error, server),
  };
}
