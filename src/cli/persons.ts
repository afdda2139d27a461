/** `gatehouse persons` and `gatehouse persons adopt`: who is who, and data from before somebody was a person. */
import { loadConfig } from '#app/config/load-config';
import {
  adoptEarlierData,
  assertAdoptable,
  dataText,
  readEarlierData,
  selectEarlierData,
} from '#app/person-data';
import type { AdoptedData } from '#storage/user-data/adopt-user-data';
import { sanitizeForTerminal } from './terminal.ts';

const print = (line: string): void => console.log(sanitizeForTerminal(line));

export async function listPersons(configFile: string | undefined, json: boolean): Promise<void> {
  const { config } = loadConfig(configFile);
  const earlier = await readEarlierData(config);
  const persons = config.persons.map(({ id, name = id, channels, keys }) => ({
    id,
    name,
    channels,
    keys: keys.length,
    earlier: earlier
      .filter(({ person }) => person === id)
      .map(({ address, channels: chats, data }) => ({ address, chats, data })),
  }));
  if (json) return console.log(JSON.stringify({ persons }));
  if (persons.length === 0) print('no persons are configured');
  for (const { id, name, channels, keys, earlier: left } of persons) {
    const chats = Object.entries(channels).map(([channel, address]) => `${channel} ${address}`);
    const facts = [...chats, `${keys} ${keys === 1 ? 'key' : 'keys'}`];
    print(`${id}  ${name}  (${facts.join(', ')})`);
    for (const { address, chats: names, data } of left) {
      print(`  under ${address} (${names.join(', ')}): ${dataText(data)}`);
    }
    if (left.length > 0) print(`  not shown to ${id} yet: gatehouse persons adopt ${id}`);
  }
}

export async function adoptForPersons({
  configFile,
  person,
  channel,
  yes,
  json,
}: {
  configFile: string | undefined;
  person: string | undefined;
  channel: string | undefined;
  yes: boolean;
  json: boolean;
}): Promise<void> {
  const { config } = loadConfig(configFile);
  const earlier = await selectEarlierData(config, person, channel);
  for (const one of earlier) assertAdoptable(config, one);
  if (!yes) {
    if (json) return console.log(JSON.stringify({ earlier }));
    for (const { person: id, address, channels, data } of earlier) {
      print(`${address} (${channels.join(', ')}) to ${id}: ${dataText(data)}`);
    }
    if (earlier.length === 0) return print('nothing is stored under ids in chats');
    return print('nothing was changed; stop the core, make a backup, and add --yes');
  }
  const adopted = earlier.length === 0 ? [] : await adoptEarlierData(config, earlier);
  if (json) return console.log(JSON.stringify({ adopted }));
  for (const one of adopted) for (const line of adoptedText(one)) print(line);
  if (adopted.length === 0) print('nothing is stored under ids in chats');
}

function* adoptedText({
  from,
  to,
  doubles,
  leftEntries,
  ...counts
}: AdoptedData): Generator<string> {
  yield `${from} to ${to}: ${dataText(counts) || 'nothing'}`;
  if (doubles > 0) yield `  ${doubles} of ${from} were removed: ${to} has the same ones`;
  if (leftEntries.length > 0) {
    yield `  left under ${from}, because ${to} has other calendar entries with these UIDs: ${leftEntries.join(', ')}`;
  }
}
