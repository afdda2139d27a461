/**
 * Number words in dates and times, as tables and the regular expressions made from them. Korean has two series: native
 * (하나, 둘 …) for hours and counts, Sino-Korean (일, 이 …) for months and minutes.
 */

import { alternation, numberedWords, wordTable } from '../word-lists.ts';

export const dayCountWords: Readonly<Record<string, number>> = {
  ...numberedWords('하루 이틀 사흘 나흘 닷새 엿새 이레 여드레 아흐레 열흘'),
  보름: 15,
};

export const nativeHours = '한 두 세 네 다섯 여섯 일곱 여덟 아홉 열 열한 열두';
const koreanCounts: Readonly<Record<string, number>> = {
  ...numberedWords(nativeHours),
  석: 3,
  넉: 4,
};

const sinoDigits: Readonly<Record<string, number>> = {
  ...numberedWords('일 이 삼 사 오 육 칠 팔 구'),
  유: 6,
};

export const englishHours = 'one two three four five six seven eight nine ten eleven twelve';
const englishCounts: Readonly<Record<string, number>> = {
  ...numberedWords(englishHours),
  ...wordTable([1, 'a|an'], [2, 'a couple of'], [3, 'a few']),
};

export const dayCountPattern = alternation(Object.keys(dayCountWords));
export const koreanCountPattern = alternation(Object.keys(koreanCounts));
export const englishCountPattern = alternation(Object.keys(englishCounts));

/** 일 to 구십구 in Sino-Korean; 시 and 유 are the irregular forms in 시월 and 유월. */
export const sinoPattern =
  '(?:[이삼사오육칠팔구]?십[일이삼사오육칠팔구]?|[일이삼사오육유칠팔구시])';

function parseSinoNumber(word: string): number | null {
  if (word === '시') return 10;
  const ten = word.indexOf('십');
  if (ten < 0) return sinoDigits[word] ?? null;
  const tens = ten === 0 ? 1 : (sinoDigits[word.slice(0, ten)] ?? 0);
  const units = ten === word.length - 1 ? 0 : (sinoDigits[word.slice(ten + 1)] ?? 0);
  return tens * 10 + units;
}

/** Reads digits and native, Sino-Korean and English number words; null for anything else. */
export function parseNumber(word: string): number | null {
  const text = word.trim();
  if (/^\d{1,8}$/.test(text)) return Number(text);
  const table = dayCountWords[text] ?? koreanCounts[text] ?? englishCounts[text];
  return table ?? parseSinoNumber(text);
}

/** 월 0 to 일 6, as in civil-date. */
export const weekdaySyllables = '월화수목금토일';

export const englishWeekdays: Readonly<Record<string, number>> = {
  ...numberedWords('monday tuesday wednesday thursday friday saturday sunday', 0),
  ...numberedWords('mon tue wed thu fri sat sun', 0),
  ...wordTable([1, 'tues'], [3, 'thurs|thur']),
};

export const englishMonths: Readonly<Record<string, number>> = {
  ...numberedWords(
    'january february march april may june july august september october november december',
  ),
  ...numberedWords('jan feb mar apr may jun jul aug sep oct nov dec'),
  sept: 9,
};
