/** Doctor check of the database, without locking or changing it: its owner, its integrity, its free space. */
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '#app/config/config';
import { dataFolderOf } from '#app/config/database-settings';
import { messageOf } from '#shared/errors';
import { diagnoseDatabase, type DatabaseDiagnosis } from '#storage/database-diagnosis';
import type { CheckResult } from '#shared/check-result';

const megabyte = 1024 * 1024;
/** Below this the write-ahead log and a temporary copy may not fit, and commits start to fail. */
const freeBytesMin = 200 * megabyte;
/** Warns early enough to free space. */
const freeBytesLow = 1024 * megabyte;

const errorAdvice: Record<Extract<DatabaseDiagnosis, { state: 'faulty' }>['code'], string> = {
  GH_STORE_NEWER: 'run that version, or restore a backup made before the upgrade',
  GH_STORE_CORRUPT:
    'stop the core, keep a copy of the file, and put the last backup back: gatehouse restore FILE',
  GH_STORE_OPEN: 'check the path and its permissions: the core needs to read and write it',
};

/** With PostgreSQL only the disk. `isCoreThere`: a core answers at the configured address. */
export function checkDatabase(config: Config, isCoreThere: boolean): CheckResult[] {
  const { database: path } = config;
  if (typeof path !== 'string') return diskSpaceResults(join(dataFolderOf(config), 'nats'));
  return [databaseResult(path, isCoreThere), ...diskSpaceResults(path)];
}

function databaseResult(path: string, isCoreThere: boolean): CheckResult {
  const part = 'database';
  const diagnosis = diagnoseDatabase(path);
  if (diagnosis.state === 'absent')
    return { part, ok: true, what: `${path} is made at the first start` };
  if (diagnosis.state === 'faulty') {
    return {
      part,
      ok: false,
      what: `${path}: ${diagnosis.why}`,
      advice: errorAdvice[diagnosis.code],
    };
  }
  const { owner, schema, pending, bytes, openJobs } = diagnosis;
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

/** Whether its folder is writable, and the free space there. */
function diskSpaceResults(path: string): CheckResult[] {
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
