/**
 * Error messages about a wrong configuration file: a complete file, in which every secret contains a marker, is
 * damaged in every way in which users damage YAML. No message may repeat a marker.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { configSchema } from '#app/config/config';
import { parseConfig } from '#app/config/load-config';

const marker = 'Hunter2-marker';
const env = { SECRET: marker, LETTERS: 'Huntermarker' };
const markers = /hunter/i;

const messageOf = (source: string): string | null => {
  try {
    parseConfig(source, 'gatehouse.yaml', env);
    return null;
  } catch (error) {
    expect(error).toMatchObject({ code: 'GH_CONFIG_INVALID' });
    return String(error);
  }
};

/** A complete configuration; every secret and every address contains the marker. */
const whole = {
  server: { port: 8100, apiKeys: [`${marker}-a`, { key: `${marker}-b`, user: 'ann' }] },
  nats: {
    url: `nats://127.0.0.1:4222/?key=${marker}`,
    user: 'core',
    password: marker,
    token: marker,
  },
  backends: [
    {
      id: 'big',
      baseUrl: `http://host/v1?key=${marker}`,
      statusUrl: `http://host/status?key=${marker}`,
      model: 'm',
      apiKey: marker,
    },
  ],
  roles: { reasoner: 'big' },
  tools: {
    calendar: {
      provider: 'caldav',
      url: `https://dav/?key=${marker}`,
      username: 'u',
      password: marker,
    },
    email: {
      provider: 'imap',
      host: 'imap.home.example',
      username: 'u',
      password: marker,
      accounts: [{ host: 'imap.other.example', username: 'v', password: marker }],
    },
  },
  search: { embeddings: { baseUrl: `http://host/v1?key=${marker}`, model: 'e', apiKey: marker } },
  synology: {
    incomingUrl: `https://nas/webapi?token=${marker}`,
    token: marker,
    users: { '7': 'ann' },
    bots: [
      {
        name: 'b',
        incomingUrl: `https://nas/?token=${marker}`,
        token: marker,
        allowedUserIds: [7],
      },
    ],
    channels: [
      {
        channelId: 3,
        incomingUrl: `https://nas/?token=${marker}`,
        token: marker,
        userIdMap: { '7': 8 },
      },
    ],
  },
};

type Path = (string | number)[];

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, item]) =>
      pathsOf(item, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

function replaced(value: unknown, path: Path, put: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return put;
  if (Array.isArray(value)) {
    return value.map((item, index) => (index === first ? replaced(item, rest, put) : item));
  }
  return { ...(value as object), [first]: replaced((value as never)[first], rest, put) };
}

const wrongShapes: readonly [string, unknown][] = [
  ['a mapping whose key is the secret', { [marker]: 1 }],
  ['a mapping whose key is a secret of letters', { Huntermarker: null }],
  ['a mapping in a mapping', { password: { [marker]: [marker] } }],
  ['a list of the secret', [marker]],
  ['a list in a list', [[marker]]],
  ['a number', 20_482_048],
  ['an environment variable', '${SECRET}'],
  ['an environment variable within text', 'x-${SECRET}-y'],
  ['an environment variable as a key', { '${LETTERS}': '${SECRET}' }],
];

describe('a message about a wrong configuration file', () => {
  test('does not repeat a secret, whichever key has a value of a wrong type', () => {
    expect(messageOf(stringify(whole))).toBeNull();
    let refused = 0;
    for (const path of pathsOf(whole)) {
      for (const [name, put] of wrongShapes) {
        const message = messageOf(stringify(replaced(whole, path, put)));
        if (message === null) continue;
        refused += 1;
        expect(message, `${path.join('.')} as ${name}`).not.toMatch(markers);
        expect(message, `${path.join('.')} as ${name}`).not.toContain('Invalid input');
      }
    }
    expect(refused).toBeGreaterThan(350);
  });

  test('does not repeat a secret that comes from an environment variable', () => {
    for (const path of pathsOf(whole)) {
      for (const put of [
        { '${LETTERS}': 1 },
        ['${SECRET}'],
        '${SECRET}',
        'nats://${SECRET}@host',
      ]) {
        expect(messageOf(stringify(replaced(whole, path, put))) ?? '', path.join('.')).not.toMatch(
          markers,
        );
      }
    }
  });

  const damages: readonly [string, (line: string) => string | null][] = [
    ['its dash is missing', (line) => (/^\s*- /.test(line) ? line.replace('- ', '  ') : null)],
    ['a dash too many', (line) => line.replace(/^(\s*)(?=\S)/, '$1- ')],
    ['its colon is missing', (line) => (line.includes(': ') ? line.replace(': ', ' ') : null)],
    ['no blank after its colon', (line) => (line.includes(': ') ? line.replace(': ', ':') : null)],
    ['a second colon', (line) => (line.includes(': ') ? line.replace(': ', ': : ') : null)],
    ['one blank more', (line) => ` ${line}`],
    ['one blank less', (line) => (line.startsWith(' ') ? line.slice(1) : null)],
    ['a tab', (line) => `\t${line}`],
    [
      'a quote that does not end',
      (line) => (line.includes(': ') ? line.replace(': ', ': "') : null),
    ],
    ['an alias', (line) => (line.includes(': ') ? line.replace(': ', ': *') : null)],
    ['an anchor', (line) => (line.includes(': ') ? line.replace(': ', ': &') : null)],
    ['a tag', (line) => (line.includes(': ') ? line.replace(': ', ': !') : null)],
    ['a reserved sign', (line) => (line.includes(': ') ? line.replace(': ', ': @') : null)],
    ['a bracket', (line) => (line.includes(': ') ? line.replace(': ', ': [') : null)],
    ['a brace', (line) => (line.includes(': ') ? line.replace(': ', ': {') : null)],
    ['an escape', (line) => (line.includes(': ') ? `${line.replace(': ', ': "\\q')}"` : null)],
    ['the line twice', (line) => `${line}\n${line}`],
    ['a misspelt word', (line) => line.replace(/([a-z])([a-z])(?=\w*$)/, '$2$1')],
    ['a misspelt key', (line) => line.replace(/(\w)(\w)(?=\w*:)/, '$2$1')],
    ['a document mark', (line) => `---\n${line}`],
  ];
  test.each(damages)('does not repeat a secret if a line has this damage: %s', (_name, damage) => {
    const lines = stringify(whole).trimEnd().split('\n');
    let refused = 0;
    for (const [at, line] of lines.entries()) {
      const damaged = damage(line);
      if (damaged === null) continue;
      const message = messageOf(lines.with(at, damaged).join('\n'));
      if (message === null) continue;
      refused += 1;
      expect(message, `line ${at + 1}: ${damaged}`).not.toMatch(markers);
    }
    expect(refused).toBeGreaterThan(0);
  });

  test('names the key, the expected value and the line of each kind of error', () => {
    const cases: [string, string][] = [
      [
        'tools:\n  email:\n    provider: imapp\n    password: x',
        'tools.email.provider: expected one of none, imap, found "imapp" (line 3)',
      ],
      ['server:\n  apiKeys: abc', 'server.apiKeys: expected array, received string (line 2)'],
      [
        'server:\n  apiKeys:\n    - 5',
        'server.apiKeys[0]: expected string or object, found a number; quote it (line 3)',
      ],
      [
        'nats: {password hunter: 1}',
        'nats: there is an unknown key (line 1); its name is not repeated here, it may be a secret; known here: mode, url,',
      ],
      ['a:\n\tb: 1', 'line 2, column 1: a tab as indentation'],
      [
        'server: {port: "${LETTERS}"}',
        'server.port: expected number, received string, found the text of an environment variable (line 1)',
      ],
    ];
    for (const [source, expected] of cases) expect(messageOf(source)).toContain(expected);
  });
});

describe('an environment variable', () => {
  test('is parsed as a number or a boolean if its key expects that type', () => {
    const source = 'server: {port: "${PORT}"}\npipelineEnabled: ${ON}\nnats: {password: "${PORT}"}';
    const config = parseConfig(source, 'gatehouse.yaml', { PORT: '8123', ON: 'false' });
    expect(config.server.port).toBe(8123);
    expect(config.pipelineEnabled).toBe(false);
    expect(config.nats.password).toBe('8123');
  });
});

describe('API keys', () => {
  test.each([
    ['one character', '["x"]', 'server.apiKeys[0]: must have at least two different characters'],
    ['one character again and again', '["aaaaaaaa"]', 'at least two different characters'],
    ['blanks', '["   "]', 'must be visible ASCII characters without blanks'],
    ['a blank within', '["my key"]', 'must be visible ASCII characters without blanks'],
    ['letters that no header carries', '["열쇠열쇠"]', 'must be visible ASCII characters'],
    [
      'the same key twice',
      '["key-1", "key-2", "key-1"]',
      'server.apiKeys[2]: must be a key of its own',
    ],
    [
      'one key of two persons',
      '[{key: k-1, user: ann}, {key: k-1, user: bob}]',
      'server.apiKeys[1].key: must be a key of its own',
    ],
  ])('of this kind are refused by the configuration: %s', (_name, keys, expected) => {
    expect(messageOf(`server: {apiKeys: ${keys}}`)).toContain(expected);
  });
});

describe('the path of the database', () => {
  test.each([
    [':memory:', 'must be a file: a database in memory loses what it accepted'],
    [' ', 'must be a file'],
    ['file:gatehouse.db', 'must be the path of a file, not an address'],
    ['mysql://host/db', 'must be the path of a file, not an address'],
    ['~ann/gatehouse.db', 'must be a path; of the forms with ~ only ~/ is read'],
    ['./data/', 'must be a file, not a folder'],
  ])('is refused if it is %s', (path, expected) => {
    expect(messageOf(`database: '${path}'`)).toContain(`database: ${expected}`);
  });

  test.skipIf(process.platform === 'win32')(
    'is refused if it is a Windows path on another system',
    () => {
      for (const path of [
        'C:\\data\\gatehouse.db',
        'd:/gatehouse.db',
        '\\\\nas\\share\\gatehouse.db',
      ]) {
        expect(messageOf(`database: '${path}'`)).toMatch(
          /database: must be a path of this system|not an address/,
        );
      }
    },
  );

  test('is in the home folder if it begins with ~/', () => {
    const config = parseConfig('database: ~/gatehouse/gatehouse.db', 'gatehouse.yaml', {});
    expect(config.database).toBe(join(process.env['HOME'] ?? '', 'gatehouse', 'gatehouse.db'));
  });
});

test('every password, token and key is marked as write-only in the JSON schema', () => {
  const marked: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [name, child] of Object.entries(node)) {
      const isSecret = /^(?:password|token|apiKey|key)$/.test(name) && path.endsWith('properties');
      if (isSecret) {
        expect(JSON.stringify(child), `${path}.${name}`).toContain('"writeOnly":true');
        marked.push(name);
      }
      visit(child, `${path}.${name}`);
    }
  };
  visit(z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }), '');
  expect(marked.length).toBeGreaterThan(9);
});
