/** A small chat: sends a message as anybody would, and opens the job it became. */
import { call } from './api.js';
import { h } from './dom.js';

const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');

/** @param {string | null} sender the only one who may send; null: anybody @param {(jobId: string) => void} onJob */
export function createChatBox(sender, onJob) {
  const user = h('input', {
    value: sender ?? 'local',
    readonly: sender !== null,
    'aria-label': 'Send as user',
    class: 'chat-user',
    maxlength: 256,
  });
  const text = h('textarea', {
    rows: 1,
    placeholder: 'Send a message and watch it travel',
    'aria-label': 'Message',
  });
  const problem = h('p', { role: 'alert', class: 'problem' });
  /** Of the text that came back into the box: the core may have it, and only the answer was lost. */
  let key = null;
  const send = async () => {
    const message = text.value;
    if (message.trim() === '') return;
    const mine = key ?? newKey();
    key = null;
    text.value = '';
    problem.textContent = '';
    try {
      const body = { message, user_id: user.value || 'local', idempotency_key: mine };
      const { job_id: jobId } = await call('/chat', body);
      onJob(jobId);
    } catch (error) {
      const isFree = text.value === '';
      if (isFree) [text.value, key] = [message, mine];
      problem.textContent = isFree ? error.message : `Not sent: “${message}”. ${error.message}`;
    }
  };
  text.addEventListener('input', () => (key = null));
  user.addEventListener('input', () => (key = null));
  text.addEventListener('keydown', (event) => {
    // While a syllable is being composed, Enter ends the syllable and not the message.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void send();
  });
  return h(
    'form',
    {
      class: 'chat-box',
      'aria-label': 'Chat',
      onsubmit(event) {
        event.preventDefault();
        void send();
      },
    },
    user,
    text,
    h('button', { type: 'submit', class: 'primary' }, 'Send'),
    problem,
  );
}
