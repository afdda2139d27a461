/** `reply_markup`. Only inline keyboards are kept; other kinds are checked and dropped. */
import { badRequest } from './api-error.ts';
import type { InlineButton, Keyboard } from './chat-types.ts';
import { checkedUrl } from './links.ts';

/** https://core.telegram.org/bots/api#inlinekeyboardbutton: 1-64 bytes. */
const callbackBytesMax = 64;
/** The server refuses more; the number is that of reports. */
const buttonsMax = 100;

/** Null: no inline keyboard. Throws an `ApiError` for what Telegram refuses before it looks at the chat. */
export function keyboardOf(json: string): Keyboard | null {
  if (json === '') return null;
  const markup = parsed(json);
  if (typeof markup !== 'object' || markup === null || Array.isArray(markup)) {
    throw badRequest('object expected as reply markup');
  }
  const { inline_keyboard: rows } = markup as Record<string, unknown>;
  if (rows === undefined || rows === null) return null;
  if (!Array.isArray(rows)) {
    throw badRequest('Field "inline_keyboard" must be of type Array');
  }
  const keyboard = rows.map((row: unknown) => {
    if (!Array.isArray(row)) {
      throw badRequest(
        'Field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
      );
    }
    return row.map(buttonOf);
  });
  const filled = keyboard.filter((row) => row.length > 0);
  return filled.length === 0 ? null : filled;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw badRequest("can't parse reply keyboard markup JSON object");
  }
}

function buttonOf(given: unknown): InlineButton {
  const refuse = (why: string): never => {
    throw badRequest(`can't parse inline keyboard button: ${why}`);
  };
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return refuse('InlineKeyboardButton must be an Object');
  }
  const { text, callback_data: data, url } = given as Record<string, unknown>;
  if (text === undefined) return refuse('Can\'t find field "text"');
  if (typeof text !== 'string') return refuse('Field "text" must be of type String');
  if (data !== undefined && typeof data !== 'string' && typeof data !== 'number') {
    return refuse('Field "callback_data" must be of type String');
  }
  const callbackData = data === undefined || data === '' ? null : String(data);
  const address = typeof url === 'string' && url !== '' ? url : null;
  if (callbackData === null && address === null) {
    return refuse('Text buttons are unallowed in the inline keyboard');
  }
  return { text, callbackData: address === null ? callbackData : null, url: address };
}

/** Checks what the core server checks, after the chat. */
export function checkKeyboard(keyboard: Keyboard | null): void {
  const buttons = (keyboard ?? []).flat();
  if (buttons.length > buttonsMax) throw badRequest('reply markup is too long');
  for (const { text, callbackData, url } of buttons) {
    if (text.trim() === '') throw badRequest('inline keyboard button text must be non-empty');
    if (callbackData !== null && Buffer.byteLength(callbackData) > callbackBytesMax) {
      throw badRequest('BUTTON_DATA_INVALID');
    }
    if (url !== null && checkedUrl(url) === null) throw badRequest('BUTTON_URL_INVALID');
  }
}
