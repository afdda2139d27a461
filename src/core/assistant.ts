/** Language, effects, journal and door of a core: everything between a message and its answer. */
import { createDoor } from '../assistant/door.ts';
import { createEffects, type AssistantOptions } from '../assistant/effects.ts';
import { exchangesMax, historyOf } from '../assistant/history.ts';
import { createAnswerFromDocuments } from '../assistant/react-effect.ts';
import type { React } from '../assistant/react.ts';
import { createLanguage } from '../assistant/language.ts';
import type { Config } from '../config/config.ts';
import type { JobLimits } from '../../machines/job-types.ts';
import { homeWordsOf } from './home-words.ts';
import type { JobDoor } from '../contract/door.ts';
import type { Library } from '../documents/library.ts';
import { createJournal, type Journal } from '../journal/journal.ts';
import type { LiveHub } from '../journal/live-hub.ts';
import type { Clock } from '../lib/clock.ts';
import type { Faults } from '../lib/faults.ts';
import { createIdSource } from '../lib/ids.ts';
import type { Log } from '../lib/log.ts';
import { readCancel } from '../routing/consent.ts';
import type { Database } from '../store/database.ts';
import { createJobQueries, type JobQueries } from '../store/job-queries.ts';
import type { JobStorage } from '../store/job-storage.ts';
import { createDeliveryStore } from '../store/outbox-store.ts';
import { createReactLoop } from './ask-door.ts';
import { keepAttachment } from './attachments.ts';
import { createJobStore } from '../store/job-store.ts';
import type { BackendPool, PoolMember } from './backend-pool.ts';
import { createDocumentSearch, type DocumentSearch } from './document-search.ts';
import { dayMs } from './retention.ts';
import type { Observers } from './observers.ts';
import { createSystemStatus } from './system-status.ts';
import { jobLimitsOf } from './time-limits.ts';
import { createToolbox, openLibrary } from './toolbox.ts';

export interface Assistant {
  journal: Journal;
  door: JobDoor;
  library: Library;
  search: DocumentSearch;
  /** Answers questions by looking things up. */
  react: React;
  storage: JobStorage;
  queries: JobQueries;
}

export function createAssistant(parts: {
  config: Config;
  database: Database;
  pool: BackendPool;
  hub: LiveHub;
  clock: Clock;
  log: Log;
  faults: Faults;
  observers: Pick<Observers, 'journal' | 'onCall'>;
}): Assistant {
  const { config, database, pool, hub, clock, log, faults, observers } = parts;
  const storage = createJobStore(database);
  const queries = createJobQueries(database);
  const language = languageOf(config);
  const library = openLibrary(parts);
  const search = createDocumentSearch({ ...parts, library });
  const react = createReactLoop({ ...parts, library, search });
  const status = createSystemStatus({ pool, stats: () => journal.stats });
  const effects = createEffects({
    language,
    // Looked up at each use: a server that is found takes the place of the practice model.
    get classifier() {
      return pool.role('classifier').backend;
    },
    get reasoner() {
      return pool.role('reasoner').backend;
    },
    reasonerLoad: () => busyLoadOf(pool.role('reasoner')),
    tools: createToolbox({ ...parts, search, status, onCall: observers.onCall }),
    timeZone: config.timezone,
    get wordsResults() {
      return pool.origin !== 'practice';
    },
    answerFromDocuments: documentAnswers(config, react),
    clock,
    history: historyReader(config, queries, clock),
    log,
  });
  const journal = createJournal({
    storage,
    effects,
    hub,
    clock,
    log,
    faults,
    observer: observers.journal,
    ...config.jobs,
  });
  const door = createDoor({
    journal,
    storage,
    queries,
    hub,
    clock,
    nextId: createIdSource(),
    messageMaxChars: config.jobs.messageMaxChars,
    limits: limitsOf(config, pool),
    locale: config.locale,
    readReply: language.readReply,
    readCancel,
    deliveriesOf: createDeliveryStore(database).ofJob,
    keepAttachment: keepAttachment(library),
  });
  return { journal, door, library, search, react, storage, queries };
}

const documentAnswers = ({ tools, jobs }: Config, react: React) =>
  tools.documents.answers === 'react'
    ? createAnswerFromDocuments(react, jobs.classifyTimeoutMs)
    : null;

const busyLoadOf = ({ health }: PoolMember): 'busy' | 'very_busy' | null => {
  const load = health.load();
  return load === 'busy' || load === 'very_busy' ? load : null;
};

const limitsOf = (config: Config, { members }: BackendPool): JobLimits =>
  jobLimitsOf(
    config,
    members.map((member) => member.config.timeoutsMs),
  );

const languageOf = (config: Config) =>
  createLanguage({
    home: homeWordsOf(config),
    timeZone: config.timezone,
    hasTool: (tool) => tool !== 'email' || config.tools.email.provider !== 'none',
  });

function historyReader(
  { conversation: settings }: Config,
  queries: JobQueries,
  clock: Clock,
): AssistantOptions['history'] {
  const { historyMessages: messages, historyCharsMax, retentionDays } = settings;
  return async ({ conversation, jobId }, purpose) => {
    // The classifier looks for what is meant by the last message, and is often the smaller model.
    const chars = purpose === 'classify' ? historyCharsMax / 2 : historyCharsMax;
    const limits = { messages, chars };
    const since = clock.now() - retentionDays * dayMs;
    const said = await queries.history(conversation, jobId, exchangesMax(limits), since);
    return historyOf(said, limits);
  };
}
