/** The URLs of links and of buttons: what Telegram accepts, and how it writes it. */

/** Null: no URL; Telegram drops the link and keeps its text. */
export function checkedUrl(given: string): string | null {
  const address = given.trim();
  if (/^tg:/i.test(address)) return address;
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`;
  if (!/^(?:https?|ftp|tonsite):\/\//i.test(withScheme) || !URL.canParse(withScheme)) return null;
  const { hostname } = new URL(withScheme);
  return hostname.includes('.') ? new URL(withScheme).href : null;
}

/** Of `tg://user?id=…`; null for other links. */
export function linkedUserId(given: string): number | null {
  const [, id] = /^tg:(?:\/\/)?user\/?\?(?:.*&)?id=(\d+)/i.exec(given.trim()) ?? [];
  return id === undefined ? null : Number(id);
}

/** Of `tg://emoji?id=…`; null for other links. */
export function customEmojiId(given: string): string | null {
  const [, id] = /^tg:(?:\/\/)?emoji\/?\?(?:[^#]*&)?id=([1-9]\d*)/i.exec(given.trim()) ?? [];
  return id ?? null;
}
