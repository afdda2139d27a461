/** The data that persons have under their ids in chats, from the time before they were persons, and its adoption. */
import { GatehouseError } from '#shared/errors';
import { createPersons } from '#shared/persons';
import { adoptUserData, busy, type AdoptedData } from '#storage/user-data/adopt-user-data';
import {
  isWithoutData,
  openUserData,
  type UserData,
  type UserDataReader,
} from '#storage/user-data/user-data';
import { bridgeChannelNames } from './channels.ts';
import type { Config } from './config/config.ts';

export interface EarlierData {
  /** Id of the person. */
  person: string;
  /** The id in the chats `channels`, under which the data is. */
  address: string;
  /** Chats in which the person has this id. */
  channels: string[];
  data: UserData;
}

/** The ids that a person has in chats and that are not the person's own, each with its chats. */
export function addressesOf(person: Config['persons'][number]): Map<string, string[]> {
  const chats = new Map<string, string[]>();
  for (const [channel, address] of Object.entries(person.channels)) {
    if (address !== person.id) chats.set(address, [...(chats.get(address) ?? []), channel]);
  }
  return chats;
}

/**
 * The ids with data. It works while a core runs, and is empty before the first start.
 * @throws GH_STORE_NEWER, GH_STORE_OLDER, and what opening a PostgreSQL database throws
 */
export async function readEarlierData({
  database,
  persons,
}: Pick<Config, 'database' | 'persons'>): Promise<EarlierData[]> {
  const reader = await openUserData(
    typeof database === 'string'
      ? database
      : { ...database, applicationName: 'gatehouse persons', poolSize: 1 },
  );
  if (reader === null) return [];
  try {
    return await earlierDataOf(persons, reader);
  } finally {
    await reader.close();
  }
}

async function earlierDataOf(
  persons: Config['persons'],
  reader: UserDataReader,
): Promise<EarlierData[]> {
  const found: EarlierData[] = [];
  for (const person of persons) {
    for (const [address, channels] of addressesOf(person)) {
      const data = await reader.of(address);
      if (!isWithoutData(data)) found.push({ person: person.id, address, channels, data });
    }
  }
  return found;
}

/**
 * The earlier data of one person, or of all, and of one chat, or of all.
 * @throws GH_PERSON_UNKNOWN
 */
export async function selectEarlierData(
  config: Pick<Config, 'database' | 'persons'>,
  personId: string | undefined,
  channel: string | undefined,
): Promise<EarlierData[]> {
  const person = config.persons.find(({ id }) => id === personId);
  if (personId !== undefined && person === undefined) {
    throw new GatehouseError('GH_PERSON_UNKNOWN', `${personId} is not in persons`);
  }
  if (channel !== undefined && person?.channels[channel] === undefined) {
    throw new GatehouseError('GH_PERSON_UNKNOWN', `${personId} has no id in ${channel}`);
  }
  return (await readEarlierData(config)).filter(
    (one) =>
      (personId === undefined || one.person === personId) &&
      (channel === undefined || one.channels.includes(channel)),
  );
}

/**
 * Whether the data can become the person's. The number of a chat may be somebody else's in another chat, and documents,
 * entries and facts do not say in which chat they were made.
 * @throws GH_PERSON_SHARED, GH_PERSON_BUSY
 */
export function assertAdoptable(
  { persons }: Pick<Config, 'persons'>,
  { person, address, channels, data }: EarlierData,
): void {
  const other = persons.find(
    ({ id, channels: chats }) => id !== person && Object.values(chats).includes(address),
  );
  const strange = data.channels.filter(
    (channel) => bridgeChannelNames.includes(channel) && !channels.includes(channel),
  );
  const whose = other?.id ?? (strange.length > 0 ? `somebody in ${strange.join(' and ')}` : null);
  if (whose !== null) {
    throw new GatehouseError(
      'GH_PERSON_SHARED',
      `${address} is ${person} in ${channels.join(' and ')}, and also the id of ${whose}: what is stored under it cannot be divided, and stays there`,
    );
  }
  if (data.openJobs > 0) throw busy(address, data.openJobs);
}

/**
 * Gives the data to its persons, in one transaction.
 * @throws as `assertAdoptable` and `adoptUserData`; nothing is changed then
 */
export async function adoptEarlierData(
  config: Pick<Config, 'database' | 'persons'>,
  earlier: readonly EarlierData[],
): Promise<AdoptedData[]> {
  for (const one of earlier) assertAdoptable(config, one);
  const ids = earlier.map(({ person, address }) => ({ from: address, to: person }));
  const people = config.persons.map((one) => ({ ...one, name: one.name ?? one.id }));
  return adoptUserData(config.database, ids, createPersons(people, bridgeChannelNames));
}

const nouns = [
  ['jobs', 'job', 'jobs'],
  ['documents', 'document', 'documents'],
  ['calendarEntries', 'calendar entry', 'calendar entries'],
  ['schedules', 'schedule', 'schedules'],
  ['facts', 'fact', 'facts'],
] as const;

/** `3 jobs, 1 document`. */
export const dataText = (data: Pick<UserData, (typeof nouns)[number][0]>): string =>
  nouns
    .filter(([name]) => data[name] > 0)
    .map(([name, one, several]) => `${data[name]} ${data[name] === 1 ? one : several}`)
    .join(', ');
