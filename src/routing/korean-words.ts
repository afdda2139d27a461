/**
 * Cuts Korean text into words of the lexicon. An eojeol is taken apart only if it can be taken apart
 * completely into known words and particles; else it is one unknown word. So 협회의 정관, 국회의원, 회의록
 * and 프로파일링 hold no keyword, while 회의는, 오늘일정알려줘 and 메일함에서 do.
 */
import {
  type Predicate,
  copula,
  glue,
  nouns,
  particles,
  predicates,
  standalone,
} from './korean-lexicon.ts';
import { respellings } from './korean-spelling.ts';
import { type Word, type WordClass, dateMark, timeMark } from './word-classes.ts';

interface Piece {
  class: WordClass;
  text: string;
  tail: string;
}

type Dictionary = ReadonlyMap<string, WordClass>;

const noWords: Dictionary = new Map();

function dictionary(table: Partial<Record<WordClass, string[]>>): Dictionary {
  const entries = Object.entries(table) as [WordClass, string[]][];
  return new Map(entries.flatMap(([name, words]) => words.map((word) => [word, name] as const)));
}

const nounClasses = dictionary(nouns);
const standaloneClasses = dictionary(standalone);
const glueClasses = dictionary(glue);

/** Longer eojeols are pasted matter; the search below stays linear in practice. */
const eojeolCharsMax = 24;

const predicateOf = (text: string): Predicate | undefined =>
  predicates.find(({ regex }) => regex.test(text));

/** Whether the rest of an eojeol is nothing but particles, or a copula. */
function particleRun(text: string): boolean {
  if (text === '' || copula.test(text)) return true;
  return particles.some(
    (particle) => text.startsWith(particle) && particleRun(text.slice(particle.length)),
  );
}

/** What may follow a noun: particles or copula to the end, or particles and then further words. */
function afterNoun(noun: Piece, rest: string, own: Dictionary): Piece[] | null {
  if (particleRun(rest)) return [{ ...noun, tail: rest }];
  for (const particle of ['', ...particles]) {
    if (!rest.startsWith(particle)) continue;
    const further = takeApart(rest.slice(particle.length), false, own);
    // 약속했어, 회의하나: the noun is the stem of a verb here, no thing on a calendar.
    if (particle === '' && further?.[0]?.class === 'happen' && noun.text !== '') return null;
    if (further !== null) return [{ ...noun, tail: particle }, ...further];
  }
  return null;
}

function takeApart(text: string, isHead: boolean, own: Dictionary): Piece[] | null {
  if (isHead) {
    const whole = standaloneClasses.get(text);
    if (whole !== undefined) return [{ class: whole, text, tail: '' }];
  }
  const classOf = (word: string): WordClass | undefined =>
    own.get(word) ?? nounClasses.get(word) ?? (isHead ? undefined : glueClasses.get(word));
  const nominal = classOf(text);
  if (nominal !== undefined) return [{ class: nominal, text, tail: '' }];
  const predicate = predicateOf(text);
  if (predicate !== undefined) return [{ class: predicate.class, text, tail: '' }];
  for (let length = Math.min(text.length - 1, 8); length >= 1; length -= 1) {
    const head = text.slice(0, length);
    // One syllable of a home's own is a word by itself only.
    const found = length === 1 && own.has(head) ? undefined : classOf(head);
    if (found === undefined) continue;
    const pieces = afterNoun({ class: found, text: head, tail: '' }, text.slice(length), own);
    if (pieces !== null) return pieces;
  }
  return null;
}

const unknown = (text: string): Piece => ({ class: 'rest', text, tail: '' });

/** 있나여, 있어욤, 알려줘ㅋㅋ: the plain form of an ending as it is chatted. */
const plainEnding = (text: string): string =>
  text.replace(/(?<=.)[ㄱ-ㅎㅏ-ㅣ]+$/u, '').replace(/(?<=.)(?:여|욤|염|용|욥|여용)$/u, '요');

/** One eojeol of Hangul. `afterMark`: glued to a date, a time or a Latin word, so it may begin with a particle. */
function readEojeol(text: string, afterMark: boolean, own: Dictionary): Piece[] {
  if (text.length > eojeolCharsMax) return [unknown(text)];
  const placeholder: Piece = { class: 'filler', text: '', tail: '' };
  const read = (spelled: string): Piece[] | null =>
    (afterMark ? afterNoun(placeholder, spelled, own) : null) ?? takeApart(spelled, true, own);
  const plain = plainEnding(text);
  for (const spelled of new Set([text, plain, ...respellings(plain)])) {
    const pieces = read(spelled);
    if (pieces !== null) return pieces;
  }
  return [unknown(text)];
}

/** 몇 시, 어떻게 돼 and the like are one word to the rules. */
const joinPhrases = (text: string): string =>
  text
    .replace(/몇\s+(?=(?:시|개|건|통|명|번)(?![가-힣]{3}))/g, '몇')
    .replace(/어떻게\s+(?=돼|되|될|됐|됩)/g, '어떻게')
    .replace(/추론\s+(?=모델|서버)/g, '추론')
    .replace(/(?<=\s)(안내)\s+(?=부탁|바랍)/g, '$1')
    .replace(/받은\s+(?=편지함|메일함)/g, '받은')
    .replace(/e-?\s?mail/g, 'email')
    // 견적서문서찾아줘: the word for document and the verb behind it are no part of a name.
    .replace(
      /(?<=[가-힣]{2})(?=(?:문서|자료|파일)(?:을|를)?좀?(?:찾아|검색해)(?:줘|봐|주세요|줄래))/g,
      ' ',
    );

const latinClasses: Dictionary = dictionary({
  calendar: ['calendar', 'schedule', 'meeting', 'meetings'],
  mail: ['mail', 'mails', 'email', 'emails', 'gmail', 'mailbox'],
  document: ['document', 'documents', 'docs'],
  machine: ['server', 'system', 'llm', 'ai', 'gpu', 'ollama', 'gatehouse'],
  state: ['status'],
  account: ['inbox'],
  filler: ['plz', 'pls', 'please', 'thx', 'ok'],
});

/** Words of several parts become one, so that the dictionary finds them. */
function joinOwn(text: string, own: Dictionary): string {
  let short = text;
  for (const word of own.keys()) {
    if (!word.includes(' ')) continue;
    short = short.replaceAll(word, word.replaceAll(' ', ''));
  }
  return short;
}

/** A dictionary of words that only this home has; words of the lexicon keep the class that they have there. */
export function dictionaryOf(words: readonly string[], name: WordClass): Dictionary {
  const spelled = words.flatMap((word) => {
    const plain = word.normalize('NFC').toLowerCase().trim().replace(/\s+/g, ' ');
    return plain.includes(' ') ? [plain, plain.replaceAll(' ', '')] : [plain];
  });
  const isFree = (word: string): boolean =>
    word !== '' &&
    !['mail', 'calendar', 'document'].includes(
      nounClasses.get(word) ?? latinClasses.get(word) ?? '',
    );
  return new Map(spelled.filter(isFree).map((word) => [word, name] as const));
}

/**
 * Words of a normalised text in which dates and times are replaced by their marks.
 * @param own words of this home beside those of the lexicon, as `dictionaryOf` makes them
 */
export function koreanWords(text: string, own: Dictionary = noWords): Word[] {
  const words: Word[] = [];
  const chunks = joinPhrases(joinOwn(text, own)).matchAll(
    /[\p{L}\p{M}\p{N}\ue000\ue001@._+#'/-]+/gu,
  );
  for (const [chunk] of chunks) {
    const runs =
      chunk.match(/[가-힣ㄱ-ㅎㅏ-ㅣ]+|[\ue000\ue001]|[^가-힣ㄱ-ㅎㅏ-ㅣ\ue000\ue001]+/gu) ?? [];
    runs.forEach((run, index) => readRun(words, run, index > 0, own));
  }
  return words.map((word, at) => (isTopic(words, at) ? { ...word, class: 'rest' } : word));
}

/** 정리 해고 문서 찾아줘: a bare verbal noun in front of a noun, with the real verb still to come, is a topic. */
function isTopic(words: readonly Word[], at: number): boolean {
  const [word, next] = [words[at], words[at + 1]];
  if (word === undefined || !/^(?:확인|검색|조회|체크|정리|요약|탐색)$/.test(word.text))
    return false;
  const noun = next !== undefined && ['rest', 'document', 'mail'].includes(next.class);
  return noun && words.slice(at + 2).some(({ class: name }) => name === 'seek' || name === 'show');
}

function readRun(words: Word[], run: string, glued: boolean, own: Dictionary): void {
  if (run === dateMark || run === timeMark) {
    words.push({ class: run === dateMark ? 'date' : 'time', text: '', tail: '', glued });
    return;
  }
  if (!/^[가-힣ㄱ-ㅎㅏ-ㅣ]/.test(run)) {
    const text = run.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}+#]+$/gu, '');
    const found = own.get(text) ?? latinClasses.get(text) ?? 'rest';
    if (text !== '') words.push({ class: found, text, tail: '', glued });
    return;
  }
  readEojeol(run, glued, own).forEach((piece, index) => {
    const last = words.at(-1);
    // A particle after a mark or a Latin word belongs to that word: 내일은, pdf를.
    if (index === 0 && glued && piece.text === '' && last !== undefined) last.tail = piece.tail;
    else words.push({ ...piece, glued: glued || index > 0 });
  });
}
