/** The input for messages: Enter sends, Shift+Enter makes a new line, a file is sent with the text. */
import { isSendKey, ui } from '#shared/page/ui';
import { act } from './do.ts';

/** Where a user can write: a bot (its conversation may not exist yet) or a channel. */
export type Place = { bot: string } | { channelId: number };

/** With the content in base64. */
function encoded(file: File): Promise<{ name: string; type: string; content: string }> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => {
      const [, content = ''] = String(reader.result).split(',');
      resolve({ name: file.name, type: file.type || 'application/octet-stream', content });
    });
    reader.addEventListener('error', () => reject(reader.error as Error));
    reader.readAsDataURL(file);
  });
}

export function composer(writer: () => { userId: number; place: Place }) {
  const send = async (form: HTMLFormElement): Promise<void> => {
    const text = form.querySelector('textarea')!;
    const file = form.querySelector<HTMLInputElement>('[type="file"]')!;
    const message = text.value;
    const chosen = file.files?.[0];
    if (message.trim() === '' && chosen === undefined) return;
    text.value = '';
    const { userId, place } = writer();
    const attached = chosen === undefined ? {} : { file: await encoded(chosen) };
    if (await act({ do: 'say', userId, text: message, ...place, ...attached })) file.value = '';
    else if (text.value === '') text.value = message;
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    void send(event.currentTarget as HTMLFormElement);
  };
  const press = (event: KeyboardEvent): void => {
    if (!isSendKey(event)) return;
    event.preventDefault();
    (event.currentTarget as HTMLTextAreaElement).form!.requestSubmit();
  };
  return ui`<form class="composer" aria-label="New message" onsubmit=${submit}>
    <textarea rows="1" aria-label="Message" placeholder="Type a message" onkeydown=${press} />
    <button type="submit" class="primary">Send</button>
    <input type="file" aria-label="Attach a file" />
  </form>`;
}
