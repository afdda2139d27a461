/** Trigger words of a room: a message that begins with one is for the assistant. */

/** The message without its trigger word; null if it has none. Pure. */
export function stripTriggerWord(raw: string, words: readonly string[]): string | null {
  const text = raw.trim();
  for (const word of words) {
    if (word !== '' && text.startsWith(word) && !isWithinWord(text, word.length)) {
      return text.slice(word.length).replace(/^[\s:,]+/, '');
    }
  }
  return null;
}

/** 도움 is no trigger of 도움말; a symbol such as ! may stand right before the question. */
const isWithinWord = (text: string, at: number): boolean =>
  /[\p{L}\p{M}\p{N}]$/u.test(text.slice(0, at)) && /^[\p{L}\p{M}\p{N}]/u.test(text.slice(at));
