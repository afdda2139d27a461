/** Writes without a lease on a primary with a synchronous standby: what was answered is there after a failover. */
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createPostgresDeliveryStore } from '#events/store/postgres/postgres-delivery-store';
import { GatehouseError } from '#shared/errors';
import { openPostgres } from '#storage/postgres/postgres-database';
import { createPostgresCalendarStore } from '#tools/calendar/store/postgres-calendar-store';
import { until } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';

const codeOf = (error: unknown): string =>
  error instanceof GatehouseError ? error.code : String(error);
const event = { uid: 'one', firstWall: 1, lastWall: 2, ics: 'BEGIN:VEVENT', entry: '{}' };
const report = {
  reply_id: 'reply',
  job_id: 'job',
  channel: 'chat',
  status: 'sent',
  parts: 1,
  error: null,
  at: 1,
} as const;

describe.skipIf(postgresMissing() !== null)('a primary that its standby does not follow', () => {
  let primary: PostgresServer;
  let standby: PostgresServer;
  let name: string;

  beforeEach(async () => {
    primary = await startPostgres();
    onTestFinished(() => primary.remove());
    name = await primary.createDatabase();
    standby = await primary.startStandby();
    onTestFinished(() => standby.remove());
  });

  const open = async (hosts: string) => {
    const url = primary.urlOf(name).replace(`127.0.0.1:${primary.port}`, hosts);
    const database = await openPostgres({ url });
    onTestFinished(() => database.close());
    return {
      calendar: createPostgresCalendarStore(database),
      deliveries: createPostgresDeliveryStore(database),
    };
  };
  const both = (): string => `127.0.0.1:${primary.port},127.0.0.1:${standby.port}`;

  /** Writes that the primary has stored, and that wait for the standby. */
  const waiting = async (count: number): Promise<void> => {
    const waits = `select 1 from pg_stat_activity where wait_event = 'SyncRep'`;
    await until(async () => (await primary.run(waits)).rows.length >= count);
  };

  test('answers no write that a failover would lose, also when it is repeated after a restart', async () => {
    const { calendar, deliveries } = await open(both());
    const add = async (): Promise<string> => calendar.add('ann', event, 1);
    // Not frozen: it would still read what is in its socket.
    await standby.kill();
    const first = [add(), deliveries.record(report)];
    for (const one of first) one.catch(() => undefined);
    await waiting(2);
    await primary.crash();
    await primary.start();
    // The rows are visible on the primary now, and the standby does not have them.
    const { rows } = await primary.run('select uid from calendar_event', name);
    expect(rows).toHaveLength(1);
    const answers = await Promise.allSettled([
      ...first,
      add(),
      calendar.text('ann', 'one'),
      deliveries.record(report),
      deliveries.has('reply'),
    ]);
    for (const answer of answers) {
      expect(answer.status).toBe('rejected');
      expect(codeOf((answer as PromiseRejectedResult).reason)).toMatch(
        /^GH_STORE_UN(?:AVAILABLE|REACHABLE)$/,
      );
    }
    await primary.kill();
    await standby.start();
    await standby.promote();
    await until(() =>
      deliveries.has('reply').then(
        (has) => !has,
        () => false,
      ),
    );
    expect(await deliveries.record(report)).toBe('stored');
    expect(await add()).toBe('added');
    expect(await calendar.text('ann', 'one')).toBe(event.ics);
  }, 60_000);

  test('is refused at the start with what to do, and leaves no process behind on the server', async () => {
    await open(both());
    standby.freeze(true);
    onTestFinished(() => standby.freeze(false));
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const refusal = await open(`127.0.0.1:${primary.port}`).catch(
        (error: GatehouseError) => `${error.code} ${error.message}`,
      );
      expect(refusal).toMatch(
        /^GH_STORE_UNREACHABLE 127\.0\.0\.1:.* standby does not answer.*; start it, or clear/,
      );
    }
    const waits = `select 1 from pg_stat_activity where wait_event = 'SyncRep'`;
    await until(async () => (await primary.run(waits)).rows.length === 0);
    standby.freeze(false);
    await open(`127.0.0.1:${primary.port}`);
  }, 60_000);

  test('is refused as a replica when only the standby is named', async () => {
    await open(both());
    const refusal = await open(`127.0.0.1:${standby.port}`).catch(
      (error: GatehouseError) => `${error.code} ${error.message}`,
    );
    expect(refusal).toMatch(
      /^GH_STORE_READ_ONLY 127\.0\.0\.1:.*is a read-only replica; name the primary/,
    );
  });
});
