/** Token classes of the rules. A class describes the function of a word in a request, not its grammar. */

type WordOf<Text extends string> = Text extends `${infer First} ${infer Rest}`
  ? First | WordOf<Rest>
  : Text;

/**
 * Objects: `calendar`, `mail`, `document` (and `bookish`: a kind of document that stays in the query), `machine` (a
 * server, a model, the queue), `account` (a mailbox).
 *
 * Predicates: `ask` 뭐야, 언제; `exist` 있어; `show` 알려줘; `seek` 찾아줘; `check` 확인해줘; `digest` 요약해줘; `come` 왔어; `happen` 했지,
 * 시작해; `create` 잡아줘; `change` 취소해줘; `send` 보내줘; `state` 바빠, 상태.
 *
 * Others: `date` and `time` are placeholders; `attribute` 시간, 목록; `described` 잡힌, 남은; `next` 다음; `demonstrative` 이, 첨부;
 * `how` 방법, 왜; `filler` 좀, 혹시; `rest` every unknown word.
 */
export type TokenType =
  | WordOf<'calendar mail document bookish machine account'>
  | WordOf<'ask exist show seek check digest come happen create change send state'>
  | WordOf<'date time attribute described next demonstrative how filler rest'>;

/** A set of token classes, as a text with blanks. */
export const tokenTypes = <Text extends string>(
  text: WordOf<Text> extends TokenType ? Text : never,
): ReadonlySet<TokenType> => new Set(text.split(' ') as TokenType[]);

export interface Token {
  class: TokenType;
  /** As written, in lower case, without its particle. */
  text: string;
  /** Particles and copula after it: 을, 에서, 이야. Empty in English. */
  tail: string;
  /** Whether it was written together with the word before. */
  glued: boolean;
}

/** Private-use characters that replace parsed dates and times in a text. */
export const datePlaceholder = '\ue000';
export const timePlaceholder = '\ue001';
/** Replace the name of a model server, and a word for a mail folder, in English clauses. */
export const namePlaceholder = '\ue002';
export const folderPlaceholder = '\ue003';
