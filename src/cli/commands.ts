/** Every sub-command by name: what it takes, and what runs it. */
import { loadConfig } from '../config/load-config.ts';
import { describeRoute, route } from '../routing/route.ts';
import { exportCalendar, importCalendar } from './calendar.ts';
import { chat } from './chat.ts';
import { createCoreClient, reachableUrl, UsageError, type CoreClient } from './core-client.ts';
import { doctor } from './doctor.ts';
import { draw } from './draw.ts';
import type { CommandValues } from './gatehouse.ts';
import { importPaths } from './import.ts';
import { cancelJob, listJobs, showJob } from './jobs.ts';
import { serve } from './serve.ts';
import { tail } from './tail.ts';

export const usage = `usage: gatehouse COMMAND [--config FILE] [--json]

  serve                     run the core (npm start)
  chat ["message"]          talk to a running core; Ctrl-C cancels        [--user ID]
  jobs                      list jobs                                     [--state S] [--user ID] [--limit N]
  jobs show ID              one job: its history, with the time in each state
  jobs cancel ID            cancel a job
  tail                      print state events, old and new               [--job ID] [--from SEQ]
  import PATH…              bring text and markdown files in as documents  [--user ID]
  calendar import FILE      bring a calendar file (.ics) in               [--user ID]
  calendar export           print the calendar as a calendar file         [--user ID]
  route "message"           what the rules decide, as JSON                [--now ISO] [--pending]
  draw [FOLDER]             draw the charts of all machines (docs/charts)
  doctor                    check configuration, database and backends, with advice

Commands that look at a running core find it by the configuration, or by --url.
Exit code: 0 fine, 1 it failed, 2 wrong usage.`;

type Command = (args: string[], values: CommandValues) => Promise<number>;

export const commands: Record<string, Command | undefined> = {
  serve: (_args, values) => serve(values.config),

  chat: (words, values) =>
    chat({
      client: clientFor(values),
      message: words.length === 0 ? undefined : words.join(' '),
      userId: values.user ?? 'local',
      json: values.json,
    }),

  async jobs([verb, id], values) {
    const client = clientFor(values);
    if (verb === undefined) {
      const { state, user, limit } = values;
      const query = Object.entries({ state, user_id: user, limit });
      await listJobs(client, Object.fromEntries(query.filter(isGiven)), values.json);
    } else if (verb === 'show' && id !== undefined) await showJob(client, id, values.json);
    else if (verb === 'cancel' && id !== undefined) await cancelJob(client, id, values.json);
    else throw new UsageError('jobs takes: nothing, show ID, or cancel ID');
    return 0;
  },

  import: (paths, values) =>
    importPaths(clientFor(values), paths, values.user ?? 'local', values.json),

  async calendar([verb, file], values) {
    const user = values.user ?? 'local';
    const client = clientFor(values);
    if (verb === 'import' && file !== undefined) {
      await importCalendar(client, file, user, values.json);
    } else if (verb === 'export' && file === undefined) await exportCalendar(client, user);
    else throw new UsageError('calendar takes: import FILE, or export (to standard output)');
    return 0;
  },

  tail(_args, values) {
    const from = Number(values.from ?? 0);
    if (!Number.isSafeInteger(from) || from < 0) {
      throw new UsageError(`--from: expected a number from 0, found ${values.from}`);
    }
    return tail({ client: clientFor(values), jobId: values.job, from, json: values.json });
  },

  async route(words, values) {
    const message = words.join(' ');
    if (words.length === 0) throw new UsageError('route takes a message');
    const now = values.now === undefined ? Date.now() : Date.parse(values.now);
    if (Number.isNaN(now)) throw new UsageError(`--now: ${values.now} is not an ISO 8601 time`);
    const { config } = loadConfig(values.config);
    const options = { now, timeZone: config.timezone, pendingDraft: values.pending };
    console.log(JSON.stringify(describeRoute(route(message, options))));
    return 0;
  },

  draw: ([folder]) => draw(folder),

  doctor: (_args, values) => doctor(values.config, values.json),
};

const isGiven = (entry: [string, string | undefined]): entry is [string, string] =>
  entry[1] !== undefined;

function clientFor(values: CommandValues): CoreClient {
  const { config } = loadConfig(values.config);
  const { server } = config;
  return createCoreClient(values.url ?? reachableUrl(server), server.apiKeys[0] ?? null);
}
