/**
 * Korean searches for documents. The query is what remains when whole words are taken away: the word for
 * document, the verb, fillers. No syllable inside a word is ever removed (을지로, 자료구조, 확인서).
 */
import { koreanWords } from './korean-words.ts';
import { relationWord, searchWord } from './query-words.ts';
import { questionsIn } from './questions.ts';
import { readDatesIn } from './date-reader.ts';
import { type Clause, type RuleOutcome, domainCount, has } from './rule.ts';
import { documentCall } from './tool-calls.ts';
import type { Word, WordClass } from './word-classes.ts';

const rule = 'document';

/** Never part of a query. */
const dropped: ReadonlySet<WordClass> = new Set([
  'document',
  'seek',
  'check',
  'show',
  'ask',
  'exist',
  'filler',
  'described',
  'next',
  'demonstrative',
]);

/** Behind the word for document these ask for more than a search. */
const furtherWork: ReadonlySet<WordClass> = new Set(['create', 'change', 'send', 'digest', 'how']);

/** 문서로, 파일보다: the document is not what is sought. */
const otherRole = /^(?:로|으로|보다|말고|처럼|마다)$/;

/**
 * The words of the clause with relative dates left out (지난달 is in no document) and written ones kept
 * (2024년, 3월 are).
 */
function searchText(clause: Clause): string {
  const dates = readDatesIn(clause.text, { today: clause.today, prefer: 'past' });
  let { text } = clause;
  for (const { start, end } of dates?.spans.toReversed() ?? []) {
    if (!/\d/.test(text.slice(start, end))) text = `${text.slice(0, start)} ${text.slice(end)}`;
  }
  return text;
}

/** 확인 finds a document only right behind it: 파일 확장자 확인 is another matter. */
function isSought(words: readonly Word[], index: number): boolean {
  if (has(words, 'seek')) return true;
  const checkAt = words.findIndex((word, at) => at > index && word.class === 'check');
  return (
    checkAt > index &&
    words.slice(index + 1, checkAt).every((word) => word.class === 'filler') &&
    words.slice(checkAt + 1).every((word) => word.class === 'filler' || word.class === 'show')
  );
}

function queryOf(words: readonly Word[], index: number): string {
  const query: string[] = [];
  for (const [at, word] of words.entries()) {
    const next = words[at + 1];
    if (word.class === 'document' && (at === index || next?.class !== 'document')) continue;
    if (dropped.has(word.class) || (word.text === '관련' && query.length > 0)) continue;
    if (word.class === 'attribute' && at > index) continue;
    const text =
      word.class === 'rest'
        ? searchWord(word.text, relationWord.test(next?.text ?? ''))
        : word.text;
    // 2024년 and v2판 were cut where the script changes.
    if (word.glued && words[at - 1]?.class === 'rest') query.push(`${query.pop() ?? ''}${text}`);
    else query.push(text);
  }
  return query.filter((text) => text !== '').join(' ');
}

/** A finished request (찾아줘, 검색해 주세요) may be asked back about; 문서 찾아 alone may go on. */
const isFinished = (words: readonly Word[]): boolean =>
  has(words, 'show') ||
  words.some(
    (word) =>
      (word.class === 'seek' || word.class === 'check') &&
      !/^(?:찾아|검색|확인|조회|체크)$/.test(word.text),
  );

export function koreanDocuments(clause: Clause): RuleOutcome | null {
  const words = koreanWords(searchText(clause));
  const bookish = words.findLastIndex((word) => word.class === 'bookish');
  const document = words.findLastIndex((word) => word.class === 'document');
  const index = document >= 0 ? document : has(words, 'seek') ? bookish : -1;
  const keyword = words[index];
  if (keyword === undefined || otherRole.test(keyword.tail)) return null;
  // 이 문서, 첨부 파일, 방금 올린 파일: one that is at hand, nothing to search for.
  if (has(words.slice(0, index), 'demonstrative') || !isSought(words, index)) return null;
  if (words.slice(index + 1).some((word) => furtherWork.has(word.class))) return null;
  if (has(words, 'mail') && domainCount(words) >= 3) return null;
  const query = queryOf(words, index);
  if (query !== '' && query !== '책' && query !== '서류') {
    return { kind: 'calls', rule, calls: [documentCall(query)] };
  }
  if (!isFinished(words)) return null;
  return { kind: 'clarify', rule, response: questionsIn(clause.locale).documentQuery };
}
