/**
 * Composition root of a bridge: messages of a chat in, its API out, the core over NATS. The adapter is all that knows the
 * chat.
 *
 *     chat ─► adapter ─► inbound-handler ─► INBOX ─► inbox-submitter ─► core
 *     chat ◄─ adapter ◄─ reply-sender ◄─ OUTBOX ◄─ reply-receiver ◄─ core
 *     delivery-reporter, unanswered-sweeper ─► core
 *
 * 1. What was acknowledged to the chat or to the broker is on disk.
 * 2. Nothing is posted twice. A post with an unknown result is marked `uncertain` and reported.
 * 3. Log lines at `info` contain no tokens and no user text.
 */
import type { BridgeStorage, NewOutboxRow } from './bridge-storage-port.ts';
import { dayMs } from '#shared/calendar/time-units';
import { messageOf } from '#shared/errors';
import type { Reply } from '#shared/wire/reply';
import type { Log } from '#shared/log';
import { textsOf, type Locale } from '#machines/texts';
import { createUnansweredSweeper } from './inbox/unanswered-sweeper.ts';
import { createButtonHandler } from './inbox/button-handler.ts';
import { createAttachmentLoader } from './inbox/attachment-loader.ts';
import { createInboundHandler } from './inbox/inbound-handler.ts';
import { recoverOnStartup } from './startup-recovery.ts';
import { noticeLocale, createSystemNotice, toSystemNotice } from './system-notices.ts';
import { retargetRow } from './outbox/reply-routing.ts';
import type { CoreLink } from './core-link-port.ts';
import { createButtonCleaner } from './outbox/button-cleaner.ts';
import { createReplySender, type ReplySender } from './outbox/reply-sender.ts';
import { createRateLimit } from './rate-limit.ts';
import { createReplyReceiver } from './outbox/reply-receiver.ts';
import { createDeliveryReporter } from './outbox/delivery-reporter.ts';
import { createInboxSubmitter } from './inbox/inbox-submitter.ts';
import { startBridgeServer } from './bridge-server.ts';
import type { ChannelAdapter } from './channel-adapter-port.ts';
import { createRepeatedStep } from './repeated-step.ts';

/** What the configuration of every channel has. */
export interface BridgeSettings {
  /** Of the HTTP server: `GET /healthz`, and the webhook if the chat has one. */
  host: string;
  port: number;
  /** A notice waits this long, so that an answer in this time replaces it. */
  noticeDelayMs: number;
  /** Messages of one user. */
  ratePerMinute: number;
}

export interface BridgeOptions {
  /** Name of the channel, in subjects and jobs. */
  channel: string;
  adapter: ChannelAdapter;
  settings: BridgeSettings;
  storage: BridgeStorage;
  /** Creates the link to the core; the bridge passes its handler for replies. */
  link(onReply: (reply: Reply) => Promise<'done' | 'later'>): CoreLink;
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

const defaultTimings: BridgeTimings = {
  // Well above the wait of 5 s after which the broker redelivers an unacknowledged message.
  orderTimeoutMs: 45_000,
  // As long as the broker keeps a reply.
  replyMsMax: 7 * dayMs,
  waitingNoticeMs: 3_000,
  sweepIntervalMs: 30_000,
  minUnansweredMs: 60_000,
};
const pollRetryMs = { first: 500, max: 30_000 };
/** How long ended rows are kept, so that a repeated post of the chat is recognised. */
const retentionMs = 30 * dayMs;

/** @throws GH_SERVER_PORT, GH_STORE_UNAVAILABLE */
export async function startBridge(options: BridgeOptions) {
  const { settings, adapter, storage, log } = options;
  const { poster, submitter, reporter, watch, link, webhook = null, poll } = assemble(options);
  let pollProblem: string | null = null;
  const health = (): Record<string, unknown> => ({
    ...healthOf(link, storage),
    ...(pollProblem === null ? {} : { chatProblem: pollProblem }),
  });
  // Before anything runs, so that a failing disk fails the start.
  const uncertain = recoverOnStartup({ storage, adapter, now: Date.now, log });
  const server = await startBridgeServer({ ...settings, webhook, health, log });
  link.start();
  poster.start(uncertain);
  reporter.start();
  submitter.start();
  watch.start();
  const polling = createRepeatedStep({
    async step(signal) {
      try {
        await poll?.(signal);
        pollProblem = null;
      } catch (error) {
        pollProblem = messageOf(error);
        throw error;
      }
      return 0;
    },
    retryMs: pollRetryMs,
    failure: 'the chat cannot be asked for messages',
    log,
  });
  if (poll !== undefined) polling.start();
  return {
    /** URL of the webhook, or of the server if the chat is polled. */
    url: `${server.url}${webhook?.path ?? ''}`,
    health,
    /** Graceful shutdown: accepts nothing new and finishes the post in flight; the rest stays for the next start. */
    async stop(): Promise<void> {
      await Promise.all([server.close(), polling.stop()]);
      await Promise.all([submitter.stop(), watch.stop(), poster.stop()]);
      await reporter.stop();
      await link.stop();
    },
  };
}
export type Bridge = Awaited<ReturnType<typeof startBridge>>;

function assemble(options: BridgeOptions) {
  const { channel, adapter, settings, storage, locale, log } = options;
  const { targets } = adapter;
  const timings = { ...defaultTimings, ...options.timings };
  const now = (): number => Date.now();
  // For per-minute limits: if the wall clock were set back, it would lock out all users until it catches up.
  const monotonicNow = (): number => performance.now();
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
    adapter,
    now,
    log,
    noticeDelayMs: settings.noticeDelayMs,
    onStored: () => {
      wakePoster();
      reporter.wake();
    },
  });
  const link = options.link((reply) => Promise.resolve(replies.receive(reply)));
  const reporter = createDeliveryReporter({ channel, storage, link, now, log });
  const shared = { channel, adapter, storage, targets, link, say, now, log };
  const buttons = createButtonCleaner(shared);
  const poster = createReplySender({
    ...shared,
    ...timings,
    onEnded: reporter.wake,
    onAnswered: buttons.clear,
  });
  wakes.poster = poster;
  const submitter = createInboxSubmitter({
    ...shared,
    buttonHandler: createButtonHandler({ ...shared, locale, onDecided: buttons.clear }),
    withFile: createAttachmentLoader({ ...shared, locale }),
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
  const inbound = createInboundHandler({
    storage,
    targets,
    now,
    log,
    rateLimit: createRateLimit(settings.ratePerMinute, monotonicNow),
    onStored: (lane) => submitter.wake(lane),
    onRateLimited(row) {
      const name = `fast-${row.lane.replaceAll(/[^A-Za-z0-9]/g, '-')}-${now()}`;
      const { chatTooFast } = textsOf(noticeLocale(row.text, locale));
      say(createSystemNotice(row, name, 'notice', chatTooFast, now()));
    },
  });
  const received = adapter.receive(inbound, (notice) =>
    say(toSystemNotice(notice, targets, now())),
  );
  return { ...received, poster, submitter, reporter, watch, link };
}

/** Body of `GET /healthz`. */
function healthOf(link: CoreLink, storage: BridgeStorage): Record<string, unknown> {
  const { lastSentAt, ...counts } = storage.counts();
  return {
    nats: link.state,
    ...(link.problem === null ? {} : { problem: link.problem.message }),
    ...counts,
    lastSentAt: lastSentAt === null ? null : new Date(lastSentAt).toISOString(),
  };
}
