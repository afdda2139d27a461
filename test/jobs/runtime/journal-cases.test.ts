/** The journal on SQLite in edge cases, with faults in the steps of a turn, and with damaged rows. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { until, yieldToEventLoop } from '#test/support/journal';
import {
  classifiedAsDirect,
  classifiedAsReasoning,
  stateOf,
  useJournals,
} from '#test/support/journal-fixtures';
import { storageAnswers } from '#test/support/later-storage';
import { damageCases } from './damage-cases.ts';
import { edgeCases } from './edge-cases.ts';
import { turnCases } from './turn-cases.ts';

describe.each(storageAnswers)('with a storage that answers %s:', (answers) => {
  const journals = useJournals(answers);
  const { start, restart } = journals;
  edgeCases(journals);
  turnCases(journals);
  damageCases(journals);

  test('a job on a damaged database page ends with an apology too', async () => {
    let fixture = await start({ maxConcurrent: 1 });
    const broken = await fixture.submit({ userId: 'ann' });
    const next = await fixture.submit({ userId: 'bob' });
    // Too long for one page: stored on a chain of overflow pages, each beginning with the number of the next page.
    const response = 'x'.repeat(50_000);
    await fixture.answer(broken, 'classify', {
      ...classifiedAsReasoning,
      decision: { ...classifiedAsReasoning.decision, response },
    });
    await until(() => fixture.started.some(({ src }) => src === 'reason'));
    await yieldToEventLoop();
    fixture.database.connection.pragma('wal_checkpoint(TRUNCATE)');
    const { path } = fixture;
    const pageBytes = Number(fixture.database.connection.pragma('page_size', { simple: true }));
    fixture = await restart(fixture, { maxConcurrent: 1 }, () => {
      const file = readFileSync(path);
      const page = Math.floor(file.indexOf('x'.repeat(pageBytes - 8)) / pageBytes);
      file.fill(0xff, page * pageBytes, page * pageBytes + 4);
      writeFileSync(path, file);
    });
    await until(() => stateOf(fixture, broken).endedAt !== null);
    expect(stateOf(fixture, broken)).toMatchObject({
      state: 'done',
      outcome: 'failed',
      reply: expect.stringContaining('내부 오류'),
    });
    await fixture.answer(next, 'classify', classifiedAsDirect('안녕하세요'));
    await until(() => stateOf(fixture, next).outcome === 'answered');
  });
});
