/** The commands of schedules. */
import { connect, type Command, type Commands } from './command.ts';

const schedules = () => import('./schedules.ts');

export const scheduleCommands: Commands = {
  'schedules list': {
    summary: 'list reminders and schedules',
    options: ['all', 'user', 'limit', 'url', 'json'],
    run: async (_words, values) => (await schedules()).listSchedules(await connect(values), values),
  },
  'schedules add': {
    summary: 'add a reminder, or a message that is sent at its time',
    takes: 'TEXT…',
    options: [
      'at',
      'cron',
      'zone',
      'kind',
      'start',
      'end',
      'count',
      'overlap',
      'catch-up',
      'catch-up-minutes',
      'pause-on-failures',
      'channel',
      'thread',
      'user',
      'url',
      'json',
    ],
    notes: `gatehouse schedules add --at '2026-12-24 18:00' light the candles
gatehouse schedules add --cron '0 8 * * 1-5' --kind digest briefing`,
    run: async (words, values) =>
      (await schedules()).addSchedule(await connect(values), words, values),
  },
  'schedules pause': changes('pause', 'let a schedule rest'),
  'schedules resume': changes('resume', 'go on with a schedule'),
  'schedules delete': changes('delete', 'cancel a schedule'),
  'schedules run': {
    summary: 'run a schedule now; its planned times stay',
    takes: 'ID',
    options: ['user', 'url', 'json'],
    run: async ([id = ''], values) =>
      (await schedules()).runSchedule(await connect(values), id, values),
  },
  'schedules history': {
    summary: 'what became of the times of a schedule, with its jobs',
    takes: 'ID',
    options: ['user', 'limit', 'url', 'json'],
    run: async ([id = ''], values) =>
      (await schedules()).showRuns(await connect(values), id, values),
  },
};

function changes(verb: 'pause' | 'resume' | 'delete', summary: string): Command {
  return {
    summary,
    takes: 'ID',
    options: ['user', 'url', 'json'],
    run: async ([id = ''], values) =>
      (await schedules()).changeSchedule(await connect(values), verb, id, values),
  };
}
