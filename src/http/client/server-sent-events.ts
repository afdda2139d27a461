import { EventSourceParserStream, type EventSourceMessage } from 'eventsource-parser/stream';

/** The events of a response, as they arrive. Comments, such as keep-alives, are skipped. */
export const serverSentEvents = ({ body }: Response): AsyncIterable<EventSourceMessage> =>
  (body ?? new Blob([]).stream())
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
