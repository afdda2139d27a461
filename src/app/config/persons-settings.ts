/**
 * The key `persons`: the people, with their keys and their ids in each chat, and what the rest of the file must then say.
 * An id that could mean two people is refused here, because all data is found by it.
 */
import { z } from 'zod';
import type { ApiKey } from '#shared/api-keys';
import { nonEmptyString, secret, slug } from '#shared/config-fields';
import { findInvalidApiKey } from './api-key-check.ts';

const chatId = z
  .union([nonEmptyString.max(256), z.int()])
  .transform(String)
  .describe('Id of the person in the chat.');

export const personsSchema = z
  .array(
    z.strictObject({
      id: slug.describe('User id of the person, in all data; keep it.'),
      name: nonEmptyString.max(100).optional().describe('Name for people; default: the id.'),
      keys: z.array(secret).default([]).describe('Keys for HTTP: each acts for this person only.'),
      channels: z
        .record(z.string(), chatId)
        .default({})
        .describe('Id of the person in each chat, by the name of its channel.'),
    }),
  )
  .default([])
  .describe('People with one history and one set of data on all their channels (docs/persons.md).');

export type PersonSettings = z.infer<typeof personsSchema>[number];

interface Section {
  persons: readonly PersonSettings[];
  server: { apiKeys: readonly ApiKey[] };
  synology: {
    allowedUserIds: readonly (string | number)[];
    users: Readonly<Record<string, string>>;
    bots: readonly { allowedUserIds: readonly (string | number)[] }[];
    channels: readonly { userIdMap: Readonly<Record<string, string | number>> }[];
  };
  telegram: {
    allowedUserIds: readonly (string | number)[];
    groups: readonly { allowedUserIds?: readonly (string | number)[] | undefined }[];
  };
  tools: { calendar: object; email: object };
  mcp: { servers: readonly { users?: readonly string[] | undefined }[] };
}

interface Misfit {
  path: (string | number)[];
  /** One sentence with what to write. */
  expected: string;
}

/** The keys of the server and those of the persons. */
export const apiKeysOf = ({ server, persons }: Pick<Section, 'persons' | 'server'>): ApiKey[] => [
  ...server.apiKeys,
  ...persons.flatMap(({ id: user, keys }) => keys.map((key) => ({ key, user }))),
];

/**
 * The keys of the file that do not fit `persons`.
 * @param chats the names of the channels that have a bridge
 */
export function misfitsOfPersons(config: Section, chats: readonly string[]): Misfit[] {
  if (config.persons.length === 0) return [];
  return [
    ...doubles(config.persons),
    ...keyMisfits(config),
    ...channelMisfits(config.persons, chats),
    ...namesakes(config),
    ...usersOfSynology(config),
    ...namedByChatId(config),
  ];
}

function doubles(persons: readonly PersonSettings[]): Misfit[] {
  const ids = persons.map(({ id }) => id);
  return ids.flatMap((id, index) =>
    ids.indexOf(id) === index
      ? []
      : [
          {
            path: ['persons', index, 'id'],
            expected: 'expected an id of its own (it stands twice)',
          },
        ],
  );
}

function keyMisfits({ persons, server }: Section): Misfit[] {
  const misfits: Misfit[] = [];
  const known: ApiKey[] = [...server.apiKeys];
  for (const [index, { id: user, keys }] of persons.entries()) {
    for (const [number, key] of keys.entries()) {
      const problem = findInvalidApiKey([...known, { key, user }]);
      const path = ['persons', index, 'keys', number];
      if (problem !== null) misfits.push({ path, expected: problem.message });
      else known.push({ key, user });
    }
  }
  return misfits;
}

function channelMisfits(persons: readonly PersonSettings[], chats: readonly string[]): Misfit[] {
  const owners = new Map<string, string>();
  return persons.flatMap(({ id, channels }, index) =>
    Object.entries(channels).flatMap(([channel, address]): Misfit[] => {
      const path = ['persons', index, 'channels', channel];
      if (!chats.includes(channel)) {
        return [{ path, expected: `expected a channel with a bridge: ${chats.join(', ')}` }];
      }
      const key = `${channel}:${address}`;
      const owner = owners.get(key);
      if (owner !== undefined) {
        return [{ path, expected: `expected an id of ${id} only: ${owner} has the same one` }];
      }
      owners.set(key, id);
      return [];
    }),
  );
}

/** An id of a person that is another one's id in a chat. */
function namesakes({ persons, synology, telegram }: Section): Misfit[] {
  const idsOf: Record<string, (string | number)[]> = {
    synology: [
      ...[synology, ...synology.bots].flatMap(({ allowedUserIds }) => allowedUserIds),
      ...synology.channels.flatMap(({ userIdMap }) => Object.values(userIdMap)),
    ],
    telegram: [telegram, ...telegram.groups].flatMap(({ allowedUserIds = [] }) => allowedUserIds),
  };
  return persons.flatMap(({ id, channels }, index) => {
    const path = ['persons', index, 'id'];
    const other = persons.find((one) => one.id !== id && Object.values(one.channels).includes(id));
    if (other !== undefined) {
      return [
        { path, expected: `expected an id that is none of a chat: ${other.id} has it there` },
      ];
    }
    const chat = Object.entries(idsOf).find(
      ([name, ids]) => channels[name] !== id && ids.map(String).includes(id),
    );
    if (chat !== undefined) {
      const why = `a user of ${chat[0]} has it`;
      return [{ path, expected: `expected an id that is none of a chat: ${why}` }];
    }
    return [];
  });
}

/** `synology.users` names users that are no persons: of a person, `persons` says who it is. */
function usersOfSynology({ persons, synology }: Section): Misfit[] {
  return Object.entries(synology.users).flatMap(([chatUser, userId]): Misfit[] => {
    const path = ['synology', 'users', chatUser];
    const person = persons.find(
      ({ id, channels }) => id === userId || channels['synology'] === chatUser,
    );
    if (person === undefined) return [];
    const where = `persons, ${person.id}: channels: {synology: ${chatUser}}`;
    return [{ path, expected: `expected no line for a person; write it at ${where}` }];
  });
}

/** Lists of users that name a person by the id in a chat, as before there were persons. */
function namedByChatId({ persons, server, tools, mcp }: Section): Misfit[] {
  const owners = new Map(
    persons.flatMap(({ id, channels }) =>
      Object.values(channels).map((address) => [address, id] as const),
    ),
  );
  const isPerson = new Set(persons.map(({ id }) => id));
  const check = (user: unknown, path: (string | number)[]): Misfit[] => {
    const owner = typeof user === 'string' && !isPerson.has(user) ? owners.get(user) : undefined;
    return owner === undefined
      ? []
      : [{ path, expected: `expected ${owner}: that is the person with this id in a chat` }];
  };
  const list = (section: object, path: (string | number)[]): Misfit[] => {
    const { users = [] } = section as { users?: readonly string[] | undefined };
    return users.flatMap((user, index) => check(user, [...path, 'users', index]));
  };
  const { accounts = [] } = tools.email as { accounts?: readonly object[] };
  return [
    ...server.apiKeys.flatMap((key, index) =>
      typeof key === 'string' ? [] : check(key.user, ['server', 'apiKeys', index, 'user']),
    ),
    ...list(tools.calendar, ['tools', 'calendar']),
    ...list(tools.email, ['tools', 'email']),
    ...accounts.flatMap((account, index) => list(account, ['tools', 'email', 'accounts', index])),
    ...mcp.servers.flatMap((server_, index) => list(server_, ['mcp', 'servers', index])),
  ];
}
