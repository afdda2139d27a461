/**
 * Where messages end that nobody can process: a stream of their own, as they came, with the reason in
 * headers. Only then they leave their queue. They are kept for a month, for people to look at.
 */
import type { JsMsg } from '@nats-io/jetstream';
import { headers } from 'nats';
import type { Subjects } from '../contract/subjects.ts';
import type { Log } from '../lib/log.ts';
import type { BusProblem } from './ports.ts';
import type { BusLink } from './relay-lane.ts';

export interface DeadLetters {
  /** Resolves when the message is in its grave and out of its queue. @throws when the broker did not take it. */
  bury(link: BusLink, message: JsMsg, reason: BusProblem): Promise<void>;
}

export function createDeadLetters(parts: {
  subjects: Subjects;
  streamName: string;
  log: Log;
  onBuried(): void;
}): DeadLetters {
  const { subjects, streamName, log } = parts;
  return {
    async bury({ js }, message, { code, message: why }) {
      const { stream, streamSequence, timestampNanos } = message.info;
      const made = headers();
      made.set('Gatehouse-Error-Code', code);
      made.set('Gatehouse-Error', why.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 256));
      made.set('Gatehouse-Subject', message.subject);
      const id = message.headers?.get('Nats-Msg-Id');
      if (id) made.set('Gatehouse-Msg-Id', id);
      const kind = subjects.sourceOf(message.subject) === null ? 'delivery' : 'submit';
      const source = message.subject.split('.').at(kind === 'submit' ? -1 : -3) ?? '';
      await js.publish(subjects.dead(kind, source), message.data, {
        // The same grave however often this is tried; a queue that was made anew counts from 1 again.
        msgID: `${stream}:${streamSequence}:${timestampNanos}`,
        headers: made,
        expect: { streamName },
      });
      // Without a reason: servers before 2.11 do not understand one, and would deliver it again.
      message.term();
      parts.onBuried();
      log.warn({ subject: message.subject, code, error: why }, 'a message was put aside');
    },
  };
}
