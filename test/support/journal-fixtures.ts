/** Shared by the tests of the journal: journals that end with their test, and jobs that are brought to a state. */
import { afterEach, beforeEach } from 'vitest';
import { effectOutputs } from './jobs.ts';
import { laterStorage, type StorageAnswers } from './later-storage.ts';
import {
  openJournal,
  scratchFolder,
  until,
  type FixtureOptions,
  type JournalFixture,
  type OpenJournal,
} from './journal.ts';

export const draftReport = effectOutputs['runTools']![2];
export const classifiedAsTools = {
  decision: {
    by: 'classifier',
    action: 'tools',
    calls: [{ tool: 'calendar', operation: 'create_draft', params: {} }],
  },
  backend: 'small',
};

/** Results of `classify`. */
export const classifiedAsReasoning = {
  decision: { by: 'classifier', action: 'route' },
  backend: 'small',
};
export const classifiedAsDirect = (response: string) => ({
  decision: { by: 'classifier', action: 'direct', response },
  backend: 'small',
});

export interface Journals<Opened extends OpenJournal = JournalFixture> {
  start(options?: FixtureOptionsWithoutPath): Promise<Opened>;
  /**
   * Ends the journal as a crash would, and opens another one on the same database; `between` runs while it is closed.
   */
  restart(
    fixture: Opened,
    options?: FixtureOptionsWithoutPath,
    between?: () => void,
  ): Promise<Opened>;
}

export type FixtureOptionsWithoutPath = Omit<FixtureOptions, 'path'>;

/** To be called at the top of a test file: each test gets a database of its own. */
export function useJournals(answers: StorageAnswers = 'in the same tick'): Journals {
  let folder: ReturnType<typeof scratchFolder>;
  let open: JournalFixture[] = [];
  beforeEach(() => {
    folder = scratchFolder();
    open = [];
  });
  afterEach(async () => {
    for (const fixture of open) await fixture.close();
    folder.remove();
  });

  const start: Journals['start'] = async (options = {}) => {
    const { wrapStorage = (storage) => storage, ...rest } = options;
    const fixture = await openJournal({
      path: `${folder.path}/gatehouse.db`,
      wrapStorage: (real) =>
        answers === 'later' ? laterStorage(wrapStorage(real)) : wrapStorage(real),
      ...rest,
    });
    open.push(fixture);
    return fixture;
  };
  return {
    start,
    async restart(fixture, options = {}, between = () => undefined) {
      await fixture.close();
      between();
      open = open.filter((one) => one !== fixture);
      const next = await start(options);
      await next.journal.resume();
      return next;
    },
  };
}

export const stateOf = (fixture: JournalFixture, jobId: string) =>
  fixture.storage.find(jobId)!.head;

/** The same on any database. */
export const storedState = async ({ storage }: OpenJournal, jobId: string) =>
  (await storage.find(jobId))!.head;

export const storedRows = async ({ storage }: OpenJournal, jobId: string) =>
  storage.rows((await storage.find(jobId))!.num);

/** A job that shows its draft and waits for a person. */
export async function openParkedJob(fixture: OpenJournal): Promise<string> {
  const jobId = await fixture.submit();
  await fixture.answer(jobId, 'classify', classifiedAsTools);
  await fixture.answer(jobId, 'runTools', draftReport);
  await until(async () => (await storedState(fixture, jobId)).state === 'confirm-draft');
  return jobId;
}
