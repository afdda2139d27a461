/**
 * Every sub-command by name: what it takes, and what runs it. What a command needs beyond talking to a running
 * core is imported when it runs: a bridge does not carry the core, and `jobs` answers at once.
 */
import { loadConfig } from '../config/load-config.ts';
import { commandKey } from '../lib/key-ring.ts';
import { ask } from './ask.ts';
import { exportCalendar, importCalendar } from './calendar.ts';
import { chat } from './chat.ts';
import { drafts } from './drafts.ts';
import { createCoreClient, reachableUrl, UsageError, type CoreClient } from './core-client.ts';
import type { CommandValues } from './gatehouse.ts';
import { importPaths } from './import.ts';
import { cancelJob, listJobs, showJob, stateQuery } from './jobs.ts';
import { tail } from './tail.ts';

export const usage = `usage: gatehouse COMMAND [--config FILE] [--json]

  serve                     run the core (npm start)
  bridge synology           run the bridge to Synology Chat, a process of its own
  chat ["message"]          talk to a running core; Ctrl-C cancels        [--user ID]
  jobs                      list jobs                                     [--state S] [--user ID] [--limit N]
  jobs show ID              one job: its history, with the time in each state
  jobs cancel ID            cancel a job
  drafts                    what waits to be drafted, runs, was given up  [--user ID]
  drafts show ID | retry ID | accept ID | reject ID | pause | resume | watch
  ask "question"            answer it from your documents                  [--react] [--backend ID] [--user ID]
  tail                      print state events, old and new               [--job ID] [--from SEQ]
  import PATH…              bring text and markdown files in as documents  [--user ID]
  calendar import FILE      bring a calendar file (.ics) in               [--user ID]
  calendar export           print the calendar as a calendar file         [--user ID]
  calendar occurrences FILE --from DATE --to DATE
                            what a calendar file means from one day up to, not including, another;
                            needs no core                                 [--zone ZONE]
  route "message" | -       what the rules decide, as JSON; - reads one   [--now ISO] [--pending]
                            message a line from standard input
  draw [FOLDER]             draw the charts of all machines (./docs/charts)
  backup FILE               copy the database, also while the core runs
  restore FILE              put a backup in the place of the database; the core must not run
  fake-dsm                  a Synology Chat to try the bridge with, with a page
                            [--port N] [--page-port N] [--host H] [--bridge URL] [--token T]
                            [--tls] [--tls-folder DIR] [--storm 0…1]
  doctor                    check configuration, database, backends and NAS  [--send-test CHAT_USER]

Commands that look at a running core find it by the configuration, or by --url.
Exit code: 0 fine, 1 it failed, 2 wrong usage. --version says which Gatehouse this is.`;

export type OptionName = keyof CommandValues;

export interface Command {
  /** What it takes beside --config and --help. Anything else is wrong usage, not something to be passed over. */
  options: readonly OptionName[];
  /** As many words as it takes after its name; left out: any number. */
  wordsMax?: number;
  run(words: string[], values: CommandValues): Promise<number>;
}

const ofCore = ['url', 'json'] as const;
const ofPerson = [...ofCore, 'user'] as const;
const coreOnly = ['url', 'user'] as const;
const windowOnly = ['from', 'to', 'zone'] as const;

export const commands: Record<string, Command | undefined> = {
  serve: {
    options: [],
    wordsMax: 0,
    run: async (_words, values) => (await import('./serve.ts')).serve(values.config),
  },

  bridge: {
    options: [],
    async run([chat, ...rest], values) {
      if (chat !== 'synology' || rest.length > 0) throw new UsageError('bridge takes: synology');
      return (await import('./bridge.ts')).bridge(values.config);
    },
  },

  chat: {
    options: ofPerson,
    run: (words, values) =>
      chat({
        client: clientFor(values),
        message: words.length === 0 ? undefined : words.join(' '),
        userId: values.user ?? 'local',
        json: values.json,
      }),
  },

  ask: {
    options: [...ofPerson, 'react', 'backend'],
    run: (words, values) =>
      ask({
        client: clientFor(values),
        query: words.join(' '),
        isReact: values.react,
        backend: values.backend ?? null,
        userId: values.user ?? 'local',
        json: values.json,
      }),
  },

  jobs: {
    options: [...ofPerson, 'state', 'limit'],
    wordsMax: 2,
    async run([verb, id], values) {
      const client = clientFor(values);
      if (verb === undefined) {
        const { state, user, limit } = values;
        const query = Object.entries({ user_id: user, limit }).filter(isGiven);
        const filter = state === undefined ? {} : stateQuery(state);
        await listJobs(client, { ...Object.fromEntries(query), ...filter }, values.json);
      } else if (verb === 'show' && id !== undefined) await showJob(client, id, values.json);
      else if (verb === 'cancel' && id !== undefined) await cancelJob(client, id, values.json);
      else throw new UsageError('jobs takes: nothing, show ID, or cancel ID');
      return 0;
    },
  },

  drafts: {
    options: ofPerson,
    async run(words, values) {
      const options = { userId: values.user, json: values.json };
      await drafts(clientFor(values), words, options);
      return 0;
    },
  },

  import: {
    options: ofPerson,
    run: (paths, values) =>
      importPaths(clientFor(values), paths, values.user ?? 'local', values.json),
  },

  calendar: {
    options: [...ofPerson, 'from', 'to', 'zone'],
    wordsMax: 2,
    async run([verb, file], values) {
      const stray = (verb === 'occurrences' ? coreOnly : windowOnly).find((name) => name in values);
      if (stray !== undefined) throw new UsageError(`calendar ${verb} does not take --${stray}`);
      if (verb === 'occurrences' && file !== undefined) {
        const { listFileOccurrences } = await import('./calendar-occurrences.ts');
        return listFileOccurrences(file, values);
      }
      const user = values.user ?? 'local';
      const client = clientFor(values);
      if (verb === 'import' && file !== undefined) {
        await importCalendar(client, file, user, values.json);
      } else if (verb === 'export' && file === undefined) await exportCalendar(client, user);
      else throw new UsageError('calendar takes: import FILE, export, or occurrences FILE');
      return 0;
    },
  },

  tail: {
    options: [...ofCore, 'job', 'from'],
    wordsMax: 0,
    run(_words, values) {
      const from = Number(values.from ?? 0);
      if (!Number.isSafeInteger(from) || from < 0) {
        throw new UsageError(`--from: expected a number from 0, found ${values.from}`);
      }
      return tail({ client: clientFor(values), jobId: values.job, from, json: values.json });
    },
  },

  route: {
    options: ['now', 'pending', 'json'],
    run: async (words, values) => {
      const { now, pending, config } = values;
      return (await import('./route.ts')).routeCommand({ words, now, pending, config });
    },
  },

  draw: {
    options: [],
    wordsMax: 1,
    run: async ([folder]) => (await import('./draw.ts')).draw(folder),
  },

  backup: {
    options: ['json'],
    wordsMax: 1,
    async run(words, values) {
      const { backupTo } = await import('./backup.ts');
      return backupTo(words, values.config, values.json);
    },
  },

  restore: {
    options: ['json'],
    wordsMax: 1,
    async run(words, values) {
      const { restoreFrom } = await import('./backup.ts');
      return restoreFrom(words, values.config, values.json);
    },
  },

  'fake-dsm': {
    options: ['json', 'port', 'page-port', 'host', 'bridge', 'token', 'tls', 'tls-folder', 'storm'],
    wordsMax: 0,
    async run(_words, values) {
      const { fakeDsm } = await import('./fake-dsm.ts');
      return fakeDsm(values, values.json);
    },
  },

  doctor: {
    options: ['json', 'send-test'],
    wordsMax: 0,
    async run(_words, values) {
      const { doctor } = await import('./doctor.ts');
      return doctor(values.config, values.json, values['send-test']);
    },
  },
};

const isGiven = (entry: [string, string | undefined]): entry is [string, string] =>
  entry[1] !== undefined;

function clientFor(values: CommandValues): CoreClient {
  const { config } = loadConfig(values.config);
  const { server } = config;
  const url = values.url ?? reachableUrl(server);
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new UsageError(`--url: expected an address like http://127.0.0.1:8100, found ${url}`);
  }
  return createCoreClient(url.replace(/\/+$/, ''), commandKey(server.apiKeys));
}
