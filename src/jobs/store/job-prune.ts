/** Removes old jobs from the SQLite file (retention). */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { Database } from '#storage/database';

/** Rows that one transaction scans: more would delay the commits of running jobs. */
const batchRows = 200;

/** Resolves with the number of jobs that ended before `endedBefore` (epoch ms). */
export async function pruneJobs(database: Database, endedBefore: number): Promise<number> {
  const { connection } = database;
  const old = connection.prepare<[number, number], { num: number; id: string }>(
    'select num, id from job where ended_at < ? limit ?',
  );
  const removals = ['journal where job', 'job where num'].map((what) =>
    connection.prepare(`delete from ${what} = ?`),
  );
  const ofId = ['delivery', 'submission'].map((table) =>
    connection.prepare(`delete from ${table} where job_id = ?`),
  );
  // Synchronous as a whole: no write of the journal can get into the same transaction.
  const removeBatch = connection.transaction(() => {
    const jobs = old.all(endedBefore, batchRows);
    for (const { num, id } of jobs) {
      for (const remove of ofId) remove.run(id);
      for (const remove of removals) remove.run(num);
    }
    return jobs.length;
  });
  let removed = 0;
  for (;;) {
    const count = removeBatch();
    removed += count;
    if (count < batchRows) break;
    await yieldToEventLoop();
  }
  await pruneLateReports(database, endedBefore);
  return removed;
}

interface DeliveryCursor {
  at: number;
  reply_id: string;
  /** 1: its job was removed. */
  is_late: number;
}

/** A report can arrive after its job was removed: from a bridge that was offline for long. */
async function pruneLateReports({ connection }: Database, before: number): Promise<void> {
  const old = connection.prepare<[number, number, string, number], DeliveryCursor>(`
    select at, reply_id, not exists (select 1 from job where id = delivery.job_id) as is_late
      from delivery where at < ? and (at, reply_id) > (?, ?) order by at, reply_id limit ?`);
  const remove = connection.prepare('delete from delivery where reply_id = ?');
  const removeLate = connection.transaction((after: DeliveryCursor) => {
    const reports = old.all(before, after.at, after.reply_id, batchRows);
    for (const { reply_id, is_late } of reports) if (is_late === 1) remove.run(reply_id);
    return reports;
  });
  // The cursor passes the reports of kept jobs once, and does not start from the first again.
  let last: DeliveryCursor = { at: 0, reply_id: '', is_late: 0 };
  for (;;) {
    const reports = removeLate(last);
    if (reports.length < batchRows) return;
    last = reports.at(-1)!;
    await yieldToEventLoop();
  }
}
