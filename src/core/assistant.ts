/** Language, effects, journal and door of a core: everything between a message and its answer. */
import { createDoor } from '../assistant/door.ts';
import { createEffects } from '../assistant/effects.ts';
import { createAnswerFromDocuments } from '../assistant/react-effect.ts';
import type { React } from '../assistant/react.ts';
import { createLanguage } from '../assistant/language.ts';
import type { Config } from '../config/config.ts';
import type { JobDoor } from '../contract/door.ts';
import type { Library } from '../documents/library.ts';
import { createJournal, type Journal } from '../journal/journal.ts';
import type { LiveHub } from '../journal/live-hub.ts';
import type { Clock } from '../lib/clock.ts';
import type { Faults } from '../lib/faults.ts';
import { createIdSource } from '../lib/ids.ts';
import type { Log } from '../lib/log.ts';
import type { JobLimits } from '../../machines/job-types.ts';
import { readCancel } from '../routing/consent.ts';
import type { Database } from '../store/database.ts';
import { createJobQueries, type JobQueries } from '../store/job-queries.ts';
import type { JobStorage } from '../store/job-storage.ts';
import { createDeliveryStore } from '../store/outbox-store.ts';
import { createReactLoop } from './ask-door.ts';
import { keepAttachment } from './attachments.ts';
import { createJobStore } from '../store/job-store.ts';
import type { BackendPool } from './backend-pool.ts';
import { createDocumentSearch, type DocumentSearch } from './document-search.ts';
import { dayMs } from './retention.ts';
import type { Observers } from './observers.ts';
import { createSystemStatus } from './system-status.ts';
import { createToolbox, openLibrary } from './toolbox.ts';

/** The backends' own limits must come first, for their reason is the better one. */
const answerMarginMs = 60_000;
/** A wedged server whose circuit does not open must not hold a person for ever (P1). */
const queueTimeoutMs = 30 * 60_000;

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
  const language = createLanguage({ timeZone: config.timezone });
  const library = openLibrary(parts);
  const search = createDocumentSearch({ ...parts, library });
  const react = createReactLoop({ ...parts, library, search });
  const status = createSystemStatus({ pool, stats: () => journal.stats });
  const effects = createEffects({
    language,
    classifier: pool.role('classifier').backend,
    reasoner: pool.role('reasoner').backend,
    reasonerLoad() {
      const load = pool.role('reasoner').health.load();
      return load === 'busy' || load === 'very_busy' ? load : null;
    },
    tools: createToolbox({ ...parts, search, status, onCall: observers.onCall }),
    timeZone: config.timezone,
    wordsResults: pool.origin !== 'practice',
    answerFromDocuments:
      config.tools.documents.answers === 'react'
        ? createAnswerFromDocuments(react, config.jobs.classifyTimeoutMs)
        : null,
    clock,
    history({ conversation, jobId }) {
      const { historyMessages, retentionDays } = config.conversation;
      const since = clock.now() - retentionDays * dayMs;
      return queries.history(conversation, jobId, historyMessages, since);
    },
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

function limitsOf({ jobs, pipelineEnabled }: Config, pool: BackendPool): JobLimits {
  const totals = pool.members.map(({ config }) => config.timeoutsMs.total);
  return {
    classifyTimeoutMs: jobs.classifyTimeoutMs,
    toolTimeoutMs: jobs.toolTimeoutMs,
    confirmTtlMs: jobs.confirmTtlMs,
    answerTimeoutMs: Math.max(...totals) + answerMarginMs,
    queueTimeoutMs,
    reasonPromptMaxChars: jobs.reasonPromptMaxChars,
    pipelineEnabled,
  };
}
