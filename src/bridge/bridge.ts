/**
 * The Synology bridge, put together: Chat's webhooks in, the NAS's API out, the core over NATS.
 *
 *     Chat ─► webhook-server ─► intake ─► INBOX ─► submitter ─► core
 *     Chat ◄─ nas-client ◄─ poster ◄─ OUTBOX ◄─ reply-inbox ◄─ core      reporter, answer-watch ─► core
 *
 * 1. What Chat was told is accepted is on disk; what the broker was told is taken is on disk.
 * 2. Nothing is posted twice. What nobody knows is marked so, and reported.
 * 3. No token and no text of a person goes into a log line at `info`.
 */
import type { BridgeStorage, NewOutboxRow } from '../contract/bridge-storage.ts';
import type { Reply } from '../contract/reply.ts';
import type { Log } from '../lib/log.ts';
import type { TlsTrust } from '../lib/tls-trust.ts';
import { textsOf, type Locale } from '../../machines/texts.ts';
import { createAnswerWatch } from './answer-watch.ts';
import { createClicks } from './clicks.ts';
import { createFileIntake } from './file-intake.ts';
import { createIntake, type Intake } from './intake.ts';
import { settleLeftovers } from './leftovers.ts';
import { createNasClient } from './nas-client.ts';
import { chatLocale, ownWords } from './own-words.ts';
import { atItsPlace } from './places.ts';
import type { CoreLink } from './ports.ts';
import { createPoster, type Poster } from './poster.ts';
import { createRateLimit } from './rate-limit.ts';
import { createReplyInbox } from './reply-inbox.ts';
import { createReporter } from './reporter.ts';
import { createSubmitter } from './submitter.ts';
import { readTargets, type SynologySettings, type Targets } from './targets.ts';
import { createTokenGuard } from './token-guard.ts';
import { startWebhookServer } from './webhook-server.ts';

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
  /** Made with what is to be done with each reply. */
  link(onReply: (reply: Reply) => Promise<'done' | 'later'>): CoreLink;
  trust: TlsTrust;
  locale: Locale | 'auto';
  log: Log;
  timings?: Partial<BridgeTimings>;
}

export interface BridgeTimings {
  orderPatienceMs: number;
  replyMsMax: number;
  waitingNoticeMs: number;
  watchMs: number;
  answerPatienceMs: number;
}

export interface Bridge {
  /** Where Chat posts to. */
  readonly url: string;
  health(): Record<string, unknown>;
  /** Takes nothing more in, ends the post that is out, keeps the rest for the next start. */
  stop(): Promise<void>;
}

const dayMs = 24 * 3_600_000;

const usualTimings: BridgeTimings = {
  // The broker delivers again what was not acknowledged for 30 s.
  orderPatienceMs: 45_000,
  // As long as the broker keeps a reply.
  replyMsMax: 7 * dayMs,
  waitingNoticeMs: 3_000,
  watchMs: 30_000,
  answerPatienceMs: 60_000,
};
/** A post that Chat sends again is known for this long. */
const keepMs = 30 * dayMs;

/** @throws GH_BRIDGE_NOT_CONFIGURED, GH_BRIDGE_NO_USERS, GH_CONFIG_INVALID, GH_SERVER_PORT */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const { settings, storage, log } = options;
  const targets = readTargets(settings);
  const parts = assemble(options, targets);
  const { poster, submitter, reporter, watch, link } = parts;
  const health = () => healthOf(link, storage);
  // Before anything runs: a disk that fails now is told by a start that fails.
  const doubtful = settleLeftovers({ storage, targets, now: Date.now, log });
  const server = await startWebhookServer({ ...settings, intake: parts.intake, health, log });
  link.start();
  poster.start(doubtful);
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
  const timings = { ...usualTimings, ...options.timings };
  const now = (): number => Date.now();
  // For what is counted per minute: a wall clock that is set back would shut everybody out until it has come round.
  const steadyNow = (): number => performance.now();
  const nas = createNasClient(options.trust);
  // Named here, made below: each tells the others that there is work.
  const wakes: { poster?: Poster } = {};
  const wakePoster = (): void => wakes.poster?.wake();
  const say = (row: NewOutboxRow): void => {
    const here = atItsPlace(row, targets);
    if (here === null) return log.warn({ reply: row.replyId }, 'nobody can be told this any more');
    storage.put([here], now());
    wakePoster();
  };
  const replies = createReplyInbox({
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
  const link = options.link((reply) => Promise.resolve(replies.take(reply)));
  const reporter = createReporter({ storage, link, now, log });
  const shared = { storage, targets, link, say, now, log };
  const poster = createPoster({ ...shared, ...settings, ...timings, nas, onEnded: reporter.wake });
  wakes.poster = poster;
  const submitter = createSubmitter({
    ...shared,
    clicks: createClicks({ ...shared, locale }),
    withFile: createFileIntake({ ...shared, nas, locale }),
    waitingNoticeMs: timings.waitingNoticeMs,
    onMoved: wakePoster,
  });
  const watch = createAnswerWatch({
    ...shared,
    replies,
    keepMs,
    onMoved: wakePoster,
    everyMs: timings.watchMs,
    patienceMs: timings.answerPatienceMs,
  });
  const intake: Intake = createIntake({
    storage,
    targets,
    now,
    log,
    guard: createTokenGuard(targets.all, steadyNow),
    rate: createRateLimit(settings.ratePerMinute, steadyNow),
    files: settings.files,
    hasFile: nas.hasFile,
    onStored: (lane) => submitter.wake(lane),
    onTooFast(row) {
      const name = `fast-${row.lane.replaceAll(/[^A-Za-z0-9]/g, '-')}-${now()}`;
      const { chatTooFast } = textsOf(chatLocale(row.text, locale));
      say(ownWords(row, name, 'notice', chatTooFast, now()));
    },
  });
  return { intake, poster, submitter, reporter, watch, link };
}

/** CONTRACT section 6, and what an operator looks for next. */
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
