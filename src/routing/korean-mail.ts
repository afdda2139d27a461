/**
 * Korean questions about the mailbox: which folder, from whom, with which words, from which days.
 * Writing, sending and answering mail go to the classifier, and so does 메일 as a means (메일로).
 */
import { folderOf } from './home-words.ts';
import { dictionaryOf, koreanWords } from './korean-words.ts';
import { relationWord, searchWord, senderOf } from './query-words.ts';
import {
  type Clause,
  type RuleOutcome,
  asksForMeaning,
  clauseDates,
  dateQuestion,
  domainCount,
  has,
  hasException,
} from './rule.ts';
import { mailCall } from './tool-calls.ts';
import type { Word, WordClass } from './word-classes.ts';

const rule = 'mail';

const known: ReadonlySet<WordClass> = new Set([
  'mail',
  'document',
  'account',
  'ask',
  'exist',
  'show',
  'seek',
  'check',
  'digest',
  'come',
  'happen',
  'date',
  'time',
  'attribute',
  'described',
  'next',
  'filler',
]);

const predicates: ReadonlySet<WordClass> = new Set([
  'ask',
  'exist',
  'show',
  'seek',
  'check',
  'digest',
]);

/** Nouns that are search words in front of 메일: 회의 메일, 계약서 파일 메일, 서버 점검 메일. */
const searchable: ReadonlySet<WordClass> = new Set([
  'rest',
  'calendar',
  'document',
  'bookish',
  'machine',
  'state',
  'how',
]);

const otherRole = /^(?:로|으로|로는|으로는|보다|말고|마다|처럼|까지)$/;

/** 메일에서 견적서 찾아줘, 메일 중에 세금 계산서 있어?: search words follow. */
const partitive = /^(?:에서|에|에는|중|중에|중에서|함에서)$/;

/** Without a sender it is the asker's own mail that is meant. */
const sentByMe = /^(?:보낸|쓴|발송한|전송한)$/;
/** 한 시간 전에 온, 30분 안에: mail is searched by days. */
const shorterThanDays =
  /(?:\d|한|두|세|네|다섯|여섯|몇)\s*(?:시간|분)\s*(?:전|이내|안에|내에|동안|사이)/;
const sent = /^(?:보낸|보내준|보내온|보내신|쓴|발송한|전송한)$/;
const received =
  /^(?:온|온거|온게|왔.*|와있.*|들어온|들어왔.*|받은|받았.*|도착한|도착했.*|날아온|날라온|수신한|수신된)$/;

interface Found {
  query: string[];
  from: string;
}

/** 구글 계정 메일: the word behind a mailbox's name says no more than the name. */
const withoutAccountWord = (words: readonly Word[]): Word[] =>
  words.filter(
    (word, at) =>
      !(
        /^계정(?:으로|로|에|의|에서)?$/.test(word.text) &&
        (words[at - 1]?.class === 'account' || folderOf([words[at - 1]?.text ?? '']) !== null)
      ),
  );

/** 이 메일, 그 메일: one that was talked about; 방금 온 메일 is only a new one. */
const isAtHand = (word: Word): boolean =>
  word.class === 'demonstrative' && !/^(?:방금|아까|이번)$/.test(word.text);

const isMail = (word: Word): boolean => word.class === 'mail' || word.text === 'inbox';

/** The sender ends where 보낸 or 온 follows: 삼성전자 김과장이 보낸, 박대리한테서 온. */
function takeSender(nouns: Word[], next: Word | undefined): string {
  const last = nouns.at(-1);
  if (last === undefined || next === undefined) return '';
  const isSent = sent.test(next.text);
  if (!isSent && !received.test(next.text)) return '';
  const spelled = last.text + last.tail;
  // 온 needs a source (한테서, 에서); a subject (메일이 온) is what came.
  if (!isSent && /(?:^|[^측])(?:이|가)$/.test(spelled)) return '';
  const name = senderOf(spelled);
  if (name === null) return '';
  const before = nouns.slice(0, -1).map((word) => word.text);
  nouns.length = 0;
  return [...before, name].join(' ');
}

/** 그를 찾아 떠난 여행 메일 찾아줘: a verb that goes on to a further search word is no command. */
const isVerbOfTitle = (words: readonly Word[], at: number): boolean =>
  words[at]?.class === 'seek' &&
  words[at + 1]?.class === 'rest' &&
  /(?:아|어|서|기|는|던)$/.test(words[at]?.text ?? '');

/** Search words and sender among the words in front of the keyword, and behind it where they may stand. */
function collect(words: readonly Word[], index: number, after: boolean): Found | null {
  const found: Found = { query: [], from: '' };
  let nouns: Word[] = [];
  const flush = (related: boolean): void => {
    found.query.push(
      ...nouns.map((word, at) => searchWord(word.text, related && at === nouns.length - 1)),
    );
    nouns = [];
  };
  for (const [at, word] of words.entries()) {
    const behind = at > index;
    if (searchable.has(word.class) && !isMail(word)) {
      if (!behind || after) nouns.push(word);
      else if (!known.has(word.class)) return null;
      continue;
    }
    if (word.class === 'come') {
      const from = takeSender(nouns, word);
      if (from !== '') found.from = from;
    }
    const between = word.class === 'date' || word.class === 'time' || word.class === 'filler';
    const last = nouns.at(-1);
    // 박과장님이 어제 보낸: the sender waits for its verb.
    if (between && last !== undefined && senderOf(last.text + last.tail) !== null) continue;
    if (!behind && nouns.length > 0 && isVerbOfTitle(words, at)) {
      nouns.push(word);
      continue;
    }
    // 문서 찾아줘 메일: what stands in front of another predicate belongs to that.
    if (predicates.has(word.class) && !behind) nouns = [];
    flush(relationWord.test(word.text));
  }
  flush(false);
  found.query = found.query.filter((text) => text !== '');
  return found;
}

function mayFollow(words: readonly Word[], index: number): boolean {
  const [keyword, next] = [words[index], words[index + 1]];
  if (partitive.test(keyword?.tail ?? '') || partitive.test(next?.text ?? '')) return true;
  // 메일 찾아줘 견적서
  const seekAt = words.findIndex((word, at) => at > index && word.class === 'seek');
  const firstOdd = words.findIndex((word, at) => at > index && !known.has(word.class));
  return seekAt >= 0 && seekAt < firstOdd;
}

function keywordIndex(words: readonly Word[]): number {
  const index = words.findLastIndex(isMail);
  const [keyword, next] = [words[index], words[index + 1]];
  if (keyword === undefined || otherRole.test(keyword.tail)) return -1;
  // 메일 자료 찾아줘 asks for a document, 메일 서버 상태 for a machine.
  const compound = keyword.tail === '' && (next?.class === 'document' || next?.class === 'machine');
  return compound && domainCount(words) < 3 ? -1 : index;
}

/** The words of the clause, with the folders of this home among the accounts. */
function wordsOf({ masked, words, home }: Clause): Word[] {
  const named = (home.mailFolders ?? []).flatMap((row) => [row.folder, ...row.words]);
  const own = dictionaryOf(named, 'account');
  if (own.size === 0) return withoutAccountWord(words);
  // An account may have the name of a person: 앨리스한테서 온 names a sender.
  const isSender = (word: Word): boolean =>
    own.has(word.text) && /^(?:에게|한테|께|이$|가$)/.test(word.tail);
  return withoutAccountWord(
    koreanWords(masked, own).map((word) => (isSender(word) ? { ...word, class: 'rest' } : word)),
  );
}

export function koreanMail(clause: Clause): RuleOutcome | null {
  const words = wordsOf(clause);
  if (has(words, 'create', 'change', 'send') || words.some(isAtHand)) return null;
  if (hasException(words) || shorterThanDays.test(clause.text)) return null;
  if (has(words, 'how') && !has(words, 'seek')) return null;
  const index = keywordIndex(words);
  if (index < 0 || words.slice(index + 1).some((word) => word.class === 'machine')) return null;
  if (asksForMeaning(words, index)) return null;
  const after = mayFollow(words, index);
  if (!after && words.slice(index + 1).some((word) => !known.has(word.class))) return null;
  const found = collect(words, index, after);
  if (found === null) return null;
  if (found.from === '' && words.some((word) => sentByMe.test(word.text))) return null;
  const asked = words.some((word) => predicates.has(word.class)) || clause.question;
  const came = words.some((word) => word.class === 'come');
  // 생일 축하 메일 may want to be written; 오늘 회사 메일 can only be looked at.
  if (!asked && !came && (found.query.length > 0 || found.from !== '')) return null;
  const dates = clauseDates(clause, 'past');
  if (dates?.ok === false) return dateQuestion(clause, rule, dates);
  const names = words.map((word) => word.text);
  const call = mailCall({
    dates,
    today: clause.today,
    query: found.query.join(' '),
    from: found.from,
    folder: folderOf(names, clause.home.mailFolders),
  });
  return { kind: 'calls', rule, calls: [call] };
}
