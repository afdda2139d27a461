/** The data that persons have under their ids in chats, from the time before they were persons. */
import {
  isWithoutData,
  openUserData,
  type UserData,
  type UserDataReader,
} from '#storage/user-data/user-data';
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
