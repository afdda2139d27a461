/**
 * Every command by name: its arguments and its implementation. Help and completion are generated from this table.
 * Modules beyond the client of a running core are imported when the command runs: the bridge does not load the core,
 * and `jobs` starts fast.
 */
import { completionScript, shells } from './completion.ts';
import { connect, type Command, type Commands } from './command.ts';
import { channels, type Channel } from '#app/channels';
import { UsageError } from '#http/client/core-client';
import { documentCommands } from './document-commands.ts';
import { jobCommands } from './job-commands.ts';
import { memoryCommands } from './memory-commands.ts';
import { personCommands } from './person-commands.ts';
import { scheduleCommands } from './schedule-commands.ts';
import { sessionCommands } from './session-commands.ts';

export const commands: Commands = {
  serve: {
    summary: 'run the core (npm start)',
    options: [],
    run: async (_words, values) => (await import('./serve.ts')).serve(values.config),
  },
  doctor: {
    summary: 'check configuration, database, servers, tools and NAS, with advice',
    options: ['send-test', 'json'],
    async run(_words, values) {
      const { doctor } = await import('./doctor.ts');
      return doctor(values.config, values.json, values['send-test']);
    },
  },

  ...jobCommands,
  ...documentCommands,
  ...scheduleCommands,
  ...memoryCommands,
  ...personCommands,
  ...sessionCommands,

  ...Object.fromEntries(
    channels.map((channel) => [`bridge ${channel.name}`, bridgeCommand(channel)]),
  ),
  'fake-dsm': {
    summary: 'a Synology Chat to try the bridge with, with a page',
    options: ['port', 'page-port', 'host', 'bridge', 'token', 'tls', 'tls-folder', 'storm', 'json'],
    run: async (_words, values) => (await import('./fake-dsm.ts')).fakeDsm(values, values.json),
  },

  'fake-telegram': {
    summary: 'a Telegram to try a bot with, with a page',
    options: ['port', 'page-port', 'host', 'token', 'storm', 'json'],
    run: async (_words, values) =>
      (await import('./fake-telegram.ts')).fakeTelegram(values, values.json),
  },

  'gate-proxy': {
    summary: 'a proxy beside a model server of several workers, which checks their permits',
    options: ['target', 'listen', 'concurrency', 'allow-unfenced', 'json'],
    run: async (_words, values) => (await import('./gate-proxy.ts')).gateProxy(values, values.json),
  },

  'mcp list': {
    summary: 'the MCP servers of a running core, with the state of each tool',
    options: ['url', 'json'],
    run: async (_words, values) =>
      (await import('./mcp.ts')).listServers(await connect(values), values.json),
  },
  'mcp probe': {
    summary: 'start an MCP server and list all its tools',
    takes: 'ID',
    options: ['json'],
    async run([id = ''], { config: configFile, json }) {
      return (await import('./mcp.ts')).probeServer({ configFile, id, json });
    },
  },
  'mcp call': {
    summary: 'call a listed tool of an MCP server; before a write it asks',
    takes: 'ID TOOL JSON',
    options: ['yes', 'json'],
    async run([id = '', tool = '', input = ''], { config: configFile, json, yes }) {
      return (await import('./mcp.ts')).callTool({ configFile, id, json, tool, input, yes });
    },
  },
  'mcp accept': {
    summary: 'accept the present definitions of the listed tools of an MCP server',
    takes: 'ID',
    options: ['json'],
    async run([id = ''], { config: configFile, json }) {
      return (await import('./mcp.ts')).acceptTools({ configFile, id, json });
    },
  },
  'mcp login': {
    summary: 'log in at an MCP server (OAuth), with a browser',
    takes: 'ID',
    options: ['json'],
    async run([id = ''], { config: configFile, json }) {
      return (await import('./mcp-login.ts')).logInAtServer({ configFile, id, json });
    },
  },
  'mcp logout': {
    summary: 'forget the login at an MCP server',
    takes: 'ID',
    options: ['json'],
    async run([id = ''], { config: configFile, json }) {
      return (await import('./mcp-login.ts')).logOutAtServer({ configFile, id, json });
    },
  },
  'mcp serve': {
    summary: 'the tools of a running core for an MCP client, on standard input and output',
    options: ['url', 'user'],
    run: async (_words, values) =>
      (await import('./mcp-serve.ts')).serveMcp(await connect(values), values.user),
  },

  route: {
    summary: 'what the rules decide, as JSON, without a model',
    takes: 'MESSAGE…',
    options: ['now', 'pending', 'json'],
    notes: '- in place of a message: one message a line is read from standard input',
    run: async (words, values) => {
      const { now, pending, config } = values;
      return (await import('./route.ts')).routeCommand({ words, now, pending, config });
    },
  },
  draw: {
    summary: 'draw the state machines as SVG (into ./docs/charts)',
    takes: '[FOLDER]',
    options: [],
    run: async ([folder]) => (await import('./draw.ts')).draw(folder),
  },
  backup: {
    summary: 'copy the database, also while the core runs',
    takes: 'FILE',
    options: ['json'],
    async run([file = ''], values) {
      (await import('./backup.ts')).backupTo(file, values.config, values.json);
    },
  },
  restore: {
    summary: 'put a backup in the place of the database; the core must not run',
    takes: 'FILE',
    options: ['json'],
    async run([file = ''], values) {
      (await import('./backup.ts')).restoreFrom(file, values.config, values.json);
    },
  },
  migrate: {
    summary: 'copy the database between SQLite and PostgreSQL; no core may run',
    takes: 'FROM TO',
    options: ['password-file', 'json'],
    notes: `FROM and TO: the path of a file, and an address postgres://user@host/database
The password: --password-file, or the variable PGPASSWORD. Interrupted, the same command goes on.`,
    async run([from = '', to = ''], values) {
      const { json, 'password-file': passwordFile } = values;
      return (await import('./migrate.ts')).migrate({ from, to, passwordFile, json });
    },
  },

  completion: {
    summary: `print a completion script for ${shells.join(', ')}`,
    takes: 'SHELL',
    words: shells,
    options: [],
    notes: `bash: source <(gatehouse completion bash)
zsh:  source <(gatehouse completion zsh)
fish: gatehouse completion fish | source`,
    run([name]) {
      const shell = shells.find((one) => one === name);
      if (shell === undefined) {
        throw new UsageError(`completion: expected one of ${shells.join(', ')}; found ${name}`);
      }
      process.stdout.write(completionScript(commands, shell));
      return Promise.resolve();
    },
  },
};

function bridgeCommand(channel: Channel): Command {
  return {
    summary: `run the bridge to ${channel.title}, a process of its own`,
    options: [],
    run: async (_words, values) => (await import('./bridge.ts')).bridge(channel, values.config),
  };
}
