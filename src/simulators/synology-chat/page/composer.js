/** The input for messages: Enter sends, Shift+Enter makes a new line, a file is sent with the text. */
import { act } from './act.js';
import { h } from './dom.js';

/** @param {File} file @returns {Promise<{ name: string, type: string, content: string }>} base64 */
function encoded(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => {
      const [, content = ''] = String(reader.result).split(',');
      resolve({ name: file.name, type: file.type || 'application/octet-stream', content });
    });
    reader.addEventListener('error', () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}

/** @param {{ userId(): number, place(): any }} world */
export function createComposer(world) {
  const text = h('textarea', { rows: 1, 'aria-label': 'Message', placeholder: 'Type a message' });
  const file = h('input', { type: 'file', 'aria-label': 'Attach a file' });
  const send = async () => {
    const message = text.value;
    const [chosen] = file.files;
    if (message.trim() === '' && chosen === undefined) return;
    text.value = '';
    const said = { do: 'say', userId: world.userId(), text: message, ...world.place() };
    const attached = chosen === undefined ? {} : { file: await encoded(chosen) };
    if (await act({ ...said, ...attached })) file.value = '';
    else text.value = message;
  };
  text.addEventListener('keydown', (event) => {
    // During IME composition of a syllable, Enter ends the syllable and does not send the message.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void send();
  });
  return h(
    'form',
    {
      class: 'composer',
      'aria-label': 'New message',
      onsubmit(event) {
        event.preventDefault();
        void send();
      },
    },
    text,
    h('button', { type: 'submit', class: 'primary' }, 'Send'),
    file,
  );
}
