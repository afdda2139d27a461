/**
 * Composition root of the Synology bridge: webhooks of Chat in, the NAS's API out, the core over NATS.
 *
 *     Chat ─► bridge-server ──► inbound-handler ─► INBOX ─► inbox-submitter ─► core
 *     Chat ◄─ nas-client ◄─ reply-sender ◄─ OUTBOX ◄─ reply-receiver ◄─ core
 *     delivery-reporter, unanswered-sweeper ─► core
 *
 * 1. What was acknowledged to Chat or to the broker is on disk.
 * 2. Nothing is posted twice. A post with an unknown result is marked `uncertain` and reported.
 * 3. Log lines at `info` contain no tokens and no user text.
 */
import type { BridgeStorage, NewOutboxRow } from './bridge-storage-port.ts';
import { dayMs } from '#shared/calendar/time-units';
import type { Reply } from '#shared/wire/reply';
import type { Log } from '#shared/log';
import type { TlsTrust } from '#shared/tls-options';
import { textsOf, type Locale } from '#machines/texts';
import { createUnansweredSweeper } from './inbox/unanswered-sweeper.ts';
import { createButtonHandler } from './inbox/button-handler.ts';
import { createAttachmentLoader } from './inbox/attachment-loader.ts';
import { createInboundHandler, type InboundHandler } from './inbox/inbound-handler.ts';
import { recoverOnStartup } from './startup-recovery.ts';
import { createNasClient } from './synology/nas-client.ts';
import { noticeLocale, createSystemNotice } from './system-notices.ts';
import { retargetRow } from './outbox/reply-routing.ts';
import type { CoreLink } from './core-link-port.ts';
import { createReplySender, type ReplySender } from './outbox/reply-sender.ts';
import { createRateLimit } from './rate-limit.ts';
import { createReplyReceiver } from './outbox/reply-receiver.ts';
import { createDeliveryReporter } from './outbox/delivery-reporter.ts';
import { createInboxSubmitter } from './inbox/inbox-submitter.ts';
import { parseTargets, type SynologySettings, type Targets } from './synology/targets.ts';
import { createWebhookAuthenticator } from './synology/webhook-auth.ts';
import { startWebhookServer } from './bridge-server.ts';

export interface BridgeSettings extends SynologySettings {
  host: string;
  port: number;
  maxChars: number;
  minIntervalMs: number;
  noticeDelayMs: number;
  ratePerMinute: number;
  files: 'names' | 'always' | 'off';
  quietRefusals: boolean;
}

export interface BridgeOptions {
  settings: BridgeSettings;
  storage: BridgeStorage;
  /** Creates the link to the core; the bridge passes its handler for replies. */
  link(onReply: (reply: Reply) => Promise<'done' | 'later'>): CoreLink;
  trust: TlsTrust;
  locale: Locale | 'auto';
  log: Log;
  timings?: Partial<BridgeTimings>;
}

export interface BridgeTimings {
  orderTimeoutMs: number;
  replyMsMax: number;
  waitingNoticeMs: number;
  sweepIntervalMs: number;
  minUnansweredMs: number;
}

export interface Bridge {
  /** URL that Chat posts to. */
  readonly url: string;
  health(): Record<string, unknown>;
  /** Graceful shutdown: accepts nothing new and finishes the post in flight; the rest stays for the next start. */
  stop(): Promise<void>;
}

const defaultTimings: BridgeTimings = {
  // Well above the wait of 5 s after which the broker redelivers an unacknowledged message.
  orderTimeoutMs: 45_000,
  // As long as the broker keeps a reply.
  replyMsMax: 7 * dayMs,
  waitingNoticeMs: 3_000,
  sweepIntervalMs: 30_000,
  minUnansweredMs: 60_000,
};
/** How long ended rows are kept, so that a repeated post of Chat is recognised. */
const retentionMs = 30 * dayMs;

/** @throws GH_BRIDGE_NOT_CONFIGURED, GH_BRIDGE_NO_USERS, GH_CONFIG_INVALID, GH_SERVER_PORT */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const { settings, storage, log } = options;
  const targets = parseTargets(settings);
  const parts = assemble(options, targets);
  const { poster, submitter, reporter, watch, link } = parts;
  const health = () => healthOf(link, storage);
  // Before anything runs, so that a failing disk fails the start.
  const uncertainNas = recoverOnStartup({ storage, targets, now: Date.now, log });
  const server = await startWebhookServer({
    ...settings,
    inboundHandler: parts.intake,
    health,
    log,
  });
  link.start();
  poster.start(uncertainNas);
  reporter.start();
  submitter.start();
  watch.start();
  return {
    url: `${server.url}/webhook/synology`,
    health,
    async stop() {
      await server.close();
      await Promise.all([submitter.stop(), watch.stop(), poster.stop()]);
      await reporter.stop();
      await link.stop();
    },
  };
}

function assemble(options: BridgeOptions, targets: Targets) {
  const { settings, storage, locale, log } = options;
  const timings = { ...defaultTimings, ...options.timings };
  const now = (): number => Date.now();
  // For per-minute limits: if the wall clock were set back, it would lock out all users until it catches up.
  const monotonicNow = (): number => performance.now();
  const nas = createNasClient(options.trust);
  // Declared here, assigned below: the parts wake each other.
  const wakes: { poster?: ReplySender } = {};
  const wakePoster = (): void => wakes.poster?.wake();
  const say = (row: NewOutboxRow): void => {
    const retargeted = retargetRow(row, targets);
    if (retargeted === null)
      return log.warn({ reply: row.replyId }, 'nobody can be told this any more');
    storage.insertOutbox([retargeted], now());
    wakePoster();
  };
  const replies = createReplyReceiver({
    storage,
    targets,
    now,
    log,
    noticeDelayMs: settings.noticeDelayMs,
    onStored: () => {
      wakePoster();
      reporter.wake();
    },
  });
  const link = options.link((reply) => Promise.resolve(replies.receive(reply)));
  const reporter = createDeliveryReporter({ storage, link, now, log });
  const shared = { storage, targets, link, say, now, log };
  const poster = createReplySender({
    ...shared,
    ...settings,
    ...timings,
    nas,
    onEnded: reporter.wake,
  });
  wakes.poster = poster;
  const submitter = createInboxSubmitter({
    ...shared,
    buttonHandler: createButtonHandler({ ...shared, locale }),
    withFile: createAttachmentLoader({ ...shared, nas, locale }),
    waitingNoticeMs: timings.waitingNoticeMs,
    onInboxChanged: wakePoster,
  });
  const watch = createUnansweredSweeper({
    ...shared,
    replies,
    retentionMs,
    onInboxChanged: wakePoster,
    intervalMs: timings.sweepIntervalMs,
    minAgeMs: timings.minUnansweredMs,
  });
  const intake: InboundHandler = createInboundHandler({
    storage,
    targets,
    now,
    log,
    auth: createWebhookAuthenticator(targets.all, monotonicNow),
    rateLimit: createRateLimit(settings.ratePerMinute, monotonicNow),
    files: settings.files,
    hasFile: nas.hasFile,
    onStored: (lane) => submitter.wake(lane),
    onRateLimited(row) {
      const name = `fast-${row.lane.replaceAll(/[^A-Za-z0-9]/g, '-')}-${now()}`;
      const { chatTooFast } = textsOf(noticeLocale(row.text, locale));
      say(createSystemNotice(row, name, 'notice', chatTooFast, now()));
    },
  });
  return { intake, poster, submitter, reporter, watch, link };
}

/** Body of `GET /healthz` (docs/synology.md). */
function healthOf(link: CoreLink, storage: BridgeStorage): Record<string, unknown> {
  const { inbox, outbox, sent, uncertain, dead, unreported, lastSentAt } = storage.counts();
  return {
    nats: link.state,
    ...(link.problem === null ? {} : { problem: link.problem.message }),
    outbox,
    lastSentAt: lastSentAt === null ? null : new Date(lastSentAt).toISOString(),
    inbox,
    sent,
    uncertain,
    dead,
    unreported,
  };
}
