/** `parse_mode: MarkdownV2`. Offsets of errors are in bytes of the given text, as Telegram reports them. */
import { MarkupError, sortEntities, type Entity, type FormattedText } from './entity-types.ts';
import { checkedUrl, customEmojiId, linkedUserId } from './links.ts';

type Kind =
  | 'Bold'
  | 'Italic'
  | 'Underline'
  | 'Strikethrough'
  | 'Spoiler'
  | 'Code'
  | 'Pre'
  | 'PreCode'
  | 'TextUrl'
  | 'CustomEmoji'
  | 'BlockQuote';

interface OpenEntity {
  kind: Kind;
  language: string;
  /** In the parsed text. */
  start: number;
  /** In the given text. */
  at: number;
}

const entityTypeOf: Record<Kind, Entity['type']> = {
  Bold: 'bold',
  Italic: 'italic',
  Underline: 'underline',
  Strikethrough: 'strikethrough',
  Spoiler: 'spoiler',
  Code: 'code',
  Pre: 'pre',
  PreCode: 'pre',
  TextUrl: 'text_link',
  CustomEmoji: 'custom_emoji',
  BlockQuote: 'blockquote',
};

/** Marks that begin and end an entity, longest first. */
const marks: readonly [mark: string, kind: Kind][] = [
  ['__', 'Underline'],
  ['||', 'Spoiler'],
  ['_', 'Italic'],
  ['*', 'Bold'],
  ['~', 'Strikethrough'],
];

const reserved = '_*[]()~`>#+-=|{}.!\n';
const isRaw = (kind: Kind | undefined): boolean =>
  kind === 'Code' || kind === 'Pre' || kind === 'PreCode';

export const parseMarkdown = (text: string): FormattedText => new MarkdownParser(text).parse();

class MarkdownParser {
  readonly #source: string;
  readonly #open: OpenEntity[] = [];
  readonly #entities: Entity[] = [];
  #out = '';
  #at = 0;
  #isInQuote = false;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): FormattedText {
    while (this.#at < this.#source.length) this.#step();
    if (this.#isInQuote) this.#endQuote();
    const left = this.#open.at(-1);
    if (left !== undefined) throw this.#unended(left);
    return { text: this.#out, entities: sortEntities(this.#entities) };
  }

  #step(): void {
    const char = this.#source.charAt(this.#at);
    const escaped = char === '\\' ? this.#source.charCodeAt(this.#at + 1) : 0;
    if (escaped > 0 && escaped <= 126) {
      this.#out += this.#source.charAt(this.#at + 1);
      this.#at += 2;
      return;
    }
    const isMark = isRaw(this.#open.at(-1)?.kind) ? char === '`' : reserved.includes(char);
    if (!isMark) {
      this.#out += char;
      this.#at += 1;
      return;
    }
    if (char === '\n') return this.#endLine();
    if (!this.#end()) this.#begin();
  }

  #sees(text: string, at = this.#at): boolean {
    return this.#source.startsWith(text, at);
  }

  #endLine(): void {
    const goesOn = this.#sees('>', this.#at + 1);
    if (this.#isInQuote && !goesOn) {
      this.#dropEmptySpoiler();
      this.#out += '\n';
      this.#at += 1;
      return this.#endQuote();
    }
    this.#out += '\n';
    this.#at += goesOn ? 2 : 1;
    if (goesOn && !this.#isInQuote) this.#beginQuote(this.#at - 1);
  }

  #beginQuote(at: number): void {
    this.#isInQuote = true;
    this.#open.push({ kind: 'BlockQuote', language: '', start: this.#out.length, at });
  }

  /** `||` at the end of a quotation makes it expandable. */
  #dropEmptySpoiler(): void {
    const [quote, spoiler] = this.#open.slice(-2);
    if (quote?.kind !== 'BlockQuote' || spoiler?.kind !== 'Spoiler') return;
    if (this.#out.slice(spoiler.start).replace('\r', '') !== '') return;
    this.#open.pop();
    quote.language = 'expandable';
  }

  #endQuote(): void {
    if (this.#at >= this.#source.length) this.#dropEmptySpoiler();
    const top = this.#open.at(-1);
    if (top === undefined) return;
    if (top.kind !== 'BlockQuote') throw this.#unended(top);
    this.#open.pop();
    this.#isInQuote = false;
    const type = top.language === '' ? 'blockquote' : 'expandable_blockquote';
    this.#add(top.start, { type });
  }

  /** False if no entity ends here. */
  #end(): boolean {
    const top = this.#open.at(-1);
    if (top === undefined) return false;
    const mark = this.#endMark(top.kind);
    if (mark === null) return false;
    this.#open.pop();
    this.#at += mark.length;
    if (top.kind === 'TextUrl') this.#endLink(top);
    else if (top.kind === 'CustomEmoji') this.#endEmoji(top);
    else {
      const language = top.kind === 'PreCode' ? { language: top.language } : {};
      this.#add(top.start, { type: entityTypeOf[top.kind], ...language });
    }
    return true;
  }

  /** Null: the mark here is not the end of this entity. */
  #endMark(kind: Kind): string | null {
    if (kind === 'Code') return this.#sees('`') ? '`' : null;
    if (kind === 'Pre' || kind === 'PreCode') return this.#sees('```') ? '```' : null;
    if (kind === 'TextUrl' || kind === 'CustomEmoji') return this.#sees(']') ? ']' : null;
    const found = marks.find(([mark]) => this.#sees(mark));
    return found?.[1] === kind ? found[0] : null;
  }

  #endLink({ start }: OpenEntity): void {
    const url = this.#sees('(') ? this.#url() : this.#out.slice(start);
    const userId = linkedUserId(url);
    if (userId !== null) return this.#add(start, { type: 'text_mention', user_id: userId });
    const checked = checkedUrl(url);
    if (checked !== null) this.#add(start, { type: 'text_link', url: checked });
  }

  #endEmoji({ start }: OpenEntity): void {
    if (!this.#sees('(')) {
      throw new MarkupError('The entity must contain a tg://emoji or tg://time URL');
    }
    const id = customEmojiId(this.#url());
    if (id === null) throw new MarkupError('Invalid tg://emoji or tg://time URL specified');
    this.#add(start, { type: 'custom_emoji', custom_emoji_id: id });
  }

  /** The address in the parentheses that begin here. */
  #url(): string {
    this.#at += 1;
    const from = this.#at;
    let url = '';
    while (this.#at < this.#source.length && !this.#sees(')')) {
      const code = this.#sees('\\') ? this.#source.charCodeAt(this.#at + 1) : 0;
      if (code > 0 && code <= 126) this.#at += 1;
      url += this.#source.charAt(this.#at);
      this.#at += 1;
    }
    if (!this.#sees(')')) {
      throw new MarkupError(`Can't find end of a URL at byte offset ${this.#bytes(from)}`);
    }
    this.#at += 1;
    return url;
  }

  #begin(): void {
    const [at, start] = [this.#at, this.#out.length];
    const open = (kind: Kind, length: number): void => {
      this.#open.push({ kind, language: '', start, at });
      this.#at += length;
    };
    if (this.#sees('![')) return open('CustomEmoji', 2);
    if (this.#sees('[')) return open('TextUrl', 1);
    if (this.#sees('```')) return this.#beginPre();
    if (this.#sees('`')) return open('Code', 1);
    if (this.#sees('>') && this.#startsQuote()) {
      this.#at += 1;
      return this.#beginQuote(at);
    }
    const found = marks.find(([mark]) => this.#sees(mark));
    if (found === undefined) {
      const char = this.#source.charAt(at);
      throw new MarkupError(
        `Character '${char}' is reserved and must be escaped with the preceding '\\'`,
      );
    }
    open(found[1], found[0].length);
  }

  /** Before the `>` of a quotation there is nothing but marks without text, or the quotation that just ended. */
  #startsQuote(): boolean {
    if (this.#isInQuote) return false;
    const before = this.#source.slice(this.#source.lastIndexOf('\n', this.#at) + 1, this.#at);
    return this.#at === 0 || /^(?:\r|\*\*|[_*~|`])*$/.test(before);
  }

  #beginPre(): void {
    const at = this.#at;
    this.#at += 3;
    const language = this.#take(/[^\s`]*(?=\s)/y);
    this.#take(/\r\n|\n\r|\n|\r/y);
    const kind = language === '' ? 'Pre' : 'PreCode';
    this.#open.push({ kind, language, start: this.#out.length, at });
  }

  /** @param pattern sticky */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found = ''] = pattern.exec(this.#source) ?? [];
    this.#at += found.length;
    return found;
  }

  #add(start: number, entity: Omit<Entity, 'offset' | 'length'>): void {
    const length = this.#out.length - start;
    if (length > 0) this.#entities.push({ ...entity, offset: start, length });
  }

  #unended({ kind, at }: OpenEntity): MarkupError {
    return new MarkupError(`Can't find end of ${kind} entity at byte offset ${this.#bytes(at)}`);
  }

  #bytes(at: number): number {
    return Buffer.byteLength(this.#source.slice(0, at));
  }
}
