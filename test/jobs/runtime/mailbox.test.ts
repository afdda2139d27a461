/** The modes of the mailbox: when a turn begins, what it takes, and what follows it. */
import { describe, expect, test } from 'vitest';
import { internalEnvelope } from '#jobs/runtime/envelope';
import { Mailbox } from '#jobs/runtime/mailbox';
import { yieldToEventLoop } from '#test/support/journal';

/** A mailbox whose turns take everything; `turns` has the jobs of each turn. */
function openMailbox(turn: (mailbox: Mailbox, jobs: string[]) => number = () => 0) {
  const turns: string[][] = [];
  const mailbox: Mailbox = new Mailbox(() => {
    const jobs = mailbox.take(100).map(({ jobId }) => jobId);
    turns.push(jobs);
    return turn(mailbox, jobs);
  });
  const post = (...jobs: string[]): void =>
    jobs.forEach((jobId) => mailbox.post(internalEnvelope(jobId, { type: 'progress' })));
  return { mailbox, post, turns };
}

const envelopeOf = (jobId: string) => internalEnvelope(jobId, { type: 'progress' });

describe('the mailbox', () => {
  test('gives the envelopes of one turn of the event loop to one turn, in the order of their arrival', async () => {
    const { post, turns } = openMailbox();
    post('a', 'b');
    await Promise.resolve();
    post('c');
    expect(turns).toEqual([]);
    await yieldToEventLoop();
    expect(turns).toEqual([['a', 'b', 'c']]);
  });

  test('gives an envelope that arrives during a turn to the next turn, if this turn does not take it', async () => {
    const { post, turns } = openMailbox((mailbox, jobs) => {
      if (jobs[0] === 'a') mailbox.post(envelopeOf('b'));
      return 0;
    });
    post('a');
    await yieldToEventLoop();
    expect(turns).toEqual([['a'], ['b']]);
  });

  test('runs no turn while it is empty', async () => {
    const { post, turns } = openMailbox((mailbox) => {
      mailbox.take(100);
      return 0;
    });
    post('a');
    await yieldToEventLoop();
    await yieldToEventLoop();
    expect(turns).toHaveLength(1);
  });

  test('keeps the order of envelopes that are put back, and runs the next turn after the delay', async () => {
    const { mailbox, post, turns } = openMailbox((box, jobs) => {
      if (turns.length > 1) return 0;
      box.post(envelopeOf('c'));
      box.putBack(jobs.map(envelopeOf));
      return 60_000;
    });
    post('a', 'b');
    await yieldToEventLoop();
    expect(turns).toHaveLength(1);
    await mailbox.flush();
    expect(turns).toEqual([
      ['a', 'b'],
      ['a', 'b', 'c'],
    ]);
  });

  test('gives envelopes to turns only', () => {
    const { mailbox, post } = openMailbox();
    post('a');
    expect(() => mailbox.take(1)).toThrow('only a turn takes envelopes');
    expect(() => mailbox.putBack([envelopeOf('b')])).toThrow('only a turn puts envelopes back');
    expect(mailbox.close()).toHaveLength(1);
  });

  test('runs further turns after a turn that threw', async () => {
    const { mailbox, post, turns } = openMailbox((_, jobs) => {
      if (jobs[0] === 'a') throw new Error('a bug');
      return 0;
    });
    post('a');
    await expect(mailbox.flush()).rejects.toThrow('a bug');
    post('b');
    await mailbox.flush();
    expect(turns).toEqual([['a'], ['b']]);
  });

  test('cannot be closed by a turn, and drops what arrives after it was closed', async () => {
    const { mailbox, post, turns } = openMailbox((box) => {
      expect(() => box.close()).toThrow('a turn ends before the mailbox is closed');
      return 0;
    });
    post('a');
    await mailbox.flush();
    expect(mailbox.close()).toEqual([]);
    post('b');
    await yieldToEventLoop();
    expect(turns).toEqual([['a']]);
  });
});
