/**
 * The text of an answer that is sent in chunks. A chunk cannot be taken back: where the text is replaced, a blank line and
 * the whole new text follow.
 */
export class StreamedText {
  /** The answer so far as the client has it. */
  #sent = '';
  /** The text sent so far is no longer part of the answer. */
  #isVoid = false;
  readonly #send: (content: string, replaces: boolean) => void;

  /** @param send sends a chunk; `replaces`: it makes void what was sent before */
  constructor(send: (content: string, replaces: boolean) => void) {
    this.#send = send;
  }

  /** The next piece; `replaces`: all text before it is void. */
  add(content: string, replaces: boolean): void {
    if (replaces && this.#sent !== '') {
      this.#sent = '';
      this.#isVoid = true;
    }
    if (content === '') return;
    this.#sent += content;
    const isVoid = this.#isVoid;
    this.#isVoid = false;
    this.#send(isVoid ? `\n\n${content}` : content, isVoid);
  }

  /** The final text is authoritative; usually all of it has been sent already. */
  complete(text: string): void {
    if (this.#sent.trim() === text.trim()) return;
    const isMore = text.startsWith(this.#sent);
    this.add(isMore ? text.slice(this.#sent.length) : text, !isMore);
  }
}
