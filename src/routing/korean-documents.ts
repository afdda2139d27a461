/**
 * Korean searches for documents. The query is what remains when whole words are taken away: the word for
 * document, the verb, fillers. No syllable inside a word is ever removed (을지로, 자료구조, 확인서), and no verb inside
 * a title: a command stands behind what is sought, or in front of all of it (그를 찾아 떠난 여행 자료 찾아줘).
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

/** What commands, asks or describes; inside a title it is a word like others. */
const commands: ReadonlySet<WordClass> = new Set([
  'seek',
  'check',
  'show',
  'ask',
  'exist',
  'described',
]);

/** 찾아줘, 검색해 주세요: a command, wherever it stands. */
const finishedCommand = /(?:줘|줘요|줄래|줄래요|주라|주세요|봐|봐줘|해|부탁해)$/;

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

/** How many words at the beginning are a command: 찾아 줘 …, 검색해줘 …, 혹시 … */
function leadingCommand(words: readonly Word[], index: number): number {
  let length = 0;
  for (const [at, word] of words.slice(0, index).entries()) {
    const isCommand = word.class === 'seek' || word.class === 'show' || word.class === 'check';
    if (!isCommand && word.class !== 'filler') break;
    const next = words[at + 1];
    const goesOn = next?.class === 'show' && /^(?:줘|주|봐|줄)/.test(next.text);
    if (isCommand && (finishedCommand.test(word.text) || goesOn)) length = at + 1;
  }
  return length;
}

/**
 * The words in front of the word for document that are the title's although they are commands elsewhere: those with
 * words of the title on both sides; also the last one, where another command stands behind the word for document.
 */
function titleWords(words: readonly Word[], index: number): ReadonlySet<Word> {
  const begin = leadingCommand(words, index);
  const front = words.slice(begin, index);
  const isContent = (word: Word): boolean =>
    !dropped.has(word.class) && word.class !== 'date' && word.class !== 'time';
  const first = front.findIndex(isContent);
  const last = front.findLastIndex(isContent);
  const soughtBehind = words
    .slice(index + 1)
    .some(({ class: name }) => name === 'seek' || name === 'check');
  const kept = front.filter((word, at) => {
    if (!commands.has(word.class) || relationWord.test(word.text)) return false;
    if (at > first && at < last && first >= 0) return soughtBehind || begin > 0;
    // 무엇이 보이는가, 어디서 왔는가: a question that is a title.
    if (at < first) return word.class === 'ask' && /^(?:무엇|어디|누구|언제).+/.test(word.text);
    const isLast = at === front.length - 1 && word.class === 'seek';
    const isVerbOfTitle = /(?:아|어|서|기|는|은|을|던)$/.test(word.text);
    return first >= 0 && isLast && soughtBehind && isVerbOfTitle;
  });
  return new Set(kept);
}

/** In front of a verb of the title a word keeps its particle: 시간을 찾아서. */
function queryText(word: Word, next: Word | undefined, title: ReadonlySet<Word>): string {
  if (next !== undefined && title.has(next)) return word.text + word.tail;
  if (word.class !== 'rest') return word.text;
  return searchWord(word.text, relationWord.test(next?.text ?? ''));
}

function queryOf(words: readonly Word[], index: number): string {
  const query: string[] = [];
  const title = titleWords(words, index);
  for (const [at, word] of words.entries()) {
    const next = words[at + 1];
    if (title.has(word)) {
      query.push(word.text + word.tail);
      continue;
    }
    if (word.class === 'document' && (at === index || next?.class !== 'document')) continue;
    if (dropped.has(word.class) || (word.text === '관련' && query.length > 0)) continue;
    if (word.class === 'attribute' && at > index) continue;
    const text = queryText(word, next, title);
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
