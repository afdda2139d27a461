/** Korean questions about the mailbox. Requests to write mail, and mail as a means (메일로), are for the classifier. */
import { resolveFolder } from '../rules/custom-vocabulary.ts';
import { createCustomDictionary, tokenizeKorean } from './korean-tokenizer.ts';
import { relationWord, stripParticle, stripSenderParticle } from './strip-particles.ts';
import {
  type Clause,
  type RuleOutcome,
  isDefinitionQuestion,
  parseClauseDates,
  clarifyClauseDate,
  countDomains,
  hasToken,
  hasException,
  mailCall,
} from '../rules/rule.ts';
import { type Token, tokenTypes } from '../token-types.ts';

const rule = 'mail';

const predicates = tokenTypes('ask exist show seek check digest');
const known = new Set([
  ...predicates,
  ...tokenTypes('mail document account come happen date time attribute described next filler'),
]);

/** Nouns that are search words before 메일: 회의 메일, 계약서 파일 메일, 서버 점검 메일. */
const searchable = tokenTypes('rest calendar document bookish machine state how');

const otherRole = /^(?:로|으로|로는|으로는|보다|말고|마다|처럼|까지)$/;

/** 메일에서 견적서 찾아줘, 메일 중에 세금 계산서 있어?: search words follow. */
const partitive = /^(?:에서|에|에는|중|중에|중에서|함에서)$/;

/** Without a sender these mean mail that the user sent. */
const sentByMe = /^(?:보낸|쓴|발송한|전송한)$/;
/** 한 시간 전에 온, 30분 안에: mail can be searched only by days. */
const shorterThanDays =
  /(?:\d|한|두|세|네|다섯|여섯|몇)\s*(?:시간|분)\s*(?:전|이내|안에|내에|동안|사이)/;
const sent = /^(?:보낸|보내준|보내온|보내신|쓴|발송한|전송한)$/;
const received =
  /^(?:온|온거|온게|왔.*|와있.*|들어온|들어왔.*|받은|받았.*|도착한|도착했.*|날아온|날라온|수신한|수신된)$/;

interface MailSearch {
  query: string[];
  from: string;
}

/** 구글 계정 메일: 계정 (account) after the name of a mailbox is redundant. */
const withoutAccountWord = (words: readonly Token[]): Token[] =>
  words.filter(
    (word, at) =>
      !(
        /^계정(?:으로|로|에|의|에서)?$/.test(word.text) &&
        (words[at - 1]?.class === 'account' || resolveFolder([words[at - 1]?.text ?? '']) !== null)
      ),
  );

/** 이 메일, 그 메일: a mail mentioned before; 방금 온 메일 is just a new mail. */
const isAtHand = (word: Token): boolean =>
  word.class === 'demonstrative' && !/^(?:방금|아까|이번)$/.test(word.text);

const isMail = (word: Token): boolean => word.class === 'mail' || word.text === 'inbox';

/** The sender stands before 보낸 or 온: 삼성전자 김과장이 보낸, 박대리한테서 온. */
function extractSender(nouns: Token[], next: Token | undefined): string {
  const last = nouns.at(-1);
  if (last === undefined || next === undefined) return '';
  const isSent = sent.test(next.text);
  if (!isSent && !received.test(next.text)) return '';
  const spelled = last.text + last.tail;
  // 온 needs a source (한테서, 에서); its subject (메일이 온) is the mail itself.
  if (!isSent && /(?:^|[^측])(?:이|가)$/.test(spelled)) return '';
  const name = stripSenderParticle(spelled);
  if (name === null) return '';
  const before = nouns.slice(0, -1).map((word) => word.text);
  nouns.length = 0;
  return [...before, name].join(' ');
}

/** 그를 찾아 떠난 여행 메일 찾아줘: a verb that a further search word follows is no command. */
const isVerbOfTitle = (words: readonly Token[], at: number): boolean =>
  words[at]?.class === 'seek' &&
  words[at + 1]?.class === 'rest' &&
  /(?:아|어|서|기|는|던)$/.test(words[at]?.text ?? '');

/** Search words and sender from the words before the keyword, and after it if `after`. */
function collectSearchWords(
  words: readonly Token[],
  index: number,
  after: boolean,
): MailSearch | null {
  const found: MailSearch = { query: [], from: '' };
  let nouns: Token[] = [];
  const flush = (related: boolean): void => {
    found.query.push(
      ...nouns.map((word, at) => stripParticle(word.text, related && at === nouns.length - 1)),
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
      const from = extractSender(nouns, word);
      if (from !== '') found.from = from;
    }
    const between = word.class === 'date' || word.class === 'time' || word.class === 'filler';
    const last = nouns.at(-1);
    // 박과장님이 어제 보낸: words between the sender and its verb are skipped.
    if (between && last !== undefined && stripSenderParticle(last.text + last.tail) !== null)
      continue;
    if (!behind && nouns.length > 0 && isVerbOfTitle(words, at)) {
      nouns.push(word);
      continue;
    }
    // 문서 찾아줘 메일: words before another predicate belong to that predicate.
    if (predicates.has(word.class) && !behind) nouns = [];
    flush(relationWord.test(word.text));
  }
  flush(false);
  found.query = found.query.filter((text) => text !== '');
  return found;
}

function maySearchWordsFollow(words: readonly Token[], index: number): boolean {
  const [keyword, next] = [words[index], words[index + 1]];
  if (partitive.test(keyword?.tail ?? '') || partitive.test(next?.text ?? '')) return true;
  // 메일 찾아줘 견적서: search words after the verb.
  const seekAt = words.findIndex((word, at) => at > index && word.class === 'seek');
  const firstOdd = words.findIndex((word, at) => at > index && !known.has(word.class));
  return seekAt >= 0 && seekAt < firstOdd;
}

function keywordIndex(words: readonly Token[]): number {
  const index = words.findLastIndex(isMail);
  const [keyword, next] = [words[index], words[index + 1]];
  if (keyword === undefined || otherRole.test(keyword.tail)) return -1;
  // 메일 자료 찾아줘 asks for a document, 메일 서버 상태 for the status of a server.
  const compound = keyword.tail === '' && (next?.class === 'document' || next?.class === 'machine');
  return compound && countDomains(words) < 3 ? -1 : index;
}

/** The tokens of the clause, with the configured folder words as class `account`. */
function tokensWithFolders({ masked, words, vocabulary: home }: Clause): Token[] {
  const named = (home.mailFolders ?? []).flatMap((row) => [row.folder, ...row.words]);
  const customDictionary = createCustomDictionary(named, 'account');
  if (customDictionary.size === 0) return withoutAccountWord(words);
  // An account may have the name of a person: 앨리스한테서 온 names a sender.
  const isSender = (word: Token): boolean =>
    customDictionary.has(word.text) && /^(?:에게|한테|께|이$|가$)/.test(word.tail);
  return withoutAccountWord(
    tokenizeKorean(masked, customDictionary).map((word) =>
      isSender(word) ? { ...word, class: 'rest' } : word,
    ),
  );
}

export function koreanMail(clause: Clause): RuleOutcome | null {
  const words = tokensWithFolders(clause);
  if (hasToken(words, 'create', 'change', 'send') || words.some(isAtHand)) return null;
  if (hasException(words) || shorterThanDays.test(clause.text)) return null;
  if (hasToken(words, 'how') && !hasToken(words, 'seek')) return null;
  const index = keywordIndex(words);
  if (index < 0 || words.slice(index + 1).some((word) => word.class === 'machine')) return null;
  if (isDefinitionQuestion(words, index)) return null;
  const after = maySearchWordsFollow(words, index);
  if (!after && words.slice(index + 1).some((word) => !known.has(word.class))) return null;
  const found = collectSearchWords(words, index, after);
  if (found === null) return null;
  if (found.from === '' && words.some((word) => sentByMe.test(word.text))) return null;
  const asked = words.some((word) => predicates.has(word.class)) || clause.question;
  const came = words.some((word) => word.class === 'come');
  // 생일 축하 메일 may be a request to write; 오늘 회사 메일 can only be a search.
  if (!asked && !came && (found.query.length > 0 || found.from !== '')) return null;
  const dates = parseClauseDates(clause, 'past');
  if (dates?.ok === false) return clarifyClauseDate(clause, rule, dates);
  const names = words.map((word) => word.text);
  const call = mailCall({
    dates,
    today: clause.today,
    query: found.query.join(' '),
    from: found.from,
    folder: resolveFolder(names, clause.vocabulary.mailFolders),
  });
  return { kind: 'calls', rule, calls: [call] };
}
