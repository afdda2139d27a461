/** The input for messages: Enter sends, Shift+Enter makes a new line, files are sent with the text. */
import { isSendKey, ui } from '#shared/page/ui';

/** With the content in base64. */
export interface EncodedFile {
  name: string;
  type: string;
  content: string;
}

export interface Composed {
  text: string;
  files: EncodedFile[];
}

function encoded(file: File): Promise<EncodedFile> {
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

/** @param write resolves to whether the message was sent; if not, it stays in the input */
export function composer(
  write: (message: Composed) => Promise<boolean>,
  { takesSeveral = false } = {},
) {
  const send = async (form: HTMLFormElement): Promise<void> => {
    const text = form.querySelector('textarea')!;
    const chosen = form.querySelector<HTMLInputElement>('[type="file"]')!;
    const message = text.value;
    const files = await Promise.all([...(chosen.files ?? [])].map(encoded));
    if (message.trim() === '' && files.length === 0) return;
    text.value = '';
    if (await write({ text: message, files })) chosen.value = '';
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
    <input type="file" multiple=${takesSeveral}
      aria-label=${takesSeveral ? 'Attach files' : 'Attach a file'} />
  </form>`;
}
