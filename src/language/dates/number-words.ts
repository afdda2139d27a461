/**
 * Number words in dates and times, as tables and the regular expressions made from them. Korean has two series: native
 * (하나, 둘 …) for hours and counts, Sino-Korean (일, 이 …) for months and minutes.
 */

/** Words for a number of days. */
export const dayCountWords: Record<string, number> = {
  하루: 1,
  이틀: 2,
  사흘: 3,
  나흘: 4,
  닷새: 5,
  엿새: 6,
  이레: 7,
  여드레: 8,
  아흐레: 9,
  열흘: 10,
  보름: 15,
};

const koreanCounts: Record<string, number> = {
  한: 1,
  두: 2,
  세: 3,
  석: 3,
  네: 4,
  넉: 4,
  다섯: 5,
  여섯: 6,
  일곱: 7,
  여덟: 8,
  아홉: 9,
  열: 10,
  열한: 11,
  열두: 12,
};

const sinoDigits: Record<string, number> = {
  일: 1,
  이: 2,
  삼: 3,
  사: 4,
  오: 5,
  육: 6,
  유: 6,
  칠: 7,
  팔: 8,
  구: 9,
};

const englishCounts: Record<string, number> = {
  a: 1,
  an: 1,
  one: 1,
  two: 2,
  'a couple of': 2,
  three: 3,
  'a few': 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
};

/** Longest first, so that 열두 is not read as 열. */
export const alternation = (words: readonly string[]): string =>
  words.toSorted((left, right) => right.length - left.length).join('|');

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

export const englishWeekdays: Record<string, number> = {
  monday: 0,
  mon: 0,
  tuesday: 1,
  tues: 1,
  tue: 1,
  wednesday: 2,
  wed: 2,
  thursday: 3,
  thurs: 3,
  thur: 3,
  thu: 3,
  friday: 4,
  fri: 4,
  saturday: 5,
  sat: 5,
  sunday: 6,
  sun: 6,
};

export const englishMonths: Record<string, number> = {
  january: 1,
  jan: 1,
  february: 2,
  feb: 2,
  march: 3,
  mar: 3,
  april: 4,
  apr: 4,
  may: 5,
  june: 6,
  jun: 6,
  july: 7,
  jul: 7,
  august: 8,
  aug: 8,
  september: 9,
  sept: 9,
  sep: 9,
  october: 10,
  oct: 10,
  november: 11,
  nov: 11,
  december: 12,
  dec: 12,
};
