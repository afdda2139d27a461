/** `parse_mode: HTML`. Offsets of errors are in bytes of the given text, as Telegram reports them. */
import { MarkupError, sortEntities, type Entity, type FormattedText } from './entity-types.ts';
import { checkedUrl, customEmojiId, linkedUserId } from './links.ts';

interface OpenTag {
  name: string;
  attributes: Map<string, string>;
  /** In the parsed text. */
  start: number;
}

const typeOf: Record<string, Entity['type']> = {
  b: 'bold',
  strong: 'bold',
  i: 'italic',
  em: 'italic',
  u: 'underline',
  ins: 'underline',
  s: 'strikethrough',
  strike: 'strikethrough',
  del: 'strikethrough',
  span: 'spoiler',
  'tg-spoiler': 'spoiler',
  'tg-emoji': 'custom_emoji',
  a: 'text_link',
  code: 'code',
  pre: 'pre',
  blockquote: 'blockquote',
};

const named: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"' };

export const parseHtml = (text: string): FormattedText => new HtmlParser(text).parse();

class HtmlParser {
  readonly #source: string;
  readonly #open: OpenTag[] = [];
  readonly #entities: Entity[] = [];
  #out = '';
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): FormattedText {
    while (this.#at < this.#source.length) {
      const char = this.#source.charAt(this.#at);
      if (char === '&') this.#out += this.#character();
      else if (char !== '<') {
        this.#out += char;
        this.#at += 1;
      } else if (this.#source.charAt(this.#at + 1) === '/') this.#endTag();
      else this.#startTag();
    }
    if (!this.#out.isWellFormed()) {
      throw new MarkupError(
        'Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units',
      );
    }
    const left = this.#open.at(-1);
    if (left !== undefined) {
      throw new MarkupError(`Can't find end tag corresponding to start tag "${left.name}"`);
    }
    return { text: this.#out, entities: sortEntities(joinedCode(this.#entities)) };
  }

  /** The character of `&lt;`, `&#39;` …; an unknown name stays as it is. */
  #character(): string {
    const rest = this.#source.slice(this.#at, this.#at + 20);
    const found = /^&(?:#(\d+)|#[xX]([0-9a-fA-F]+)|([a-zA-Z]+));?/.exec(rest);
    const [whole, decimal, hex, name] = found ?? [];
    if (whole !== undefined) {
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
      const char =
        name === undefined
          ? code > 0 && code <= 0x10ffff
            ? String.fromCodePoint(code)
            : undefined
          : Object.hasOwn(named, name)
            ? named[name]
            : undefined;
      if (char !== undefined) {
        this.#at += whole.length;
        return char;
      }
    }
    this.#at += 1;
    return '&';
  }

  #startTag(): void {
    const at = this.#at;
    const unclosed = (name?: string): MarkupError =>
      new MarkupError(
        `Unclosed start tag${name === undefined ? '' : ` "${name}"`} at byte offset ${this.#bytes(at)}`,
      );
    this.#at += 1;
    const name = this.#take(/[^\s>]*/y).toLowerCase();
    if (this.#isAtEnd()) throw unclosed();
    if (!Object.hasOwn(typeOf, name)) {
      throw new MarkupError(`Unsupported start tag "${name}" at byte offset ${this.#bytes(at)}`);
    }
    const attributes = new Map<string, string>();
    while (this.#skipBlanks() !== '>') {
      if (this.#isAtEnd()) throw unclosed(name);
      const key = this.#take(/[^\s=>/"']*/y).toLowerCase();
      if (key === '') {
        throw new MarkupError(
          `Empty attribute name in the tag "${name}" at byte offset ${this.#bytes(at)}`,
        );
      }
      attributes.set(key, this.#skipBlanks() === '=' ? this.#value(name, unclosed) : '');
    }
    this.#at += 1;
    if (name === 'span' && attributes.get('class') !== 'tg-spoiler') {
      throw new MarkupError(
        `Tag "span" must have class "tg-spoiler" at byte offset ${this.#bytes(at)}`,
      );
    }
    this.#open.push({ name, attributes, start: this.#out.length });
  }

  /** The value after the `=` that is here. */
  #value(tag: string, unclosed: (name?: string) => MarkupError): string {
    this.#at += 1;
    const quote = this.#skipBlanks();
    if (quote === '') throw unclosed(tag);
    if (quote !== '"' && quote !== "'") {
      const from = this.#at;
      const value = this.#take(/[a-zA-Z0-9.-]*/y);
      if (!/^[\s>]$/.test(this.#source.charAt(this.#at))) {
        throw new MarkupError(`Unexpected end of name token at byte offset ${this.#bytes(from)}`);
      }
      return value.toLowerCase();
    }
    this.#at += 1;
    let value = '';
    while (!this.#isAtEnd() && this.#source.charAt(this.#at) !== quote) {
      const char = this.#source.charAt(this.#at);
      if (char === '&') value += this.#character();
      else {
        value += char;
        this.#at += 1;
      }
    }
    if (this.#isAtEnd()) throw unclosed();
    this.#at += 1;
    return value;
  }

  #endTag(): void {
    const at = this.#at;
    const top = this.#open.pop();
    if (top === undefined) {
      throw new MarkupError(`Unexpected end tag at byte offset ${this.#bytes(at)}`);
    }
    this.#at += 2;
    const name = this.#take(/[^\s>]*/y).toLowerCase();
    if (this.#skipBlanks() !== '>') {
      throw new MarkupError(`Unclosed end tag at byte offset ${this.#bytes(at)}`);
    }
    this.#at += 1;
    if (name !== '' && name !== top.name) {
      throw new MarkupError(
        `Unmatched end tag at byte offset ${this.#bytes(at)}, expected "</${top.name}>", found "</${name}>"`,
      );
    }
    const entity = this.#entityOf(top);
    const length = this.#out.length - top.start;
    if (entity !== null && length > 0)
      this.#entities.push({ ...entity, offset: top.start, length });
  }

  #entityOf({ name, attributes, start }: OpenTag): Omit<Entity, 'offset' | 'length'> | null {
    const type = typeOf[name]!;
    switch (name) {
      case 'a': {
        const url = attributes.get('href') || this.#out.slice(start);
        const userId = linkedUserId(url);
        if (userId !== null) return { type: 'text_mention', user_id: userId };
        const checked = checkedUrl(url);
        return checked === null ? null : { type, url: checked };
      }
      case 'code': {
        const given = attributes.get('class') ?? '';
        const language = given.startsWith('language-') ? given.slice('language-'.length) : '';
        return language === '' ? { type } : { type, language };
      }
      case 'blockquote':
        return { type: attributes.has('expandable') ? 'expandable_blockquote' : type };
      case 'tg-emoji': {
        const id = customEmojiId(`tg://emoji?id=${attributes.get('emoji-id') ?? ''}`);
        if (id === null) throw new MarkupError('Invalid custom emoji identifier specified');
        return { type, custom_emoji_id: id };
      }
      default:
        return { type };
    }
  }

  /** @param pattern sticky */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found = ''] = pattern.exec(this.#source) ?? [];
    this.#at += found.length;
    return found;
  }

  /** The character after the blanks; '' at the end. */
  #skipBlanks(): string {
    this.#take(/\s*/y);
    return this.#source.charAt(this.#at);
  }

  #isAtEnd(): boolean {
    return this.#at >= this.#source.length;
  }

  #bytes(at: number): number {
    return Buffer.byteLength(this.#source.slice(0, at));
  }
}

/** `<pre><code class="language-x">` around the same text is one block with a language. */
function joinedCode(entities: readonly Entity[]): Entity[] {
  const isWithin = (a: Entity, b: Entity): boolean =>
    a.offset === b.offset && a.length === b.length;
  const coded = entities.filter(({ type, language }) => type === 'code' && language !== undefined);
  return entities.flatMap((entity) => {
    const { language, ...plain } = entity;
    if (entity.type === 'code') {
      const isJoined =
        language !== undefined &&
        entities.some((one) => one.type === 'pre' && isWithin(one, entity));
      return isJoined ? [] : [plain];
    }
    const code = entity.type === 'pre' ? coded.find((one) => isWithin(one, entity)) : undefined;
    return code?.language === undefined ? [entity] : [{ ...entity, language: code.language }];
  });
}
