/** Delivery reports of replies on PostgreSQL. */
import type { Promised } from '#shared/maybe-promise';
import type { Delivery } from '#shared/wire/delivery-report';
import type { PostgresDatabase, PreparedStatement } from '#storage/postgres/postgres-database';
import { guardPostgres } from '#storage/postgres/postgres-errors';
import { param, prepared } from '#storage/postgres/prepared-statement';
import type { DeliveryReportStorage } from '../../event-log-port.ts';

export function createPostgresDeliveryStore(
  database: PostgresDatabase,
): Promised<DeliveryReportStorage> {
  const { query } = database;
  const insert = prepared<{ reply_id: string }>(
    'insert_delivery',
    query
      .insertInto('delivery')
      .values({
        reply_id: param,
        job_id: param,
        channel: param,
        status: param,
        parts: param,
        error: param,
        at: param,
      })
      .onConflict((conflict) => conflict.column('reply_id').doNothing())
      .returning('reply_id'),
  );
  const known = prepared<{ reply_id: string }>(
    'select_delivery',
    query.selectFrom('delivery').select('reply_id').where('reply_id', '=', param),
  );
  const ofJob = prepared<Delivery>(
    'select_deliveries',
    query.selectFrom('delivery').selectAll().where('job_id', '=', param).orderBy('at'),
  );
  const run = <Row>(statement: PreparedStatement<Row>, values: unknown[]): Promise<Row[]> =>
    guardPostgres('The delivery reports cannot be reached', () => database.run(statement, values));
  return {
    async record({ reply_id, job_id, channel, status, parts, error, at }) {
      const values = [reply_id, job_id, channel, status, parts, error, at];
      return (await run(insert, values)).length === 1 ? 'stored' : 'known';
    },
    has: async (replyId) => (await run(known, [replyId])).length > 0,
    ofJob: (jobId) => run(ofJob, [jobId]),
  };
}
