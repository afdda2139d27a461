/** Two log lines per job: its acceptance and its end. Lengths and names, never texts. */
import { logFieldsOf } from '#shared/wire/trace';
import type { JournalObserver } from '#jobs/runtime/journal-observer';
import type { Log } from '#shared/log';

export const createJobLog = (log: Log): Pick<JournalObserver, 'accepted' | 'ended'> => ({
  accepted({ id, input }) {
    if (!log.isLevelEnabled('debug')) return;
    const { channel, message, traceparent } = input;
    log.debug(
      { ...logFieldsOf(id, traceparent), channel, message_length: message.length },
      'job accepted',
    );
  },
  ended({ id, input, createdAt }, { at, outcome, replyLength, decision, models }) {
    if (!log.isLevelEnabled('info')) return;
    log.info(
      {
        ...logFieldsOf(id, input.traceparent),
        channel: input.channel,
        outcome: outcome ?? 'cancelled',
        by: decision?.by,
        action: decision?.action,
        message_length: input.message.length,
        reply_length: replyLength,
        models,
        total_ms: at - createdAt,
      },
      'job ended',
    );
  },
});
