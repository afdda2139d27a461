/**
 * Dead letters: messages that cannot be processed are moved unchanged to their own stream, with the reason in headers,
 * before they leave their queue. Kept for 30 days, for the operator.
 */
import type { JsMsg } from '@nats-io/jetstream';
import { headers } from 'nats';
import type { Subjects } from '#shared/wire/subjects';
import type { Log } from '#shared/log';
import type { NatsProblem } from '../messaging-port.ts';
import type { JetStreamContext } from './outbox-relay.ts';

export interface DeadLetters {
  /** Resolves when the message is in the dead-letter stream and off its queue. @throws if the broker refuses it. */
  moveToDeadLetters(link: JetStreamContext, message: JsMsg, reason: NatsProblem): Promise<void>;
}

export function createDeadLetters(parts: {
  subjects: Subjects;
  streamName: string;
  log: Log;
  onDeadLetter(): void;
}): DeadLetters {
  const { subjects, streamName, log } = parts;
  return {
    async moveToDeadLetters({ js }, message, { code, message: why }) {
      const { stream, streamSequence, timestampNanos } = message.info;
      const made = headers();
      made.set('Gatehouse-Error-Code', code);
      made.set('Gatehouse-Error', why.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 256));
      made.set('Gatehouse-Subject', message.subject);
      const id = message.headers?.get('Nats-Msg-Id');
      if (id) made.set('Gatehouse-Msg-Id', id);
      const kind = subjects.parseSubmitSource(message.subject) === null ? 'delivery' : 'submit';
      const source = message.subject.split('.').at(kind === 'submit' ? -1 : -3) ?? '';
      await js.publish(subjects.deadLetter(kind, source), message.data, {
        // The same id on every retry; the timestamp distinguishes a recreated queue, which counts from 1 again.
        msgID: `${stream}:${streamSequence}:${timestampNanos}`,
        headers: made,
        expect: { streamName },
      });
      // Without a reason: servers before 2.11 do not understand it and would redeliver the message.
      message.term();
      parts.onDeadLetter();
      log.warn({ subject: message.subject, code, error: why }, 'a message was put aside');
    },
  };
}
