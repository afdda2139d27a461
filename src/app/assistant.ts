/** Wires the language, effects, journal and job service of a core: everything between a message and its answer. */
import { Speculation } from '#jobs/effects/speculation';
import { createJobService } from '#jobs/service/job-service';
import { createEffects, type AssistantOptions } from '#jobs/effects/effects';
import { maxExchanges, buildHistory } from '#jobs/service/conversation-history';
import { createAnswerFromDocuments } from '#jobs/effects/answer-from-documents';
import type { AskLoop } from '#ask/ask-loop';
import { createLanguageAdapter } from '#jobs/effects/language-adapter';
import type { Config } from './config/config.ts';
import type { BusyLoad, JobLimits } from '#machines/job-types';
import { configuredNames } from './configured-names.ts';
import type { JobService } from '#shared/wire/job-service';
import type { LiveSource } from '#shared/wire/live-source';
import type { Library } from '#library/library';
import { createJournal, type Journal, type JournalOptions } from '#jobs/runtime/journal';
import type { Clock } from '#shared/clock';
import { createIdSource } from '#shared/ids';
import { isCancelRequest } from '#language/rules/consent';
import { asksToForget } from '#language/memory/read-memory-request';
import type { JobQueries } from '#jobs/store/job-queries';
import { wireAskLoop } from './api/ask-api-adapter.ts';
import { keepAttachment } from './attachments.ts';
import type { BackendPool, PoolMember } from '#models/backend-pool';
import type { DocumentSearch } from '#library/document-search';
import { wireDocumentSearch } from './search-wiring.ts';
import { civilNow, isoDate } from '#shared/calendar/civil-date';
import { dayMs, minuteMs } from '#shared/calendar/time-units';
import type { Observability } from '#observability/observability';
import { createSystemStatus } from './system-status.ts';
import { isSameServer } from '#models/backend-config';
import { deriveJobLimits } from '#models/derived-timeouts';
import { wireTools, wireLibrary } from './tools-wiring.ts';
import { mcpLimitMs } from '#mcp/mcp-settings';
import type { ReminderBook } from '#tools/schedule/reminder-book';
import type { ToolSet } from '#tools/tool-declaration';
import type { CoreParts } from './core-parts.ts';
import type { OpenedMemory } from './memory-wiring.ts';

/** A question about a reminder can be answered with a bare time for this long. */
const answerableMs = 10 * minuteMs;

export interface Assistant {
  journal: Journal;
  /** Commands of jobs, at whichever process they run. */
  commands: Pick<Journal, 'submit' | 'send'>;
  /** Live events and texts of all jobs that this process can show. */
  live: LiveSource;
  jobService: JobService;
  library: Library;
  search: DocumentSearch;
  /** Answers questions with searches in the documents (ask loop). */
  react: AskLoop;
  limits: JobLimits;
  speculation: Speculation;
}

export async function createAssistant(
  parts: Omit<CoreParts, 'library' | 'search'> & {
    observers: Pick<Observability, 'journal' | 'onCall'>;
    reminders: ReminderBook;
    memory: OpenedMemory;
  },
): Promise<Assistant> {
  const { cluster, config, stores, pool, hub, slices, clock, log, observers } = parts;
  const { jobs: storage, queries } = stores;
  const language = languageOf(config, parts.tools);
  const library = wireLibrary(parts);
  const search = wireDocumentSearch({ ...parts, library });
  const { schedules, deliveries } = stores;
  const status = createSystemStatus({ pool, stats: () => journal.stats, schedules, clock });
  const tools = await wireTools({ ...parts, library, search, status, onCall: observers.onCall });
  const react = wireAskLoop({ ...parts, library, search, registry: tools });
  const speculation = speculationOf(config, pool);
  const effects = createEffects({
    language,
    // Read at each use: a discovered server replaces the demo model.
    get classifier() {
      return pool.role('classifier').backend;
    },
    speculation,
    reasonerLoad: () => busyLoadOf(pool.role('reasoner')),
    tools,
    externalTools: (message, userId) => parts.mcp.offer(message, userId),
    remembered: rememberedFacts(config, parts.memory),
    asked: ({ conversation, jobId }) =>
      queries.asked(conversation, jobId, clock.now() - answerableMs),
    timeZone: config.timezone,
    get summarizesResults() {
      return pool.origin !== 'practice';
    },
    answerFromDocuments: documentAnswers(config, react),
    clock,
    history: historyReader(config, queries, clock, parts.memory),
    log,
  });
  const journal = openJournal(parts, observers.journal, effects);
  const live = cluster?.liveOf(journal, (jobId, seq) => jobService.events(jobId, seq));
  const commands = cluster?.jobCommands() ?? journal;
  const limits = limitsOf(config, pool);
  const jobService: JobService = createJobService({
    journal: {
      submit: (submission) => commands.submit(submission),
      send: (...command) => commands.send(...command),
      queuePositionOf: (jobId) => journal.queuePositionOf(jobId),
    },
    ...(live === undefined ? {} : { progressOf: live.progressOf }),
    storage,
    queries,
    persons: parts.persons,
    hub,
    slices,
    clock,
    nextId: createIdSource(),
    messageMaxChars: config.jobs.messageMaxChars,
    limits,
    locale: config.locale,
    parseDraftReply: language.parseDraftReply,
    isCancelRequest,
    deliveriesOf: deliveries.ofJob,
    keepAttachment: keepAttachment(library),
  });
  const made = { journal, commands, jobService, library, search, react, limits, speculation };
  return { ...made, live: live ?? hub };
}

function openJournal(
  parts: Omit<CoreParts, 'library' | 'search'>,
  observer: NonNullable<JournalOptions['observer']>,
  effects: JournalOptions['effects'],
): Journal {
  const { cluster, config, stores, hub, clock, log, faults } = parts;
  return createJournal({
    storage: stores.jobs,
    effects,
    hub,
    clock,
    log,
    faults,
    observer,
    ...(cluster === null ? {} : { onFenced: (lost) => cluster.fenced(lost) }),
    ...config.jobs,
  });
}

const speculationOf = ({ jobs }: Config, pool: BackendPool): Speculation =>
  new Speculation({
    mode: jobs.speculate,
    reasoner: () => pool.role('reasoner').backend,
    canSpeculate: () => pool.role('reasoner') !== pool.role('classifier'),
    isFreeToUse() {
      const { baseUrl, apiKey } = pool.role('reasoner').config;
      return apiKey === null && !isSameServer(baseUrl, pool.role('classifier').config.baseUrl);
    },
  });

const documentAnswers = ({ tools, jobs }: Config, react: AskLoop) =>
  tools.documents.answers === 'react'
    ? createAnswerFromDocuments(react, jobs.classifyTimeoutMs)
    : null;

const busyLoadOf = ({ health }: PoolMember): BusyLoad | null => {
  const load = health.load();
  return load === 'busy' || load === 'very_busy' ? load : null;
};

const limitsOf = (config: Config, { members }: BackendPool): JobLimits =>
  deriveJobLimits(
    { ...config, jobs: { ...config.jobs, toolTimeoutMs: toolTimeoutMs(config) } },
    members.map((member) => member.config.timeoutsMs),
  );

/** The registry ends each call before this, with 95 % of the tool's own limit. */
const toolTimeoutMs = ({ jobs, mcp }: Config): number =>
  Math.max(jobs.toolTimeoutMs, Math.ceil(mcpLimitMs(mcp) / 0.95));

const languageOf = (config: Config, { modelTools }: ToolSet) =>
  createLanguageAdapter({
    vocabulary: configuredNames(config),
    timeZone: config.timezone,
    tools: modelTools,
  });

function historyReader(
  { conversation: settings }: Config,
  queries: JobQueries,
  clock: Clock,
  { memories }: OpenedMemory,
): AssistantOptions['history'] {
  const { historyMessages: messages, historyCharsMax, retentionDays } = settings;
  return async ({ conversation, jobId, userId }, purpose) => {
    // The classifier needs only the meaning of the last message, and is often the smaller model.
    const chars = purpose === 'classify' ? historyCharsMax / 2 : historyCharsMax;
    const limits = { messages, chars };
    const since = clock.now() - retentionDays * dayMs;
    const answered = await queries.history(conversation, jobId, maxExchanges(limits), since);
    const redact = await memories.redactorOf(userId);
    const shown = answered.map((one) => ({
      ...one,
      message: redact(one.message),
      reply: redact(one.reply),
    }));
    return buildHistory(shown, limits);
  };
}

/** A request to forget something gets no facts: the model would only repeat what shall be gone. */
const rememberedFacts =
  (
    { memory: { promptFacts: count, promptChars: chars }, timezone }: Config,
    { memories }: OpenedMemory,
  ): AssistantOptions['remembered'] =>
  async (userId, message) => {
    if (count === 0 || asksToForget(message)) return [];
    const facts = await memories.fitting(userId, message, { count, chars });
    // Oldest first: where two differ, the model is told that the last one is right.
    const inOrder = facts.toSorted((a, b) => a.createdAt - b.createdAt);
    return inOrder.map(({ text, createdAt }) => ({ text, date: dateOf(createdAt, timezone) }));
  };

const dateOf = (at: number, timeZone: string): string => isoDate(civilNow(at, timeZone).today);
