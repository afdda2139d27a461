/** Doctor check of the persons: who can write, chats without a bridge, and data under ids from before they were persons. */
import { channelFault } from '#app/channels';
import type { Config } from '#app/config/config';
import { dataText, readEarlierData } from '#app/person-data';
import { checkResultsOf, type CheckResult } from '#shared/check-result';
import { messageOf } from '#shared/errors';

const { fine, fault } = checkResultsOf('persons');

/** No result without persons. */
export async function checkPersons(config: Config): Promise<CheckResult[]> {
  const { persons } = config;
  if (persons.length === 0) return [];
  const results = [
    ...withoutWay(persons),
    ...(await withoutBridge(config)),
    ...(await earlier(config)),
  ];
  return results.length > 0 ? results : [fine(`${persons.length}, each with a key or a chat`)];
}

function withoutWay(persons: Config['persons']): CheckResult[] {
  const silent = persons.filter(
    ({ keys, channels }) => keys.length === 0 && Object.keys(channels).length === 0,
  );
  if (silent.length === 0) return [];
  const names = silent.map(({ id }) => id).join(', ');
  const what = `${names}: no key and no chat, so only a browser with an invite is theirs`;
  return [fine(what, 'add keys or channels, or: gatehouse invite PERSON')];
}

/** A bridge may have a configuration of its own: this one cannot say that it does not run. */
async function withoutBridge(config: Config): Promise<CheckResult[]> {
  const chats = new Set(config.persons.flatMap(({ channels }) => Object.keys(channels)));
  const results: CheckResult[] = [];
  for (const chat of chats) {
    if ((await channelFault(chat, config)) === null) continue;
    const names = config.persons.filter(({ channels }) => chat in channels).map(({ id }) => id);
    const what = `${chat} of ${names.join(', ')}: no bridge for it is configured here`;
    results.push(
      fine(
        what,
        'configure it, unless its bridge has a configuration of its own; or remove the id',
      ),
    );
  }
  return results;
}

async function earlier(config: Config): Promise<CheckResult[]> {
  try {
    return (await readEarlierData(config)).map(({ person, address, channels, data }) =>
      fine(
        `${address} in ${channels.join(' and ')} is ${person} now, and has ${dataText(data)} from before`,
        `they are not shown to ${person}: stop the core, then: gatehouse persons adopt ${person} ${channels[0]}`,
      ),
    );
  } catch (error) {
    const what = `it cannot be read whether data is left under their ids in chats (${messageOf(error)})`;
    return [fault(what, 'see the lines of the database')];
  }
}
