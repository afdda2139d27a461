/**
 * Tokenizer for Korean. An eojeol (text between two blanks) is split only if it consists completely of known words and
 * particles; otherwise it is one unknown word. So 회의는, 오늘일정알려줘 and 메일함에서 contain a keyword, but 협회의 정관, 국회의원, 회의록 and
 * 프로파일링 contain none.
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
import { spellingCandidates } from './korean-spelling.ts';
import { type Token, type TokenType, datePlaceholder, timePlaceholder } from '../token-types.ts';

interface Segment {
  class: TokenType;
  text: string;
  tail: string;
}

type Dictionary = ReadonlyMap<string, TokenType>;

const noWords: Dictionary = new Map();

function createDictionary(table: Partial<Record<TokenType, string[]>>): Dictionary {
  const entries = Object.entries(table) as [TokenType, string[]][];
  return new Map(entries.flatMap(([name, words]) => words.map((word) => [word, name] as const)));
}

const nounClasses = createDictionary(nouns);
const standaloneClasses = createDictionary(standalone);
const glueClasses = createDictionary(glue);

/** Longer eojeols are pasted text; the limit bounds the search below. */
const eojeolCharsMax = 24;

const predicateOf = (text: string): Predicate | undefined =>
  predicates.find(({ regex }) => regex.test(text));

/** Whether the rest of an eojeol consists only of particles, or is a copula. */
function isParticleRun(text: string): boolean {
  if (text === '' || copula.test(text)) return true;
  return particles.some(
    (particle) => text.startsWith(particle) && isParticleRun(text.slice(particle.length)),
  );
}

/** What may follow a noun: particles or a copula to the end, or a particle and further words. */
function segmentAfterNoun(noun: Segment, rest: string, custom: Dictionary): Segment[] | null {
  if (isParticleRun(rest)) return [{ ...noun, tail: rest }];
  for (const particle of ['', ...particles]) {
    if (!rest.startsWith(particle)) continue;
    const further = segment(rest.slice(particle.length), false, custom);
    // 약속했어, 회의하나: here the noun is the stem of a verb, not a calendar entry.
    if (particle === '' && further?.[0]?.class === 'happen' && noun.text !== '') return null;
    if (further !== null) return [{ ...noun, tail: particle }, ...further];
  }
  return null;
}

function segment(text: string, isHead: boolean, custom: Dictionary): Segment[] | null {
  if (isHead) {
    const whole = standaloneClasses.get(text);
    if (whole !== undefined) return [{ class: whole, text, tail: '' }];
  }
  const classOf = (word: string): TokenType | undefined =>
    custom.get(word) ?? nounClasses.get(word) ?? (isHead ? undefined : glueClasses.get(word));
  const nominal = classOf(text);
  if (nominal !== undefined) return [{ class: nominal, text, tail: '' }];
  const predicate = predicateOf(text);
  if (predicate !== undefined) return [{ class: predicate.class, text, tail: '' }];
  for (let length = Math.min(text.length - 1, 8); length >= 1; length -= 1) {
    const head = text.slice(0, length);
    // A configured word of one syllable counts only as a whole eojeol.
    const found = length === 1 && custom.has(head) ? undefined : classOf(head);
    if (found === undefined) continue;
    const noun = { class: found, text: head, tail: '' };
    const pieces = segmentAfterNoun(noun, text.slice(length), custom);
    if (pieces !== null) return pieces;
  }
  return null;
}

const unknown = (text: string): Segment => ({ class: 'rest', text, tail: '' });

/** 있나여, 있어욤, 알려줘ㅋㅋ: the standard form of a colloquial ending. */
const plainEnding = (text: string): string =>
  text.replace(/(?<=.)[ㄱ-ㅎㅏ-ㅣ]+$/u, '').replace(/(?<=.)(?:여|욤|염|용|욥|여용)$/u, '요');

/** One eojeol of Hangul. `afterMark`: it follows a date, a time or a Latin word and may begin with a particle. */
function segmentEojeol(text: string, afterMark: boolean, custom: Dictionary): Segment[] {
  if (text.length > eojeolCharsMax) return [unknown(text)];
  const placeholder: Segment = { class: 'filler', text: '', tail: '' };
  const trySegment = (spelled: string): Segment[] | null =>
    (afterMark ? segmentAfterNoun(placeholder, spelled, custom) : null) ??
    segment(spelled, true, custom);
  const plain = plainEnding(text);
  for (const spelled of new Set([text, plain, ...spellingCandidates(plain)])) {
    const pieces = trySegment(spelled);
    if (pieces !== null) return pieces;
  }
  return [unknown(text)];
}

/** Phrases such as 몇 시 and 어떻게 돼 are one word to the rules. */
const joinPhrases = (text: string): string =>
  text
    .replace(/몇\s+(?=(?:시|개|건|통|명|번)(?![가-힣]{3}))/g, '몇')
    .replace(/어떻게\s+(?=돼|되|될|됐|됩)/g, '어떻게')
    .replace(/추론\s+(?=모델|서버)/g, '추론')
    .replace(/(?<=\s)(안내)\s+(?=부탁|바랍)/g, '$1')
    .replace(/받은\s+(?=편지함|메일함)/g, '받은')
    .replace(/e-?\s?mail/g, 'email')
    // 견적서문서찾아줘: separates the word for document and its verb from the name before them.
    .replace(
      /(?<=[가-힣]{2})(?=(?:문서|자료|파일)(?:을|를)?좀?(?:찾아|검색해)(?:줘|봐|주세요|줄래))/g,
      ' ',
    );

const latinClasses: Dictionary = createDictionary({
  calendar: ['calendar', 'schedule', 'meeting', 'meetings'],
  mail: ['mail', 'mails', 'email', 'emails', 'gmail', 'mailbox'],
  document: ['document', 'documents', 'docs'],
  machine: ['server', 'system', 'llm', 'ai', 'gpu', 'ollama', 'gatehouse'],
  state: ['status'],
  account: ['inbox'],
  filler: ['plz', 'pls', 'please', 'thx', 'ok'],
});

/** Removes the spaces of configured words with several parts, so that the dictionary finds them. */
function joinCustomWords(text: string, customDictionary: Dictionary): string {
  const long = [...customDictionary.keys()].filter((word) => word.includes(' '));
  return long.reduce((so, word) => so.replaceAll(word, word.replaceAll(' ', '')), text);
}

/** A dictionary of configured words; words of the lexicon for mail, calendar and document keep their class. */
export function createCustomDictionary(words: readonly string[], name: TokenType): Dictionary {
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

/** Tokens of a text with placeholders for dates and times. @param customDictionary from `createCustomDictionary` */
export function tokenizeKorean(text: string, customDictionary: Dictionary = noWords): Token[] {
  const words: Token[] = [];
  const chunks = joinPhrases(joinCustomWords(text, customDictionary)).matchAll(
    /[\p{L}\p{M}\p{N}\ue000\ue001@._+#'/-]+/gu,
  );
  for (const [chunk] of chunks) {
    const runs =
      chunk.match(/[가-힣ㄱ-ㅎㅏ-ㅣ]+|[\ue000\ue001]|[^가-힣ㄱ-ㅎㅏ-ㅣ\ue000\ue001]+/gu) ?? [];
    runs.forEach((run, index) => tokenizeRun(words, run, index > 0, customDictionary));
  }
  return words.map((word, at) => (isTopic(words, at) ? { ...word, class: 'rest' } : word));
}

/** 정리 해고 문서 찾아줘: a bare verbal noun before another noun, with the actual verb later, is a topic. */
function isTopic(words: readonly Token[], at: number): boolean {
  const [word, next] = [words[at], words[at + 1]];
  if (word === undefined || !/^(?:확인|검색|조회|체크|정리|요약|탐색)$/.test(word.text))
    return false;
  const noun = next !== undefined && ['rest', 'document', 'mail'].includes(next.class);
  return noun && words.slice(at + 2).some(({ class: name }) => name === 'seek' || name === 'show');
}

function tokenizeRun(words: Token[], run: string, glued: boolean, custom: Dictionary): void {
  if (run === datePlaceholder || run === timePlaceholder) {
    words.push({ class: run === datePlaceholder ? 'date' : 'time', text: '', tail: '', glued });
    return;
  }
  if (!/^[가-힣ㄱ-ㅎㅏ-ㅣ]/.test(run)) {
    const text = run.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}+#]+$/gu, '');
    const found = custom.get(text) ?? latinClasses.get(text) ?? 'rest';
    if (text !== '') words.push({ class: found, text, tail: '', glued });
    return;
  }
  segmentEojeol(run, glued, custom).forEach((piece, index) => {
    const last = words.at(-1);
    // A particle after a placeholder or a Latin word belongs to that word: 내일은, pdf를.
    if (index === 0 && glued && piece.text === '' && last !== undefined) last.tail = piece.tail;
    else words.push({ ...piece, glued: glued || index > 0 });
  });
}
