/** The commands that send messages and show jobs. */
import { UsageError } from '#http/client/core-client';
import { type Commands, connect } from './command.ts';

const jobs = () => import('./jobs.ts');

export const jobCommands: Commands = {
  chat: {
    summary: 'talk to a running core; Ctrl-C cancels',
    takes: '[MESSAGE…]',
    options: ['user', 'url', 'json'],
    async run(words, values) {
      const { chat } = await import('./chat.ts');
      return chat({
        client: await connect(values),
        message: words.length === 0 ? undefined : words.join(' '),
        userId: values.user,
        json: values.json,
      });
    },
  },

  ask: {
    summary: 'answer a question from your documents',
    takes: 'QUESTION…',
    options: ['react', 'backend', 'user', 'url', 'json'],
    async run(words, values) {
      const { ask } = await import('./ask.ts');
      return ask({
        client: await connect(values),
        query: words.join(' '),
        isReact: values.react,
        backend: values.backend ?? null,
        userId: values.user,
        json: values.json,
      });
    },
  },

  'jobs list': {
    summary: 'list jobs, newest first',
    options: ['state', 'user', 'limit', 'url', 'json'],
    async run(_words, values) {
      const { listJobs, stateQuery } = await jobs();
      const { state, user, limit } = values;
      const query = {
        ...(state === undefined ? {} : stateQuery(state)),
        ...(user === undefined ? {} : { user_id: user }),
        ...(limit === undefined ? {} : { limit }),
      };
      return listJobs(await connect(values), query, values.json);
    },
  },
  'jobs show': {
    summary: 'one job: its history, with the time in each state',
    takes: 'ID',
    options: ['url', 'json'],
    run: async ([id = ''], values) =>
      (await jobs()).showJob(await connect(values), id, values.json),
  },
  'jobs cancel': {
    summary: 'cancel a job',
    takes: 'ID',
    options: ['url', 'json'],
    run: async ([id = ''], values) =>
      (await jobs()).cancelJob(await connect(values), id, values.json),
  },

  tail: {
    summary: 'print events as they come',
    options: ['from', 'job', 'url', 'json'],
    notes: `Each line begins with its position. --from POSITION prints what came after it first (0: all that is kept);
with --job it is the number of an event of that job.`,
    async run(_words, values) {
      const from = values.from === undefined ? null : Number(values.from);
      if (from !== null && (!Number.isSafeInteger(from) || from < 0 || values.from === '')) {
        throw new UsageError(`--from: expected a number from 0, found ${values.from}`);
      }
      const { tail } = await import('./jobs.ts');
      return tail({ client: await connect(values), jobId: values.job, from, json: values.json });
    },
  },
};
