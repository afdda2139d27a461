/** The audit of a storm, on the observations of a small faultless storm and on the same data with one fault added. */
import { describe, expect, test } from 'vitest';
import type { JobView } from '#shared/wire/job-service';
import type { StateEvent } from '#shared/wire/state-event';
import { auditStorm } from './audit.ts';
import { judgeLine } from './log-lines.ts';
import { draftTitle } from './marks.ts';
import type { ObservedJob, Observations, Sent } from './observations.ts';

const userId = '4';
const [first, second, draft, slow] = ['#c4-1#', '#c4-2#', '#c4-3#', '#c4-4#'] as const;

function job(
  mark: string,
  told: readonly Pick<StateEvent, 'type' | 'state' | 'data'>[],
): ObservedJob {
  const jobId = `job${mark.replaceAll('#', '')}`;
  const events = told.map((one, index): StateEvent => ({
    ...one,
    id: `${jobId}:${index + 1}`,
    job_id: jobId,
    seq: index + 1,
    at: '2026-11-22T00:00:00.000Z',
    user_id: userId,
    channel: 'synology',
  }));
  const end = events.at(-1)!;
  const view: JobView = {
    job_id: jobId,
    user_id: userId,
    channel: 'synology',
    message: `말해줘 ${mark}`,
    state: end.state,
    outcome: (end.data['outcome'] as JobView['outcome'] | undefined) ?? null,
    reply: end.data['reply'] as string,
    seq: events.length,
    queue: null,
    created_at: end.at,
    updated_at: end.at,
    timings: {},
    delivery: null,
    thread: null,
    cause: null,
    deliveries: events
      .filter(({ type }) => ['done', 'cancelled', 'result'].includes(type))
      .map(({ id, at }) => ({ reply_id: id, status: 'sent', parts: 1, error: null, at })),
  };
  return { view, events };
}

const ack = { type: 'ack', state: 'ack', data: { message: '요청을 확인했습니다.' } } as const;
const done = (reply: string, outcome = 'answered') =>
  ({ type: 'done', state: 'done', data: { outcome, reply } }) as const;
const long = (mark: string): string =>
  Array.from({ length: 60 }, (_, n) => `${n}째 줄 ${mark} 가나다라마바사`).join('\n');

function answered(): Observations {
  const jobs = [
    job(first, [ack, done(`답 ${first}`)]),
    job(second, [ack, done(long(second))]),
    job(draft, [
      ack,
      { type: 'state', state: 'confirm-draft', data: { from: 'tools', to: 'confirm-draft' } },
      { type: 'result', state: 'confirm-draft', data: { content: `초안 ${draft}`, final: false } },
      done(`등록했습니다: ${draftTitle(draft)}`),
    ]),
    job(slow, [
      ack,
      { type: 'state', state: 'cancelled', data: { from: 'reason', to: 'cancelled' } },
      { type: 'cancelled', state: 'cancelled', data: { by: userId, reply: '취소했습니다.' } },
    ]),
  ];
  const events = jobs.flatMap((one) => one.events);
  const sent = [first, second, draft, slow].map((mark, index): Sent => {
    const text = `${mark === draft ? '잡아줘' : '말해줘'} ${mark}`;
    const accepted = { jobId: null };
    const n = index + 1;
    return { via: 'chat', userId, n, mark, text, kind: 'question', inOrder: true, accepted };
  });
  const whole = long(second);
  const posts = [
    `답 ${first}`,
    whole.slice(0, 600),
    whole.slice(600),
    `초안 ${draft}`,
    `등록했습니다: ${draftTitle(draft)}`,
    '취소했습니다.',
  ];
  return {
    sent,
    jobs,
    shown: new Map([[userId, posts]]),
    streamed: structuredClone(events),
    streamFaults: [],
    rebuilt: new Set(events.map(({ id }) => id)),
    followed: new Map([['jobc4-1', structuredClone(jobs[0]!.events)]]),
    calendars: new Map([[userId, [draftTitle(draft)]]]),
    consented: new Set([draft]),
    cancels: [{ jobId: 'jobc4-4', tookMs: 12, isCalm: true }],
    explicit: [{ asked: 'small', status: 200, servedBy: 'small', errorReason: null }],
    memos: [{ id: 'm1', text: '메모\r\n', found: '메모\r\n', status: 'draft' }],
    overlaps: [{ model: 'large', at: 0, overlapMs: 20, running: 2, isBehindProxy: false }],
    stops: [],
    partitions: null,
    replayFaults: [],
    replayed: jobs.length,
    logFaults: [],
    logLines: 1,
    died: [],
    bridge: { inbox: 0, outbox: 0, unreported: 0, uncertain: 0, dead: 0 },
    unrest: [],
    schedules: [],
    refusals: [{ what: 'an empty message', expected: [400], status: 400 }],
  };
}

const violations = (seen: Observations): string[] =>
  auditStorm(seen).flatMap((one) => one.violations.map((line) => `${one.promise}: ${line}`));

const posts = (seen: Observations): string[] => seen.shown.get(userId)!;
const jobOf = (seen: Observations, mark: string): ObservedJob =>
  seen.jobs.find(({ view }) => view.message.includes(mark))!;
const deliveryOf = (seen: Observations, mark: string) =>
  jobOf(seen, mark).view.deliveries.at(-1)! as { status: string };

type Doctored = [what: string, change: (seen: Observations) => void, found: RegExp];

const doctored: Doctored[] = [
  ['a reply that stands twice', (seen) => posts(seen).push(posts(seen)[0]!), /stands 2 times/],
  ['a reply that is "sent" and missing', (seen) => posts(seen).splice(0, 1), /stands 0 times/],
  [
    'a part of a long reply twice',
    (seen) => posts(seen).splice(2, 0, posts(seen)[1]!),
    /not whole/,
  ],
  ['a part of a long reply missing', (seen) => posts(seen).splice(2, 1), /is not whole/],
  ['an unmarked end twice', (seen) => posts(seen).push('취소했습니다.'), /stands 2 times/],
  ['words that nobody said', (seen) => posts(seen).push('답 #c4-9#'), /nobody said it/],
  [
    'a reply twice that is uncertain',
    (seen) => {
      deliveryOf(seen, first).status = 'uncertain';
      posts(seen).push(posts(seen)[0]!);
    },
    /stands 2 times/,
  ],
  [
    'answers in the wrong order',
    (seen) => posts(seen).unshift(...posts(seen).splice(1, 2)),
    /order: #c4-2# stands before #c4-1#/,
  ],
  [
    'jobs in the wrong order',
    (seen) => void (seen.jobs = seen.jobs.toReversed()),
    /order: #c4-2# stands before/,
  ],
  ['a reply without a report', (seen) => jobOf(seen, first).view.deliveries.pop(), /nobody knows/],
  [
    'a job without an end',
    (seen) => Object.assign(jobOf(seen, first).view, { state: 'reason' }),
    /has not ended/,
  ],
  ['an end that is missing', (seen) => jobOf(seen, first).events.pop(), /has 0 ends/],
  [
    'an end without words',
    (seen) => {
      jobOf(seen, first).events.at(-1)!.data['reply'] = ' ';
    },
    /without its words/,
  ],
  ['a message that is no job', (seen) => seen.jobs.splice(0, 1), /is no job/],
  ['a message that is two jobs', (seen) => seen.jobs.push(seen.jobs[0]!), /became 2 jobs/],
  [
    'a message that is the job of another',
    (seen) => Object.assign(jobOf(seen, first).view, { user_id: '5' }),
    /is the job of 5/,
  ],
  [
    'a job that has another name than its sender was told',
    (seen) => {
      seen.sent[0]!.accepted = { jobId: 'other' };
    },
    /was named other/,
  ],
  ['a hole in seq', (seen) => jobOf(seen, draft).events.splice(1, 1), /not where it belongs/],
  ['an event that never came', (seen) => seen.streamed.splice(2, 1), /never came over NATS/],
  ['an event that nobody wrote', (seen) => seen.rebuilt.delete('jobc4-1:1'), /not in the stream/],
  [
    'an event with another content',
    (seen) => {
      seen.streamed[1]!.data['reply'] = '다른 답';
    },
    /came with another content/,
  ],
  [
    'an event of no journal',
    (seen) => seen.streamed.push({ ...seen.streamed[0]!, id: 'x:1', job_id: 'x' }),
    /in no journal/,
  ],
  ['events out of order', (seen) => seen.streamFaults.push('x: 3 came after 1'), /3 came after 1/],
  [
    'SSE that differs from the journal',
    (seen) => seen.followed.set('jobc4-1', seen.followed.get('jobc4-1')!.toReversed()),
    /on SSE is not what the journal has/,
  ],
  ['rows that do not replay', (seen) => seen.replayFaults.push('x: other'), /P3, P4: x: other/],
  [
    'two requests at once for long',
    (seen) => {
      seen.overlaps[0]!.overlapMs = 5_000;
    },
    /P6: large: 2 at once/,
  ],
  [
    'two requests at once before and after a stop of a worker',
    (seen) => {
      Object.assign(seen.overlaps[0]!, { at: 10_000, overlapMs: 2_000 });
      seen.stops.push({ from: 1_000, to: 8_000 }, { from: 13_000, to: 14_000 });
    },
    /P6: large: 2 at once/,
  ],
  [
    'two requests at once behind a gate proxy, during a stop',
    (seen) => {
      seen.overlaps[0]!.isBehindProxy = true;
      seen.stops.push({ from: 0, to: 60_000 });
    },
    /P6: large: 2 at once/,
  ],
  [
    'a cancel that did not end its job',
    (seen) => Object.assign(jobOf(seen, slow).view, { state: 'done' }),
    /was cancelled, but is done/,
  ],
  [
    'a cancel that took long although nothing was wrong',
    (seen) => {
      seen.cancels[0]!.tookMs = 1_500;
    },
    /took 1500 ms/,
  ],
  [
    'another backend than the one that was named',
    (seen) => {
      seen.explicit[0]!.servedBy = 'large';
    },
    /P9: small was answered by large/,
  ],
  [
    'a refusal without a reason',
    (seen) => {
      seen.explicit[0] = { asked: 'small', status: 503, servedBy: null, errorReason: null };
    },
    /503 without a reason/,
  ],
  [
    'an entry that is there twice',
    (seen) => seen.calendars.get(userId)!.push(draftTitle(draft)),
    /was written 2 times/,
  ],
  ['an entry without a yes', (seen) => seen.consented.clear(), /was written unasked/],
  ['an entry that is said to be there', (seen) => seen.calendars.clear(), /but it is not there/],
  [
    'an entry that nobody asked for',
    (seen) => seen.calendars.get(userId)!.push('남의 약속'),
    /nobody asked for/,
  ],
  [
    'a memo that was changed',
    (seen) => {
      seen.memos[0]!.found = '메모\n';
    },
    /P11: m1 was changed/,
  ],
  [
    'a memo that is gone',
    (seen) => {
      seen.memos[0]!.found = null;
    },
    /m1 is gone/,
  ],
  [
    'a stranger who was let in',
    (seen) => {
      seen.refusals[0]!.status = 200;
    },
    /an empty message: 200/,
  ],
  ['a program that died', (seen) => seen.died.push('core: exit 1'), /died: core/],
  ['what did not come to rest', (seen) => seen.unrest.push('bridge: 1 in inbox'), /1 in inbox/],
];

describe('the audit of a storm', () => {
  test('reports no violation for a faultless storm', () => {
    expect(violations(answered())).toEqual([]);
  });

  test.each(doctored)('reports this fault: %s', (_what, change, found) => {
    const seen = answered();
    change(seen);
    expect(violations(seen).join('\n')).toMatch(found);
  });

  test('accepts two requests at once while a worker is stopped with its connection open', () => {
    const seen = answered();
    Object.assign(seen.overlaps[0]!, { at: 2_000, overlapMs: 5_000 });
    seen.stops.push({ from: 1_000, to: 8_000 });
    expect(violations(seen)).toEqual([]);
  });

  test('accepts an uncertain reply, whether it was posted or not', () => {
    const seen = answered();
    deliveryOf(seen, first).status = 'uncertain';
    expect(violations(seen)).toEqual([]);
    posts(seen).shift();
    expect(violations(seen)).toEqual([]);
  });
});

describe('judgeLine', () => {
  test.each([
    ['{"level":30,"msg":"ready"}', null],
    ['{"level":30,"token":"secret-token"}', 'a secret'],
    ['{"level":30,"message":"말해줘 #c4-1#"}', "a person's words"],
    ['{"level":50,"code":"GH_JOB_BUG"}', 'a fault of ours'],
    ['TypeError: x is not a function', 'no line of a log'],
  ])('returns the fault of the log line, or null: %s', (line, fault) => {
    expect(judgeLine(line, ['secret-token'])).toBe(fault);
  });
});
