/**
 * No path of the job machine reaches a write without a `confirm` of the draft as it was shown, whatever tool the draft
 * is of; and changes of the machine that this must find. Who may send a `confirm` is decided before the machine: a
 * conversation belongs to one person, and a key to its persons.
 */
import { getShortestPaths, getSimplePaths } from 'xstate/graph';
import { describe, expect, test } from 'vitest';
import { jobMachine } from '#machines/job';
import { jobSetup } from '#machines/job-setup';
import { createJobMachineRunner, type JobSnapshot } from '#jobs/runtime/job-machine-runner';
import type { JournalEvent } from '#jobs/job-store-port';
import { jobInput, nextEvents } from '#test/support/jobs';

type Machine = typeof jobMachine;

/** Everything that a guard of the machine reads. */
const key = (snapshot: JobSnapshot): string => {
  const { decision, draft, limits, outcome } = snapshot.context;
  const { action, response, calls } = decision ?? {};
  const read = [action, response, calls?.length, draft?.tool, limits.pipelineEnabled, outcome];
  return JSON.stringify([snapshot.value, snapshot.status, ...read]);
};

const optionsWith = (isSent: (event: JournalEvent) => boolean) => ({
  input: jobInput(),
  events: (snapshot: unknown) => nextEvents(snapshot as JobSnapshot).filter(isSent) as never,
  serializeState: (snapshot: unknown) => key(snapshot as JobSnapshot) as never,
});

const writes = (snapshot: JobSnapshot): boolean => snapshot.hasTag('writes');
const asks = (snapshot: JobSnapshot): boolean =>
  snapshot.matches({ 'confirm-draft': 'asking' } as never);

interface Path {
  state: JobSnapshot;
  /** Each event with the state after it; the first is the start. */
  steps: { state: JobSnapshot; event: JournalEvent }[];
}
const namesOf = ({ steps }: Path): string => steps.map(({ event }) => event.type).join(' > ');

/** The shortest path to each state that writes, if nobody sends a `confirm`. */
function unconfirmedWrites(machine: Machine): string[] {
  const paths = getShortestPaths(
    machine,
    optionsWith(({ type }) => type !== 'confirm'),
  );
  return (paths as unknown as Path[]).filter(({ state }) => writes(state)).map(namesOf);
}

/** Paths without a loop on which the event that leads to a write is not a `confirm` of a draft that waits for it. */
function wrongWrites(machine: Machine): string[] {
  const isNeeded = ({ type }: JournalEvent): boolean => !/^(?:gate\.|progress$)/.test(type);
  const options = { ...optionsWith(isNeeded), toState: (state: unknown) => writes(state as never) };
  return (getSimplePaths(machine, options) as unknown as Path[])
    .filter(({ steps }) => steps.at(-1)!.event.type !== 'confirm' || !asks(steps.at(-2)!.state))
    .map(namesOf);
}

test('only the state with the tag `writes` runs the effect `execute`', () => {
  const nodes: { tags: string[]; sources: unknown[] }[] = [];
  const visit = (node: Machine['root']): void => {
    nodes.push({ tags: node.tags, sources: node.invoke.map(({ src }) => src) });
    Object.values(node.states).forEach(visit);
  };
  visit(jobMachine.root);
  const writing = nodes.filter(({ sources }) => sources.includes('execute'));
  expect(writing).toEqual([{ tags: ['writes'], sources: ['execute'] }]);
  expect(nodes.filter(({ tags }) => tags.includes('writes'))).toEqual(writing);
});

describe('no path of the job machine', () => {
  test('reaches a write if nobody confirms', () => {
    expect(unconfirmedWrites(jobMachine)).toEqual([]);
  });

  test('reaches a write but by a confirm of a draft that waits for it; drafts of all tools are written then', () => {
    expect(wrongWrites(jobMachine)).toEqual([]);
    const written = (
      getShortestPaths(
        jobMachine,
        optionsWith(() => true),
      ) as unknown as Path[]
    ).filter(({ state }) => writes(state));
    const tools = new Set(written.map(({ state }) => state.context.draft?.tool));
    expect(tools).toEqual(new Set(['calendar', 'mcp:home']));
  });

  test('writes another draft than the one that was shown last, or a second time', () => {
    const runner = createJobMachineRunner();
    const paths = getSimplePaths(
      jobMachine,
      optionsWith(({ type }) => !/^(?:gate\.|progress$)/.test(type)),
    ) as unknown as Path[];
    expect(paths.length).toBeGreaterThan(50);
    for (const { steps } of paths) {
      let shown = '';
      let count = 0;
      let step = runner.initialTransition(jobInput());
      for (const { event } of steps.slice(1)) {
        step = runner.transition(step.snapshot, event);
        for (const effect of step.startedEffects.filter(({ src }) => src === 'execute')) {
          const { draft } = effect.input as { draft: { summary: string } };
          expect(shown).toContain(draft.summary);
          count += 1;
        }
        const draftEvent = step.emitted.find(
          ({ type, state }) => type === 'result' && state === 'confirm-draft',
        );
        if (draftEvent !== undefined) shown = String(draftEvent.data['content']);
      }
      expect(count).toBeLessThanOrEqual(1);
    }
  });
});

/** The machine with a changed configuration; `change` gets a copy of its states. */
function mutant(change: (states: any) => void): Machine {
  const copy = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(copy)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, copy(inner)]))
        : value;
  const config = copy(jobMachine.config) as { states: unknown };
  change(config.states);
  return jobSetup.createMachine(config as never) as unknown as Machine;
}

const executing = '#job.confirm-draft.executing';

describe('a changed machine is found:', () => {
  test.each<[string, (states: any) => void]>([
    [
      'tools that draft go to the write',
      (states) => (states.tools.states.run.invoke.onDone[0].target = executing),
    ],
    [
      'a changed draft is written',
      ({ 'confirm-draft': at }) => (at.states.revising.invoke.onDone.target = 'executing'),
    ],
    [
      'a failed change is written',
      ({ 'confirm-draft': at }) => (at.states.revising.invoke.onError = 'executing'),
    ],
    [
      'an expired draft is written',
      ({ 'confirm-draft': at }) => (at.states.asking.after.CONFIRM_TTL = { target: 'executing' }),
    ],
    [
      'an unclear reply is a yes',
      ({ 'confirm-draft': at }) => (at.states.asking.on['confirm.early'] = 'executing'),
    ],
    [
      'a change is a yes',
      ({ 'confirm-draft': at }) => (at.states.asking.on.edit.target = 'executing'),
    ],
    [
      'a no is a yes',
      ({ 'confirm-draft': at }) => (at.states.asking.on.reject.target = 'executing'),
    ],
    ['the draft is not asked about', ({ 'confirm-draft': at }) => (at.initial = 'executing')],
  ])('%s', (_name, change) => {
    expect(unconfirmedWrites(mutant(change))).not.toEqual([]);
  });

  test('a yes before the changed draft was shown is a yes', () => {
    const changed = mutant(({ 'confirm-draft': at }) => {
      at.states.revising.on.confirm = 'executing';
    });
    expect(unconfirmedWrites(changed)).toEqual([]);
    expect(wrongWrites(changed)).not.toEqual([]);
  });
});
