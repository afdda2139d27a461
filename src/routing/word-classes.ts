/**
 * What the rules know about a word. A class says what the word does in a request, not its grammar.
 */
/**
 * Objects: `calendar`, `mail`, `document` (and `bookish`: a kind of document that stays in the query),
 * `machine` (a server, a model, the queue), `account` (which mailbox).
 *
 * Predicates: `ask` 뭐야, 언제; `exist` 있어; `show` 알려줘; `seek` 찾아줘; `check` 확인해줘; `digest` 요약해줘;
 * `come` 왔어; `happen` 했지, 시작해; `create` 잡아줘; `change` 취소해줘; `send` 보내줘; `state` 바빠, 상태.
 *
 * The rest: `date` and `time` stand for what the readers found; `attribute` 시간, 목록; `described` 잡힌, 남은;
 * `next` 다음; `how` 방법, 왜; `filler` 좀, 혹시; `rest` is every word the rules do not know.
 */
export type WordClass =
  | 'calendar'
  | 'mail'
  | 'document'
  | 'bookish'
  | 'machine'
  | 'account'
  | 'ask'
  | 'exist'
  | 'show'
  | 'seek'
  | 'check'
  | 'digest'
  | 'come'
  | 'happen'
  | 'create'
  | 'change'
  | 'send'
  | 'state'
  | 'date'
  | 'time'
  | 'attribute'
  | 'described'
  | 'next'
  | 'demonstrative'
  | 'how'
  | 'filler'
  | 'rest';

export interface Word {
  class: WordClass;
  /** As written, in lower case, without its particle. */
  text: string;
  /** Particles and copula after it: 을, 에서, 이야. Empty in English. */
  tail: string;
  /** Whether it was written together with the word before. */
  glued: boolean;
}

/** Stand for a date and a time in a text, after the readers took them out. */
export const dateMark = '\ue000';
export const timeMark = '\ue001';
/** Stands for the name of a model server, and for a word that means a mail folder, in English clauses. */
export const nameMark = '\ue002';
export const folderMark = '\ue003';
