/** Rows of the database as the journal's types. Damaged JSON is an error of its row, or of its job, only. */
import type { JobInput } from '#machines/job-types';
import { localeOf } from '#machines/texts';
import { GatehouseError } from '#shared/errors';
import type { JobTable, JournalTable, LatestJobView } from '#storage/schema';
import type { JournalEvent, JournalRow, NewJob, StoredJob } from '../job-store-port.ts';

export type JobRow = Omit<JobTable, 'num'> & { num: number };
export type LatestJobRow = Pick<LatestJobView, 'n' | 'seq' | 'updated_at'> & {
  state: string | null;
};
export type JournalRecord = Omit<JournalTable, 'pos' | 'job'>;

/** The text of the column `input`: the message has a column of its own. */
export const inputText = ({ input }: NewJob): string =>
  JSON.stringify({ ...input, message: undefined });

/** @throws GH_STORE_CORRUPT */
export function journalRow(row: JournalRecord): JournalRow {
  const { n, at, seq } = row;
  try {
    return {
      n,
      at,
      event: JSON.parse(row.event) as JournalEvent,
      value: JSON.parse(row.value) as unknown,
      seq,
      emitted: JSON.parse(row.emitted) as JournalRow['emitted'],
    };
  } catch (error) {
    throw new GatehouseError('GH_STORE_CORRUPT', `row ${n} cannot be read`, { cause: error });
  }
}

export const withLatestRow = (row: JobRow, now: LatestJobRow | undefined): JobRow =>
  now === undefined ? row : { ...row, ...now, state: now.state ?? row.state };

/** The submitted input; when it cannot be read, only what the other columns hold. */
function inputOf(row: JobRow): Pick<StoredJob, 'input' | 'isDamaged'> {
  const { id, user_id: userId, channel, message } = row;
  try {
    return { input: { ...(JSON.parse(row.input) as JobInput), message }, isDamaged: false };
  } catch {
    const rest = { locale: localeOf(message), limits: {} as JobInput['limits'] };
    return { input: { jobId: id, userId, channel, message, ...rest }, isDamaged: true };
  }
}

export const storedJob = (row: JobRow): StoredJob => ({
  num: row.num,
  id: row.id,
  conversation: row.conversation,
  ...inputOf(row),
  machineVersion: row.machine_version,
  createdAt: row.created_at,
  head: {
    state: row.state,
    outcome: row.outcome,
    reply: row.reply,
    n: row.n,
    seq: row.seq,
    snapshot: row.snapshot,
    wakeAt: row.wake_at,
    updatedAt: row.updated_at,
    endedAt: row.ended_at,
  },
});
