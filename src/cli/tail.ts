/** `gatehouse tail`: prints the events of jobs and documents as they arrive; earlier events only on request. */
import { isDocumentEvent, type OutgoingEvent } from '#shared/wire/document-event';
import type { StateEvent } from '#shared/wire/state-event';
import type { CoreClient } from '#http/client/core-client';
import { documentSummary } from './drafts.ts';
import { untilInterrupted } from './interrupt.ts';
import { localTime } from './local-time.ts';
import { summaryOf } from './jobs.ts';

export interface TailOptions {
  client: CoreClient;
  /** Only this job, until its end; else all jobs, until Ctrl-C. */
  jobId: string | undefined;
  /**
   * Prints the events after this `seq` of the job, or without a job after this position of the journal. Null: the whole
   * history of the job, or without a job only new events.
   */
  from: number | null;
  json: boolean;
}

export function tail({ client, jobId, from, json }: TailOptions): Promise<void> {
  const print = (event: OutgoingEvent, position: number | null): void =>
    console.log(
      json
        ? JSON.stringify(position === null ? event : { ...event, position })
        : `${String(position ?? '').padStart(8)}  ${lineOf(event)}`,
    );
  const lost = (): void => console.error('the connection was lost; it is tried again');
  return untilInterrupted(async (signal) => {
    if (jobId === undefined) return client.followAll(from, print, signal, lost);
    // Reports an unknown job or a missing core at once.
    await client.job(jobId);
    const event = (one: StateEvent): void =>
      one.seq > (from ?? 0) ? console.log(json ? JSON.stringify(one) : lineOf(one)) : undefined;
    return client.follow(jobId, { event, token: () => undefined, lost }, signal);
  });
}

function lineOf(event: OutgoingEvent): string {
  const [id, summary] = isDocumentEvent(event)
    ? [event.document_id, documentSummary(event)]
    : [event.job_id, summaryOf(event)];
  return `${localTime(event.at)}  ${id}  ${String(event.seq).padStart(3)}  ${event.type.padEnd(10)} ${summary}`;
}
