/**
 * The top-level states of the job machine as lists show them: the inspector's page, the commands, metrics and queries.
 * Derived from the machine's `meta`, tags and types, so that a state is declared only there.
 */
import { jobMachine } from './job.ts';
import type { JobState } from './job-types.ts';

export interface JobStateRow {
  name: string;
  /** What happens in it. */
  label: string;
  /** One word for the stage, as `gatehouse chat` prints it. */
  stage: string;
  /** How a list colours a job in this state. */
  tone: 'busy' | 'asks' | 'stopped';
  /** The job has ended. */
  isFinal: boolean;
  /** A person decides what follows; the time until then is not measured. */
  waitsForPerson: boolean;
}

/** The part of a state of the machine that the table reads. */
interface StateNode {
  readonly type: string;
  readonly tags: readonly string[];
  readonly meta?: { label: string; stage?: string; tone?: JobStateRow['tone'] } | undefined;
  readonly states: Readonly<Record<string, StateNode>>;
}

const hasTag = (node: StateNode, tag: string): boolean =>
  node.tags.includes(tag) || Object.values(node.states).some((child) => hasTag(child, tag));

/** In the order of the machine. */
export const jobStateRowsOf = (machine: { states: unknown }): JobStateRow[] =>
  Object.entries(machine.states as StateNode['states']).map(([name, node]) => {
    const waitsForPerson = hasTag(node, 'waits-for-person');
    return {
      name,
      label: node.meta?.label ?? name,
      stage: node.meta?.stage ?? name,
      tone: node.meta?.tone ?? (waitsForPerson ? 'asks' : 'busy'),
      isFinal: node.type === 'final',
      waitsForPerson,
    };
  });

export const jobStateRows: readonly JobStateRow[] = jobStateRowsOf(jobMachine);

const namesOf = (wanted: (row: JobStateRow) => boolean): ReadonlySet<string> =>
  new Set(jobStateRows.filter(wanted).map(({ name }) => name));

export const finalStates = namesOf((row) => row.isFinal);
export const statesThatAsk = namesOf((row) => row.waitsForPerson);

/** The state in which a draft waits for its confirmation. */
export const confirmState = 'confirm-draft' satisfies JobState;
