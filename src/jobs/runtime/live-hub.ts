/**
 * Publishes committed events and the text of running answers to subscribers inside the process. Keeps only the text so
 * far of each running answer, for late subscribers.
 */
import type { DocumentEvent } from '#shared/wire/document-event';
import type { LiveListener, LiveSource } from '#shared/wire/live-source';
import type { StateEvent } from '#shared/wire/state-event';

export interface LiveHub extends LiveSource {
  event(event: StateEvent): void;
  document(event: DocumentEvent): void;
  schedule(): void;
  memory(): void;
  text(jobId: string, content: string, replace: boolean): void;
}

interface Stream {
  n: number;
  text: string;
}

export function createLiveHub(): LiveHub {
  const globalListeners = new Set<LiveListener>();
  const jobListeners = new Map<string, Set<LiveListener>>();
  const streams = new Map<string, Stream>();

  const notify = (jobId: string, deliver: (listener: LiveListener) => void): void => {
    for (const listener of globalListeners) deliver(listener);
    for (const listener of jobListeners.get(jobId) ?? []) deliver(listener);
  };

  return {
    subscribe(jobId, listener) {
      if (jobId === null) {
        globalListeners.add(listener);
        return () => void globalListeners.delete(listener);
      }
      const listeners = jobListeners.get(jobId) ?? new Set();
      jobListeners.set(jobId, listeners.add(listener));
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && jobListeners.get(jobId) === listeners)
          jobListeners.delete(jobId);
      };
    },
    event(event) {
      // A new state starts a new answer: the text streamed until now is dropped. `n` goes on counting.
      const stream = streams.get(event.job_id);
      if (stream !== undefined && event.type === 'state') stream.text = '';
      if (event.type === 'done' || event.type === 'cancelled') streams.delete(event.job_id);
      notify(event.job_id, (listener) => listener.event(event));
    },
    document(event) {
      for (const listener of globalListeners) listener.document?.(event);
    },
    schedule() {
      for (const listener of globalListeners) listener.schedule?.();
    },
    memory() {
      for (const listener of globalListeners) listener.memory?.();
    },
    text(jobId, content, replace) {
      const stream = streams.get(jobId) ?? { n: 0, text: '' };
      streams.set(jobId, stream);
      if (replace) stream.text = '';
      const off = stream.text.length;
      stream.n += 1;
      stream.text += content;
      notify(jobId, (listener) => listener.token({ job_id: jobId, n: stream.n, off, content }));
    },
    textSoFar(jobId) {
      const stream = streams.get(jobId);
      if (stream === undefined || stream.text === '') return null;
      return { job_id: jobId, n: stream.n, off: 0, content: stream.text };
    },
  };
}
