/** A small chat: sends a message as any other client does, and opens the job of the message. */
import { newKey, submit } from './api.js';
import { h } from './dom.js';

/**
 * @param {string | null} sender the only user that may send; null: any user @param {(jobId: string) => void} onJob
 * @param {(user: string) => { job_id: string, draft_seq: number } | null} shownDraft this user's draft that the page
 *   shows: a reply applies to this draft only
 */
export function createChatBox(sender, onJob, shownDraft) {
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
  /**
   * Key and draft of a message that failed and was put back into the box: the core may have received it, only the
   * response was lost.
   */
  let key = null;
  const send = async () => {
    const message = text.value;
    if (message.trim() === '') return;
    const sentBy = user.value || 'local';
    // A message that was put back is sent unchanged: with its key, for the draft that was shown then.
    const mine = key ?? { idempotency_key: newKey(), draft: shownDraft(sentBy) };
    key = null;
    text.value = '';
    problem.textContent = '';
    try {
      onJob(await submit(message, sentBy, mine));
    } catch (error) {
      const isFree = text.value === '';
      if (isFree) text.value = message;
      // Refused for good: the next try gets a new key.
      if (isFree && !(error.status >= 400 && error.status < 429)) key = mine;
      problem.textContent = isFree ? error.message : `Not sent: “${message}”. ${error.message}`;
    }
  };
  text.addEventListener('input', () => (key = null));
  user.addEventListener('input', () => (key = null));
  text.addEventListener('keydown', (event) => {
    // During IME composition of a syllable, Enter ends the syllable and does not send the message.
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
