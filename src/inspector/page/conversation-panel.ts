/** The conversation: the message, notices, drafts and the answer, also while it streams. Text, never markup. */
import type { StateEvent } from '#shared/wire/state-event';
import { clock, ui, written } from '#shared/page/ui';
import type { ReplayFrame, WatchedJob } from '../page-messages.ts';

export function conversation(job: WatchedJob, way: readonly ReplayFrame[], streamed: string) {
  const isOver = way.at(-1)?.isEnded === true;
  return ui`<ol class="talk" aria-label="Conversation">
    ${said('person', written(job.input.userId), job.input.message, job.createdAt)}
    ${way.flatMap(({ emitted, at }) => emitted.map((event) => lineOf(event, at)))}
    ${
      streamed !== '' &&
      !isOver &&
      ui`<li class="said answer streaming" data-streaming key="streamed">
        <span class="who">writing</span><p dir="auto">${streamed}</p>
      </li>`
    }
  </ol>`;
}

const said = (kind: string, who: unknown, text: unknown, at: number) =>
  ui`<li class="said ${kind}">
    <span class="who">${who}</span><p dir="auto">${text}</p><time>${clock(at)}</time>
  </li>`;

/** The fields of published events that have a line. */
interface EventData {
  message?: string;
  content?: string;
  final?: boolean;
  code?: string;
  error_reason?: string;
  /** From the server behind the error. */
  error_detail?: string;
  by?: string;
  reply?: string;
}

function lineOf({ type, data }: StateEvent, at: number) {
  const { message = '', content = '', code, ...more }: EventData = data;
  switch (type) {
    case 'ack':
    case 'processing':
      return said('notice', 'notice', message, at);
    case 'rewrite':
      return said('notice', 'to the reasoner', content, at);
    case 'result':
      return said('answer', more.final ? 'answer' : 'draft', content, at);
    case 'error': {
      const detail = more.error_detail === undefined ? '' : ` (${more.error_detail})`;
      return said('error', more.error_reason ?? code ?? 'error', message + detail, at);
    }
    case 'cancelled':
      return said('error', `cancelled by ${more.by ?? '?'}`, more.reply ?? '', at);
    default:
      return null;
  }
}
