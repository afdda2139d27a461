/**
 * Korean requests about the memory. 기억해줘 keeps what the person says; 기억해? and 기억나? ask, 잊지 말고 알려줘 is a reminder, and
 * 우유 사는 거 기억해줘 is a thing to do: all of these are null.
 */
import type { FactSelector, MemoryClause, MemoryRequest } from '../memory/memory-request.ts';

const leading =
  /^(?:(?:아|음|저기요?|그럼|그리고|혹시|있잖아|자|오케이|참|참고로|이제|제발|부탁인데|앞으로|나중을?\s*위해|이것?도?|이거|이건|이걸|다음\s*(?:내용|사실|것)?(?:을|를)?|아래\s*(?:내용|사실|것)?(?:을|를)?)[\s,]+)+/u;
const trailing =
  /(?:[\s.!~^;,…ㅋㅎㅠㅜ]|고마워요?|고맙습니다|감사(?:합니다|해요)?|부탁(?:해요?|드려요|드립니다)?|(?<=\s)(?:응|please|plz|ㅇㅇ))+$/u;

/** Asks for it plainly: 줘, 둬, 주세요, 달라고. */
const giving =
  '(?:\\s*(?:줘|주라|주세요|주십시오|줄래요?|줘요|줘라|주렴|주면\\s*(?:돼|좋겠어|고맙겠어)요?|줄\\s*수\\s*있(?:어|니|나|나요|어요|을까|을까요)|둬|둬줘|둬라|두세요|두렴|두고\\s*있어|놔|놔줘|놓으세요|놓아줘|다오|달라고?))';
const remembers = `(?:기억(?:을)?\\s*(?:해|하고\\s*있어|하고\\s*있어\\s*줘|해\\s*두고)|외워|외우고\\s*있어|(?:메모리|기억)에\\s*(?:저장|추가|기록|남겨)(?:해|하)?(?:\\s*놔|\\s*둬)?|기억\\s*(?:저장|추가)(?:해)?)`;

/** 기억해: …, 기억해줘 …, 잊지 마: … */
const prefixed = new RegExp(
  `^(?:(?:꼭|잘|좀)\\s*)?(?:${remembers}${giving}?(?:요|라)?|기억할\\s*(?:것|거|내용|사항|사실)|기억\\s*사항|메모리|(?:절대|꼭)?\\s*잊지\\s*(?:마|말아|마라|마세요|말아\\s*줘|말고\\s*기억해\\s*(?:줘|둬)?))\\s*(?<mark>[:;,-]|\\.)?\\s*(?<text>.+)$`,
  'u',
);
/** … 기억해줘 */
const suffixed = new RegExp(
  `^(?<text>.+?)[\\s.,!-]*(?:(?:꼭|잘|좀|너도|이거|이걸|그거|그걸|이건|그건|이\\s*사실|그\\s*사실)(?:을|를)?\\s*)*(?<verb>${remembers}(?<ask>${giving})?(?:요|라)?)$`,
  'u',
);
const neverForget =
  /^(?<text>.+?)\s*(?:꼭\s*|절대\s*)*잊지\s*(?:마|말아|마라|마세요|말아\s*줘|말아\s*주세요)$/u;

/** …라는 거, …다고: the statement ends before it. */
const quotedEnd =
  /(?:(?:(?<=[a-z\d])이)?(?:라고|라는|란|라(?=\s*(?:거|것|걸)))\s*(?:거|것|걸|거를|것을|사실|점|말)?(?:을|를|만|도)?|(?<=[가-힣])(?<da>다)(?:고|는|ㄴ|던)\s*(?:거|것|걸|거를|것을|사실|점|말)?(?:을|를|만|도)?|(?<dan>[단])\s*(?:거|것|걸|사실|점)(?:을|를|만|도)?)$/iu;
/** …는 거: a state of the person, not a thing to do. */
const nominal = /(?:는|은|던|한|인|없는|있는|싫은|좋은)\s*(?:거|것|걸|점|사실)(?:을|를|만|도)?$/u;
const isState = /못|안\s|않|없|있|싫|좋|알레르기|다니|살|사는\s*(?:곳|데)|쓰는|먹는\s*약|타는/u;
/** A sentence: 이야, 다, 해, 요, 음. */
const statement =
  /(?:이야|야|다|어|아|해|예요|에요|이에요|요|음|임|함|지|거든|잖아|네|군|니다|래|데|중|\d)$/u;
const particle = /(?:을|를|은|는|이|가|도|만)$/u;

/** Words with which a message asks now, or for something later. */
const asksNow =
  /[?？]|뭐|뭘|무엇|무슨|언제|어디|누구|누가|몇\s*(?:시|개|명|살|번|월|일)|얼마|어떻게|왜|는지|은지|인지|할지|을지|일지|(?:알려|깨워|말해|찾아|보여|써|번역해|요약해|설명해)\s*(?:줘|주)/u;
/** What the other people shall do, or have done, and what nobody asks for. */
const foreignEnd = /(?:했어|했다|했지|하더라|하네|한다|했는데|하래|하라더라)$/u;
const refersBack =
  /^(?:내가|제가|방금|아까|우리가|위에서?|전에|지난번에?)\s*(?:말한|얘기한|한|말했던|했던)\s*(?:거|것|말|얘기|내용)?(?:을|를)?$|^(?:이거|이것|이걸|그거|그것|그걸|저거|방금\s*(?:그)?\s*(?:거|것)|이\s*말|그\s*말|이\s*내용|이\s*대화|이\s*파일|이\s*문서|이\s*메일|위\s*내용)(?:을|를|도)?$/u;

export function koreanMemory(clause: MemoryClause): MemoryRequest | null {
  const end = clause.text.length - (trailing.exec(clause.text)?.[0].length ?? 0);
  const start = leading.exec(clause.text.slice(0, end))?.[0].length ?? 0;
  if (end <= start) return null;
  const cut = { text: clause.text.slice(start, end), cased: clause.cased.slice(start, end) };
  return list(cut) ?? forget(cut) ?? keep(cut);
}

function keep(clause: MemoryClause): MemoryRequest | null {
  const { text } = clause;
  if (/[?？]$/u.test(text)) return null;
  const before = prefixed.exec(text);
  if (before !== null) return keepAfter(before, clause);
  const never = neverForget.exec(text);
  if (never !== null) {
    const said = never.groups?.['text'] ?? '';
    // 약 먹는 거 잊지 마 is said to oneself, or is a reminder.
    return quotedEnd.test(said) ? kept(said, clause) : null;
  }
  const after = suffixed.exec(text);
  if (after === null) return null;
  const { text: said = '', ask } = after.groups ?? {};
  if (refersBack.test(said) || asksNow.test(said) || foreignEnd.test(said)) return null;
  if (quotedEnd.test(said)) return kept(said, clause);
  if (nominal.test(said)) return isState.test(said) ? kept(said, clause) : null;
  if (statement.test(said)) return kept(said, clause);
  // 내 생일 기억해 asks; 내 차 번호 12가 3456 기억해줘 tells.
  const isTold = /\d/u.test(said) || said.split(/\s+/u).length > 3;
  return ask !== undefined && isTold ? kept(said, clause) : null;
}

function keepAfter(found: RegExpExecArray, clause: MemoryClause): MemoryRequest | null {
  const { mark, text: said = '' } = found.groups ?? {};
  // Without a mark: 기억해줘 내 생일은 … tells, 기억해줘서 고마워 does not.
  const isApart = /[\s:;,.-]$/u.test(found[0].slice(0, found[0].length - said.length));
  if (!isApart) return null;
  if (mark === ':') return kept(said, clause);
  if (asksNow.test(said) || foreignEnd.test(said) || refersBack.test(said)) return null;
  return said.split(/\s+/u).length > 1 ? kept(said, clause) : null;
}

/** @param said a part of the text, in lower case */
function kept(said: string, { text, cased }: MemoryClause): MemoryRequest | null {
  const from = text.indexOf(said);
  let own = cased.slice(from, from + said.length);
  const end = quotedEnd.exec(own);
  if (end !== null) {
    const { da, dan } = end.groups ?? {};
    own = own.slice(0, end.index) + (da ?? (dan === undefined ? '' : '다'));
  }
  own = own
    .replace(/\s*(?:을|를)$|(?<=[a-z\d])이?니까$/iu, '')
    .replace(/^["']+|["']+$/gu, '')
    .trim();
  return Array.from(own.replace(/\s/gu, '')).length < 4 ? null : { do: 'keep', text: own };
}

const whatIs = '(?:뭐|뭘|뭐를|무엇을|무엇|무슨\\s*(?:거|것|걸)|어떤\\s*(?:거|것|걸))(?:을|를)?';
const showing =
  '(?:좀\\s*)?(?:다\\s*|전부\\s*|모두\\s*)?(?:알려|보여|말해|읽어|얘기해|나열해|정리해)\\s*(?:줘|주세요|줄래|줘요|봐)';
const has = '(?:있(?:어|니|나|나요|어요|지|는지|냐|습니까)|뭐야|뭐지|뭐가\\s*있(?:어|지|니|나))';
const ofMe = '(?:나|저|내|제|우리)(?:에\\s*대해서?|에\\s*관해서?|에\\s*대한)';
const lists = [
  `^(?:너는?|넌|네가|니가|지금|현재|그동안|여태|지금까지|${ofMe}|내가\\s*(?:말한|알려준|기억하라고\\s*한)\\s*(?:거|것)(?:들)?\\s*(?:중에)?|\\s)*(?:${whatIs}\\s*)?(?:기억|외우)(?:을)?(?:하고|고)?\\s*(?:있는)?\\s*(?:게|것이|거|건)?\\s*${has}(?:\\s*${showing})?[?]?$`,
  `^(?:너는?|넌|네가|니가|지금|현재|\\s)*${ofMe}\\s*(?:${whatIs}|아는\\s*(?:게|거|것))\\s*(?:을|를)?\\s*(?:알고|기억하고)?\\s*(?:있(?:어|니|나|나요|어요|지|는지)|뭐야|있어)(?:\\s*${showing})?[?]?$`,
  `^(?:네가|니가|너가|지금|지금까지|${ofMe}|\\s)*기억(?:하고\\s*있는|하는|한|해\\s*둔|해\\s*놓은|된)\\s*(?:거|것|걸|게|내용|사실|목록)(?:들)?(?:을|를|은|이|가)?\\s*(?:전부|모두|다)?\\s*(?:${showing}|${has}|목록)?[?]?$`,
  `^(?:내|나의|제|저장된|지금|모든|전체|\\s)*(?:기억|메모리)(?:들)?\\s*(?:목록|리스트|내역)?(?:을|를)?\\s*(?:${showing}|확인|목록|리스트|뭐\\s*있(?:어|니|지|나요))[?]?$`,
].map((one) => new RegExp(one, 'u'));

const list = ({ text }: MemoryClause): MemoryRequest | null =>
  /기억|메모리|알고|아는/u.test(text) &&
  lists.some((one) => one.test(text)) &&
  !/기억나|기억이/u.test(text)
    ? { do: 'list' }
    : null;

const forgetGiving =
  '(?:줘|줘요|주세요|주라|주십시오|줄래요?|줘라|버려(?:\\s*(?:줘|주세요|라|요))?|라|도\\s*돼|도\\s*됩니다|줄\\s*수\\s*있(?:어|니|나요|어요|을까요?))';
const forgetsWord = `(?:잊어|까먹어)\\s*${forgetGiving}`;
const removes = `(?:지워|삭제해?|없애|제거해?|빼|초기화해?)\\s*(?:${forgetGiving}|버려)?`;
const suffix = new RegExp(
  `^(?<which>.*?)\\s*(?:이제\\s*|그만\\s*|다시는\\s*|좀\\s*|완전히\\s*|영원히\\s*)*(?:${forgetsWord})[?]?$`,
  'u',
);
const colon = new RegExp(
  `^(?:잊어\\s*${forgetGiving}|기억\\s*(?:삭제|지우기))\\s*[:;,-]\\s*(?<which>.+)$`,
  'u',
);
/** 기억 지워줘: the noun says that the memory is meant. */
const ofMemory = new RegExp(
  `^(?:(?:네|너의|니)\\s*)?(?:(?:기억|메모리)(?:에서|에)\\s*(?<which>.*?)|(?<which2>.*?)\\s*(?:기억|메모리)(?:들)?(?:한\\s*(?:거|것|걸)|하고\\s*있는\\s*(?:거|것|걸))?(?:을|를|은|는|도)?\\s*(?<which3>.*?))\\s*(?:좀\\s*|이제\\s*)*(?:${removes})[?]?$`,
  'u',
);

const lastOne =
  /^(?:방금|아까|금방|지금)?\s*(?:기억(?:한|하라고\s*한|해\s*달라고\s*한)|말한|알려준|저장한)?\s*(?:그거|그것|그건|그걸|이거|이것|이건|이걸|거|것|걸|건|그\s*말|그\s*기억|마지막\s*(?:기억|거|것)|됐어|됐고|아니야?|방금)?(?:은|는|을|를|도)?$/u;
const everything =
  /^(?:(?:나|저)에\s*(?:대해서?|대한)\s*)?(?:(?:내가|네가)?\s*(?:말한|알려준|기억(?:한|하는|하고\s*있는))\s*(?:거|것|건|걸)?\s*)?(?:내|나의|제)?\s*(?:전부|모두|모든|다|싹|싹\s*다|전체|모든\s*(?:것|걸|거|내용))?(?:을|를)?\s*(?:전부|모두|다|싹|싹\s*다)?$/u;

function forget({ text, cased }: MemoryClause): MemoryRequest | null {
  const found = colon.exec(text) ?? suffix.exec(text) ?? ofMemory.exec(text);
  if (found === null) return null;
  const { which, which2 = '', which3 = '' } = found.groups ?? {};
  const words = (which ?? `${which2} ${which3}`).trim();
  const isOfMemory = which === undefined || /^(?:기억|메모리)(?:에서|에)/u.test(text);
  // 그만 잊어버려, 엄마가 잊어버리라고 했어: not said to the memory.
  if (/(?:했어|했는데|하래)$/u.test(words) || asksNow.test(words)) return null;
  const index = /(?:^|\s)(\d{1,4})\s*번(?:째)?(?:\s|$|을|를|은)/u.exec(` ${words} `)?.[1];
  if (index !== undefined) return { do: 'forget', which: { index: Number(index) } };
  const isAll =
    /전부|모두|모든|(?:^|\s)(?:다|싹)(?:\s|$)|전체/u.test(words) && everything.test(words);
  if (isAll || (isOfMemory && /초기화/u.test(text) && words === '')) {
    return { do: 'forget', which: { all: true } };
  }
  if (lastOne.test(words)) {
    // 기억 지워줘: which one is asked.
    return isOfMemory && words === ''
      ? { do: 'forget', which: {} }
      : { do: 'forget', which: { last: true } };
  }
  return selected(words, cased, text);
}

function selected(words: string, cased: string, text: string): MemoryRequest | null {
  const from = text.indexOf(words);
  const own = (from < 0 ? words : cased.slice(from, from + words.length))
    .replace(
      quotedEnd,
      (_all, ...groups) => (groups.at(-1) as Record<string, string | undefined>)['da'] ?? '',
    )
    .replace(
      /(?:에\s*대한\s*(?:거|것|건|걸|내용|기억)?|에\s*대해서?|에\s*관한\s*(?:거|것|건|걸)?|관련\s*(?:된)?\s*(?:거|것|건|걸)?)(?:은|는|을|를|도)?$/u,
      '',
    )
    .replace(/(?:는|은|한|던)\s*(?:거|것|건|걸|사실|점)(?:은|는|을|를|도)?$/u, '')
    .replace(/(?:이)?라(?:고|는)\s*(?:말)?한\s*(?:거|것|건|걸)?$/u, '')
    .trim()
    .replace(particle, (end, at: number) => (at > 1 ? '' : end))
    .replace(/^["']+|["']+$/gu, '')
    .trim();
  return own === '' ? null : { do: 'forget', which: { words: own } satisfies FactSelector };
}
