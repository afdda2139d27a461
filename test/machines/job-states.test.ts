/** The table of states that the inspector's page, the commands, metrics and queries share. */
import { createMachine } from 'xstate';
import { expect, test } from 'vitest';
import { jobMachine } from '#machines/job';
import {
  confirmState,
  finalStates,
  jobStateRows,
  jobStateRowsOf,
  statesThatAsk,
} from '#machines/job-states';
import { jobStates } from '#machines/job-types';
import { readAssets } from '#inspector/server/assets';

test('the table has the states of the job machine, in the order of the published names', () => {
  expect(jobStateRows.map(({ name }) => name)).toEqual([...jobStates]);
  expect([...finalStates]).toEqual(['done', 'cancelled']);
  expect([...statesThatAsk]).toEqual([confirmState]);
  expect(jobStateRows.find(({ name }) => name === confirmState)).toEqual({
    name: 'confirm-draft',
    label: 'A person decides',
    stage: 'confirm',
    tone: 'asks',
    isFinal: false,
    waitsForPerson: true,
  });
});

test('a state that is added to the machine is in the table, with what its meta and tags say', () => {
  const config = jobMachine.config as { states: Record<string, object> };
  const extended = createMachine({
    ...config,
    states: {
      ...config.states,
      second: { meta: { label: 'Another person decides' }, tags: ['waits-for-person'] },
      expired: { type: 'final', meta: { label: 'Expired', stage: 'late', tone: 'stopped' } },
    },
  } as never);
  expect(jobStateRowsOf(extended).slice(jobStates.length)).toEqual([
    {
      name: 'second',
      label: 'Another person decides',
      stage: 'second',
      tone: 'asks',
      isFinal: false,
      waitsForPerson: true,
    },
    {
      name: 'expired',
      label: 'Expired',
      stage: 'late',
      tone: 'stopped',
      isFinal: true,
      waitsForPerson: false,
    },
  ]);
});

test('the page of the inspector gets the table as a module', async () => {
  const source = readAssets(false).get('job-states.js')!.body.toString('utf8');
  const module = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as {
    jobStates: unknown;
  };
  expect(module.jobStates).toEqual(jobStateRows);
});
