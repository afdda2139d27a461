/**
 * The simplest durable job: a live XState actor that invokes its steps, and a subscriber that saves the whole
 * persisted snapshot in a transaction of its own at every transition, `synchronous=FULL`.
 */
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { assign, createActor, fromPromise, setup } from 'xstate';
import { stepResult } from './gatehouse-jobs.ts';

const step = fromPromise<string>(async () => stepResult);
const naiveSetup = setup({
  types: { context: {} as { results: string[] } },
  actors: { step },
});
const keep = assign({
  results: ({ context, event }) => [
    ...(context as { results: string[] }).results,
    (event as unknown as { output: string }).output,
  ],
});
const state = (id: string, target: string) =>
  ({ invoke: { id, src: 'step', onDone: { target, actions: keep } } }) as never;

const machine = naiveSetup.createMachine({
  context: { results: [] },
  initial: 'one',
  states: {
    one: state('one', 'two'),
    two: state('two', 'three'),
    three: state('three', 'four'),
    four: state('four', 'five'),
    five: state('five', 'done'),
    done: { type: 'final' },
  },
});

export function openNaive(folder: string): { run(n: number): Promise<void>; close(): void } {
  const database = new Sqlite(join(folder, 'naive.db'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('create table if not exists job (id text primary key, snapshot text)');
  const save = database.prepare('insert or replace into job values (?, ?)');
  let count = 0;
  return {
    run() {
      const id = `job-${(count += 1)}`;
      return new Promise((resolve) => {
        const actor = createActor(machine);
        actor.subscribe({
          next: () => void save.run(id, JSON.stringify(actor.getPersistedSnapshot())),
          complete: resolve,
        });
        actor.start();
      });
    },
    close: () => database.close(),
  };
}
