/** The database as the doctor sees it, without owning or changing it: who has it, whether it is whole, its room. */
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { messageOf } from '../lib/errors.ts';
import { inspectDatabase, type Inspection } from '../store/inspection.ts';
import type { Finding } from './finding.ts';

const megabyte = 1024 * 1024;
/** Below it the write-ahead log and a temporary copy may not fit, and commits begin to fail. */
const freeBytesMin = 200 * megabyte;
/** Time to do something about it. */
const freeBytesLow = 1024 * megabyte;

const faultAdvice: Record<Extract<Inspection, { state: 'faulty' }>['code'], string> = {
  GH_STORE_NEWER: 'run that version, or restore a backup made before the upgrade',
  GH_STORE_CORRUPT:
    'stop the core, keep a copy of the file, and put the last backup back: gatehouse restore FILE',
  GH_STORE_OPEN: 'check the path and its permissions: the core needs to read and write it',
};

/** `isCoreThere`: a core answers at the configured address. */
export function checkDatabase({ database: path }: Config, isCoreThere: boolean): Finding[] {
  return [databaseFinding(path, isCoreThere), ...roomFindings(path)];
}

function databaseFinding(path: string, isCoreThere: boolean): Finding {
  const part = 'database';
  const seen = inspectDatabase(path);
  if (seen.state === 'absent')
    return { part, ok: true, what: `${path} is made at the first start` };
  if (seen.state === 'faulty') {
    return { part, ok: false, what: `${path}: ${seen.why}`, advice: faultAdvice[seen.code] };
  }
  const { owner, schema, pending, bytes, openJobs } = seen;
  if (owner !== null && !isCoreThere) {
    return {
      part,
      ok: false,
      what: `${path} is in use by ${owner}, and no core answers at server.host and server.port`,
      advice: 'another gatehouse owns it: stop that one, or set another `database`',
    };
  }
  const facts = [
    path,
    schema === null ? 'empty' : `schema ${schema}`,
    `${(bytes / megabyte).toFixed(1)} MB`,
    `${openJobs} open jobs`,
    'whole',
    ...(owner === null ? [] : ['in use by the running core']),
  ];
  const upgrade = 'the next start upgrades it: make a backup first (gatehouse backup FILE)';
  return {
    part,
    ok: true,
    what: facts.join(', '),
    ...(pending > 0 && schema !== null ? { advice: upgrade } : {}),
  };
}

/** Whether its folder can be written, and how much fits there. */
function roomFindings(path: string): Finding[] {
  const part = 'disk';
  let folder = dirname(resolve(path));
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    return [
      {
        part,
        ok: false,
        what: `${folder} cannot be written: ${messageOf(error)}`,
        advice: 'give the folder to the user that runs the core, or set another `database`',
      },
    ];
  }
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const what = `${Math.round(free / megabyte).toLocaleString('en')} MB free for ${folder}`;
  if (free < freeBytesMin) {
    return [{ part, ok: false, what, advice: 'make room: on a full disk messages are refused' }];
  }
  return [
    { part, ok: true, what, ...(free < freeBytesLow ? { advice: 'it will be full soon' } : {}) },
  ];
}
