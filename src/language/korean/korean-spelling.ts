/** Standard spelling of Korean words: only of a word that is unknown as written and known respelled; 모래 (sand) stays. */
import { alternation, wordTable } from '../word-lists.ts';

const nouns = wordTable(
  ['일정', '일졍'],
  ['일정표', '일전표'],
  ['캘린더', '켈린더|켈린터|캘랜더|캘렌더|캘린다|칼렌다|카렌다|칼렌더'],
  ['스케줄', '스캐줄|스캐쥴|스케즐'],
  ['미팅', '미텅'],
  ['이메일', '이매일|이멜'],
  ['메일', '메알'],
  ['상태', '상테|상퇘'],
  ['서버', '써버'],
  ['시스템', '씨스템'],
);
const nounPattern = new RegExp(alternation(Object.keys(nouns)), 'gu');

const endings: readonly (readonly [RegExp, string])[] = [
  [nounPattern, ''],
  // 알려죠, 보여조, 확인해쥬, 찾아줭
  [/(?<=[려여해아어봐쳐워])(?:죠|조|쥬|줭|줘잉|져|줴|즤)(?:요|여|용)?$/u, '줘'],
  [/잇(?=[가-힣])/gu, '있'],
  [/왓(?=[가-힣])/gu, '왔'],
  // Not 업어: to carry on the back.
  [/업(?=[나니냐지음슴])/gu, '없'],
  [/머(?=$|야|지|에요|예요|에여|있|없|가|임|니|냐|하)/gu, '뭐'],
  [/모(?=야|에요|예요|있)/gu, '뭐'],
  [/알랴|알러|알려쥐|아려/gu, '알려'],
  [/갈켜|가르켜|갈쳐|갈차/gu, '가르쳐'],
  [/어케/gu, '어떻게'],
];

/** Other spellings of an unknown eojeol, the most likely first. */
export function spellingCandidates(eojeol: string): string[] {
  let text = eojeol;
  for (const [regex, usual] of endings) {
    text = text.replace(regex, (found) => nouns[found] ?? usual);
  }
  return [...new Set([text, text.replace(/(?<=.)[요여용염욤]$/u, '')])].filter(
    (one) => one !== eojeol,
  );
}

/** Misspelt date words; each replacement has the same length, so that offsets stay valid. */
const dates: readonly (readonly [RegExp, string])[] = [
  [/(?<![가-힣])오[눌능](?=[가-힣\s]|$)/gu, '오늘'],
  [/(?<![가-힣])어[재졔](?=[\s은는의에온]|$)/gu, '어제'],
  [/(?<![가-힣])그[재졔](?=[\s은는의에온]|$)/gu, '그제'],
  [/(?<=내일|낼|내일\s|낼\s)모래/gu, '모레'],
  [/(?<=이번|다음|담|저번|지난)(?<gap>\s?)[쥬쭈](?![가-힣]{2})/gu, '$<gap>주'],
  // 모래 is sand, but before 일정 and similar nouns it can only mean 모레.
  [
    /(?<=^\s*)모래(?=(?:에|는|의|엔)?\s*(?:일정|스케줄|스케쥴|약속|회의|미팅|캘린더|뭐\s?있))/gu,
    '모레',
  ],
];

export const correctDateSpelling = (text: string): string =>
  dates.reduce((so, [regex, usual]) => so.replace(regex, usual), text);
