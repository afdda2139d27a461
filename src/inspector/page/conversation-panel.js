/** The conversation: the message, notices, drafts and the answer, also while it streams. Text, never markup. */
import { h, written } from './dom.js';
import { clock } from './format.js';

/** @param {any} job @param {any[]} frames @param {number} at @param {string} streamed */
export function conversation(job, frames, at, streamed) {
  const way = frames.slice(0, at + 1);
  const told = way.flatMap((frame) => frame.emitted.map((event) => ({ ...event, ms: frame.at })));
  const lines = told.map(lineOf).filter((line) => line !== null);
  const isOver = way.at(-1)?.isEnded;
  return h(
    'ol',
    { class: 'talk', 'aria-label': 'Conversation' },
    h(
      'li',
      { class: 'said person' },
      h('span', { class: 'who' }, written(job.input.userId)),
      h('p', { dir: 'auto' }, job.input.message),
      h('time', {}, clock(job.createdAt)),
    ),
    ...lines,
    streamed !== '' && !isOver
      ? h(
          'li',
          { class: 'said answer streaming', 'data-streaming': true },
          h('span', { class: 'who' }, 'writing'),
          h('p', { dir: 'auto' }, streamed),
        )
      : null,
  );
}

/** The error text, and the detail from the server behind it. */
const errorText = ({ message = '', error_detail: detail }) =>
  detail === undefined ? message : `${message} (${detail})`;

function lineOf({ type, data, ms }) {
  const said = (kind, who, text) =>
    h(
      'li',
      { class: `said ${kind}` },
      h('span', { class: 'who' }, who),
      h('p', { dir: 'auto' }, text),
      h('time', {}, clock(ms)),
    );
  switch (type) {
    case 'ack':
    case 'processing':
      return said('notice', 'notice', data.message ?? '');
    case 'rewrite':
      return said('notice', 'to the reasoner', data.content ?? '');
    case 'result':
      return said('answer', data.final ? 'answer' : 'draft', data.content ?? '');
    case 'error':
      return said('error', data.error_reason ?? data.code ?? 'error', errorText(data));
    case 'cancelled':
      return said('error', `cancelled by ${data.by ?? '?'}`, data.reply ?? '');
    default:
      return null;
  }
}
