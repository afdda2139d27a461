/**
 * Korean searches for documents. The query is the text without whole words such as the word for document, the verb and
 * fillers. A syllable inside a word is never removed (을지로, 자료구조, 확인서), nor a verb inside a title: a command stands
 * after the search words, or before all of them (그를 찾아 떠난 여행 자료 찾아줘).
 */
import { tokenizeKorean } from './korean-tokenizer.ts';
import { relationWord, stripParticle } from './strip-particles.ts';
import { clarifyingQuestions } from '../prompts/clarifying-questions.ts';
import { parseNormalizedDates } from '../dates/parse-dates.ts';
import {
  type Clause,
  type RuleOutcome,
  countDomains,
  hasToken,
  documentCall,
} from '../rules/rule.ts';
import { type Token, tokenTypes } from '../token-types.ts';

const rule = 'document';

/** Words that command, ask or describe; inside a title they are ordinary words. */
const commands = tokenTypes('seek check show ask exist described');

/** Never part of a query. */
const dropped = new Set([...commands, ...tokenTypes('document filler next demonstrative')]);

/** 찾아줘, 검색해 주세요: a command at any position. */
const finishedCommand = /(?:줘|줘요|줄래|줄래요|주라|주세요|봐|봐줘|해|부탁해)$/;

/** After the word for document, these request more than a search. */
const furtherWork = tokenTypes('create change send digest how');

/** 문서로, 파일보다: the document is not the object. */
const otherRole = /^(?:로|으로|보다|말고|처럼|마다)$/;

/** The text of the clause without relative dates (no document contains 지난달), but with written dates (2024년, 3월). */
function searchText(clause: Clause): string {
  const dates = parseNormalizedDates(clause.text, { today: clause.today, prefer: 'past' });
  let { text } = clause;
  for (const { start, end } of dates?.spans.toReversed() ?? []) {
    if (!/\d/.test(text.slice(start, end))) text = `${text.slice(0, start)} ${text.slice(end)}`;
  }
  return text;
}

/** 확인 is a search only directly after the word for document: 파일 확장자 확인 means something else. */
function isSought(words: readonly Token[], index: number): boolean {
  if (hasToken(words, 'seek')) return true;
  const checkAt = words.findIndex((word, at) => at > index && word.class === 'check');
  return (
    checkAt > index &&
    words.slice(index + 1, checkAt).every((word) => word.class === 'filler') &&
    words.slice(checkAt + 1).every((word) => word.class === 'filler' || word.class === 'show')
  );
}

/** Number of words at the beginning that are a command: 찾아 줘 …, 검색해줘 …, 혹시 … */
function leadingCommand(words: readonly Token[], index: number): number {
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

/** Commands before the document word that belong to the title: between title words, or last if a command follows. */
function titleWords(words: readonly Token[], index: number): ReadonlySet<Token> {
  const begin = leadingCommand(words, index);
  const front = words.slice(begin, index);
  const isContent = (word: Token): boolean =>
    !dropped.has(word.class) && word.class !== 'date' && word.class !== 'time';
  const first = front.findIndex(isContent);
  const last = front.findLastIndex(isContent);
  const soughtBehind = words
    .slice(index + 1)
    .some(({ class: name }) => name === 'seek' || name === 'check');
  const kept = front.filter((word, at) => {
    if (!commands.has(word.class) || relationWord.test(word.text)) return false;
    if (at > first && at < last && first >= 0) return soughtBehind || begin > 0;
    // 무엇이 보이는가, 어디서 왔는가: a title that is a question.
    if (at < first) return word.class === 'ask' && /^(?:무엇|어디|누구|언제).+/.test(word.text);
    const isLast = at === front.length - 1 && word.class === 'seek';
    const isVerbOfTitle = /(?:아|어|서|기|는|은|을|던)$/.test(word.text);
    return first >= 0 && isLast && soughtBehind && isVerbOfTitle;
  });
  return new Set(kept);
}

/** Before a verb of the title a word keeps its particle: 시간을 찾아서. */
function queryText(word: Token, next: Token | undefined, title: ReadonlySet<Token>): string {
  if (next !== undefined && title.has(next)) return word.text + word.tail;
  if (word.class !== 'rest') return word.text;
  return stripParticle(word.text, relationWord.test(next?.text ?? ''));
}

function queryOf(words: readonly Token[], index: number): string {
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
    // Tokens of one word, split where the script changes (2024년, v2판), are joined again.
    if (word.glued && words[at - 1]?.class === 'rest') query.push(`${query.pop() ?? ''}${text}`);
    else query.push(text);
  }
  return query.filter((text) => text !== '').join(' ');
}

/** A complete request (찾아줘, 검색해 주세요) without search words gets a question back; 문서 찾아 alone may be incomplete. */
const isFinished = (words: readonly Token[]): boolean =>
  hasToken(words, 'show') ||
  words.some(
    (word) =>
      (word.class === 'seek' || word.class === 'check') &&
      !/^(?:찾아|검색|확인|조회|체크)$/.test(word.text),
  );

export function koreanDocuments(clause: Clause): RuleOutcome | null {
  const words = tokenizeKorean(searchText(clause));
  const bookish = words.findLastIndex((word) => word.class === 'bookish');
  const document = words.findLastIndex((word) => word.class === 'document');
  const index = document >= 0 ? document : hasToken(words, 'seek') ? bookish : -1;
  const keyword = words[index];
  if (keyword === undefined || otherRole.test(keyword.tail)) return null;
  // 이 문서, 첨부 파일, 방금 올린 파일: refers to a known document, so there is nothing to search for.
  if (hasToken(words.slice(0, index), 'demonstrative') || !isSought(words, index)) return null;
  if (words.slice(index + 1).some((word) => furtherWork.has(word.class))) return null;
  if (hasToken(words, 'mail') && countDomains(words) >= 3) return null;
  const query = queryOf(words, index);
  if (query !== '' && query !== '책' && query !== '서류') {
    return { kind: 'calls', rule, calls: [documentCall(query)] };
  }
  if (!isFinished(words)) return null;
  return { kind: 'clarify', rule, response: clarifyingQuestions(clause.locale).documentQuery };
}
