/** P5 for subscribers: every event arrives, in order, with the same content everywhere. */
import type { StateEvent } from '#shared/wire/state-event';
import type { Finding } from './finding.ts';
import type { Observations } from './observations.ts';

export function auditEvents(seen: Observations): Finding[] {
  return [unbroken(seen), streamed(seen), followed(seen)];
}

function unbroken({ jobs }: Observations): Finding {
  return {
    promise: 'P5',
    what: 'the events of each job count 1, 2, 3 … without a hole',
    checked: jobs.length,
    violations: jobs.flatMap(({ view, events }) => {
      const wrong = events.find(
        ({ seq, id }, index) => seq !== index + 1 || id !== `${view.job_id}:${seq}`,
      );
      if (wrong !== undefined) return [`${wrong.id} is not where it belongs`];
      return events.length === view.seq ? [] : [`${view.job_id}: ${events.length} of ${view.seq}`];
    }),
  };
}

/** Compares the journal with a subscriber of the whole storm and with a second reader at its end. */
function streamed({ jobs, streamed: events, streamFaults, rebuilt }: Observations): Finding {
  const byId = new Map(events.map((event) => [event.id, event]));
  const violations = [...streamFaults];
  let checked = 0;
  for (const event of jobs.flatMap((job) => job.events)) {
    checked += 1;
    const arrived = byId.get(event.id);
    if (arrived === undefined) violations.push(`${event.id} (${event.type}) never came over NATS`);
    else if (!isSame(arrived, event)) violations.push(`${event.id} came with another content`);
    if (!rebuilt.has(event.id)) violations.push(`${event.id} is not in the stream`);
    byId.delete(event.id);
  }
  for (const id of byId.keys()) violations.push(`${id} came over NATS, but is in no journal`);
  return {
    promise: 'P5',
    what: 'each event of the journal reached a subscriber, in order, with the same content',
    checked,
    violations,
  };
}

function followed({ jobs, followed: seen }: Observations): Finding {
  const byId = new Map(jobs.map(({ view, events }) => [view.job_id, events]));
  const violations = [...seen].flatMap(([jobId, events]) => {
    const truth = byId.get(jobId) ?? [];
    // A client that timed out has received only the first events.
    const wrong = events.find((event, index) => !isSame(event, truth[index]));
    return wrong === undefined ? [] : [`${jobId}: ${wrong.id} on SSE is not what the journal has`];
  });
  return {
    promise: 'P5',
    what: 'a client on SSE saw the events of its job in order, through every restart',
    checked: seen.size,
    violations,
  };
}

const isSame = (one: StateEvent, other: StateEvent | undefined): boolean =>
  JSON.stringify(one) === JSON.stringify(other);
