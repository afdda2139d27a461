/**
 * Audits the observations of a storm. No check depends on the internals of Gatehouse: each compares the actions of
 * users and programs with the chat, the subscribers and the APIs.
 */
import { auditChat } from './audit-chat.ts';
import { auditEvents } from './audit-events.ts';
import { auditPartitions } from './audit-partitions.ts';
import { auditSchedules } from './audit-schedules.ts';
import type { Observations, ObservedJob, Overlap, Sent } from './observations.ts';
import { marksIn } from './marks.ts';
import type { Finding } from './finding.ts';

/** The longest time that a server may take to notice a closed connection. */
const overlapMsMax = 1_000;
/** P8: the longest time for a cancel. */
const cancelMsMax = 1_000;

export function auditStorm(seen: Observations): Finding[] {
  return [
    oneJobEach(seen),
    oneEndEach(seen),
    ...auditChat(seen),
    replays(seen),
    ...auditEvents(seen),
    ...(seen.partitions === null ? [] : auditPartitions(seen.partitions)),
    oneAtATime(seen),
    cancels(seen),
    explicitStays(seen),
    writtenOnce(seen),
    originalsStay(seen),
    refusals(seen),
    auditSchedules(seen),
    {
      promise: 'logs',
      what: 'no secret, no words of people, no fault of ours in the logs',
      checked: seen.logLines,
      violations: seen.logFaults,
    },
    {
      promise: 'processes',
      what: 'no program ended by itself; all came to rest',
      checked: 2,
      violations: [...seen.died.map((how) => `died: ${how}`), ...seen.unrest],
    },
  ];
}

export const jobsByMark = (jobs: readonly ObservedJob[]): Map<string, ObservedJob[]> =>
  Map.groupBy(jobs, ({ view }) => marksIn(view.message).at(-1) ?? '');

/** P1, first half: each accepted message became exactly one job. */
function oneJobEach({ sent, jobs }: Observations): Finding {
  const violations: string[] = [];
  const byMark = jobsByMark(jobs);
  const marked = sent.filter((one) => one.mark !== null);
  for (const { mark, userId, kind, accepted } of marked) {
    const made = byMark.get(mark!) ?? [];
    const expected = kind === 'tooLong' || accepted === null ? 0 : 1;
    if (made.length > 1) violations.push(`${mark} became ${made.length} jobs`);
    else if (made.length < expected) violations.push(`${mark} was accepted, but is no job`);
    const named = accepted?.jobId ?? null;
    const [job] = made;
    if (job === undefined) continue;
    if (named !== null && job.view.job_id !== named) {
      violations.push(`${mark} was named ${named}, but is ${job.view.job_id}`);
    }
    if (job.view.user_id !== userId) violations.push(`${mark} is the job of ${job.view.user_id}`);
  }
  const unmarked = sent.filter((one) => one.mark === null && one.accepted !== null);
  for (const [key, group] of Map.groupBy(unmarked, keyOf)) {
    const [first] = group;
    const made = jobs.filter(({ view }) => `${view.user_id} ${view.message}` === key).length;
    // A message of consent, refusal or cancel may have been applied to an existing job.
    const isWrong = made > group.length || (first!.kind === 'question' && made !== group.length);
    if (isWrong) violations.push(`${key}: sent ${group.length} times, became ${made} jobs`);
  }
  return {
    promise: 'P1',
    what: 'each accepted message is one job, or a word to one',
    checked: sent.filter(({ accepted }) => accepted !== null).length,
    violations,
  };
}

const keyOf = ({ userId, text }: Sent): string => `${userId} ${text}`;

/** P1, second half: each job has one end, with a text. */
function oneEndEach({ jobs }: Observations): Finding {
  const violations = jobs.flatMap(({ view, events }) => {
    const ends = events.filter(({ type }) => type === 'done' || type === 'cancelled');
    if (view.state !== 'done' && view.state !== 'cancelled') {
      return [`${view.job_id} has not ended: ${view.state}`];
    }
    if (ends.length !== 1 || events.at(-1) !== ends[0]) {
      return [`${view.job_id} has ${ends.length} ends`];
    }
    const told = ends[0]!.data['reply'];
    const isSaid = typeof told === 'string' && told.trim() !== '' && told === view.reply;
    return isSaid ? [] : [`${view.job_id} ended without its words`];
  });
  return {
    promise: 'P1',
    what: 'each job has one visible end, with a text',
    checked: jobs.length,
    violations,
  };
}

const replays = ({ replayFaults, replayed }: Observations): Finding => ({
  promise: 'P3, P4',
  what: 'the stored rows of each job give its stored state again',
  checked: replayed,
  violations: replayFaults,
});

const oneAtATime = ({ overlaps, stops, explicit, jobs }: Observations): Finding => ({
  promise: 'P6',
  what: 'a model server is never asked for more at once than it has places (its own count)',
  checked: jobs.length + explicit.length,
  violations: overlaps
    .filter((one) => one.isBehindProxy || (one.overlapMs > overlapMsMax && !isExcused(one, stops)))
    .map(({ model, running, overlapMs }) => `${model}: ${running} at once for ${overlapMs} ms`),
});

/** A stopped worker cannot end its request, and its connection stays open. */
const isExcused = ({ at, overlapMs }: Overlap, stops: Observations['stops']): boolean =>
  stops.some(({ from, to }) => at + overlapMs >= from && at <= to + overlapMsMax);

function cancels({ cancels: seen, jobs }: Observations): Finding {
  const byId = new Map(jobs.map((job) => [job.view.job_id, job]));
  const violations = seen.flatMap(({ jobId, tookMs, isCalm }) => {
    const job = byId.get(jobId);
    if (job === undefined) return [`${jobId} was cancelled, but is not there`];
    const { view, events } = job;
    if (view.state !== 'cancelled') return [`${jobId} was cancelled, but is ${view.state}`];
    const late = isCalm && tookMs > cancelMsMax;
    const [last, before] = [events.at(-1), events.at(-2)];
    const fellBack = last?.type === 'cancelled' && before?.data['to'] === 'fallback';
    return [
      ...(late ? [`${jobId}: its cancel took ${tookMs} ms`] : []),
      ...(fellBack ? [`${jobId}: its cancel led to the fallback`] : []),
    ];
  });
  return {
    promise: 'P8',
    what: 'a cancel that was accepted ended its job, within a second where nothing was wrong',
    checked: seen.length,
    violations,
  };
}

const explicitStays = ({ explicit }: Observations): Finding => ({
  promise: 'P9',
  what: 'a backend that was named answers itself, or the caller hears why not',
  checked: explicit.length,
  violations: explicit.flatMap(({ asked, status, servedBy, errorReason }) => {
    if (status === 200) return servedBy === asked ? [] : [`${asked} was answered by ${servedBy}`];
    return errorReason === null ? [`${asked}: ${status} without a reason`] : [];
  }),
});

function writtenOnce({ calendars, consented, jobs, sent }: Observations): Finding {
  const violations: string[] = [];
  const byMark = jobsByMark(jobs);
  const drafts = sent.filter(({ mark, text }) => mark !== null && text.includes('잡아줘'));
  for (const { mark, userId } of drafts) {
    const entries = (calendars.get(userId) ?? []).filter((title) => title.includes(mark!)).length;
    const view = byMark.get(mark!)?.[0]?.view;
    if (entries > 1) violations.push(`${mark} was written ${entries} times`);
    if (entries > 0 && !consented.has(mark!)) violations.push(`${mark} was written unasked`);
    if (entries > 0 && view?.outcome === 'declined') violations.push(`${mark} was declined`);
    const isWritten = byMark.get(mark!)?.[0]?.events.some(isWrittenEnd) === true;
    if (entries === 0 && isWritten) violations.push(`${mark}: "written", but it is not there`);
  }
  const others = [...calendars].flatMap(([userId, titles]) =>
    titles.filter(
      (title) => !drafts.some((one) => one.userId === userId && title.includes(one.mark!)),
    ),
  );
  violations.push(...others.map((title) => `nobody asked for ${title}`));
  return {
    promise: 'P10',
    what: 'drafts that were agreed to are in the calendar at most once, others never',
    checked: drafts.length,
    violations,
  };
}

/** True for the end of a job with the outcome `answered` that has passed `confirm-draft`. */
const isWrittenEnd = (
  { type, data }: ObservedJob['events'][number],
  _: number,
  all: ObservedJob['events'],
): boolean =>
  type === 'done' &&
  data['outcome'] === 'answered' &&
  all.some((one) => one.type === 'state' && one.data['to'] === 'confirm-draft');

const originalsStay = ({ memos }: Observations): Finding => ({
  promise: 'P11',
  what: 'memos read as they were written, byte for byte',
  checked: memos.length,
  violations: memos.flatMap(({ id, text, found }) =>
    found === text ? [] : [found === null ? `${id} is gone` : `${id} was changed`],
  ),
});

const refusals = ({ refusals: seen }: Observations): Finding => ({
  promise: 'doors',
  what: 'who may not, or says nothing, is refused at the webhook',
  checked: seen.length,
  violations: seen
    .filter(({ expected, status }) => !expected.includes(status))
    .map(({ what, status }) => `${what}: ${status}`),
});
