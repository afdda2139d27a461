/**
 * Words and boundaries of Korean dates, as data. A date word counts only at the start of a word, and only if the rest
 * of the eojeol (text between two blanks) is a particle or a noun that people write together with dates (오늘일정, 내일회의).
 * So 오늘날, 이번 주제, 그제야 and 연말정산 contain no date.
 */
import {
  dayCountPattern,
  koreanCountPattern,
  sinoPattern,
  weekdaySyllables,
} from '../dates/number-words.ts';
import { alternation, wordTable } from '../word-lists.ts';

const tails = alternation(
  '은 는 이 가 을 를 에 의 도 만 로 으로 와 과 랑 이랑 하고 부터 까지 에는 에도 엔 에만 에서 쯤 경 께 자 분 거 것 꺼 건 이나 나 이라도 라도 인데 이고 야 이야 요 이요 으로요 로요 이에요 예요 입니다 인가 인가요 이지 지 이었나 였나 말고 보다 중 중에 내 밤 오전 오후 아침 저녁 새벽 점심 낮',
);

const gluedNouns = alternation(
  '일정 스케줄 캘린더 달력 회의 미팅 약속 메일 이메일 편지 자료 문서 파일 뭐 무슨 몇 있 없 알려 보여 온 받은 보낸 왔 날짜 시간 예정 잡힌 등록 언제 전날 다음날 이튿날',
);

/** Where a date in Hangul may begin. */
export const wordStart =
  '(?<=^|[^가-힣]|일정|회의|약속|미팅|스케줄|캘린더|달력|메일|부터|에서|이랑|[와과랑은는]|하고|말고)';

export const digitStart = '(?<![\\d.:/-])';

export const wordEnd = `(?=(?:${tails})*(?:$|[^가-힣]|${gluedNouns}))`;

export const pattern = (...parts: string[]): RegExp => new RegExp(parts.join(''), 'gu');

/** A date in Hangul, from the start of a word to its end. */
export const hangulPattern = (...parts: string[]): RegExp => pattern(wordStart, ...parts, wordEnd);

export const removeSpaces = (text: string): string => text.replace(/\s/g, '');

/** 3일간, 3일치, 3일째 and similar count days; they are no dates. */
export const notCounting =
  '(?!\\s*(?:간|동안|치|뒤|후|째|차|이내|내에|내로|안에|만에|연속|정도|전(?![가-힣])|전[에부까쯤꺼]))';

/** 11/20(금), 11월 20일 금요일: the weekday beside a date. */
export const besideWeekday = `(?:\\s*\\((?<beside>[${weekdaySyllables}])(?:요일)?\\)|\\s*(?<beside2>[${weekdaySyllables}])(?:요일|욜))?`;

/** A count with its unit: 사흘, 3일, 두 주, 일주일, 석 달, 2개월, 일 년. */
export const countUnit = `(?:(?<word>${dayCountPattern})|(?<amount>\\d{1,3}|${koreanCountPattern}|[일이삼사오육])\\s*(?<unit>일|주일|주|달|개월|년|해)|(?<half>반\\s*년))`;

export const monthNumber = `\\d{1,2}|${sinoPattern}`;

/** Offset in weeks of 다음 주, 지난주 … */
export const weekOffsets = wordTable(
  [0, '이번|요번|금'],
  [1, '다음|담|차|오는|돌아오는'],
  [2, '다다음|다담'],
  [-1, '지난|지난번|저번'],
  [-2, '지지난|저저번'],
);
export const weekPrefix = alternation(Object.keys(weekOffsets));

/** Offset in months of 다음 달, 전월 …; keys include the noun, since 이번 월 and 당달 do not exist. */
export const monthOffsets = wordTable(
  [0, '이번달|요번달|이달|금월|당월'],
  [1, '다음달|담달|내달|오는달|차월|익월'],
  [2, '다다음달|다담달'],
  [-1, '지난달|지난번달|저번달|전월'],
  [-2, '지지난달|저저번달'],
);
export const monthWord = alternation(
  Object.keys(monthOffsets).map((word) => word.replace(/달$/, '\\s*달')),
);

export const yearOffsets = wordTable(
  [0, '올해|올|금년'],
  [1, '내년'],
  [2, '내후년'],
  [-1, '작년|지난해'],
  [-2, '재작년'],
);
export const yearWord = alternation(Object.keys(yearOffsets));

/** Offset in days. 엊그제 is loosely "the other day" in speech; the dictionary meaning of two days is used. */
export const dayOffsets = wordTable(
  [-3, '그끄저께|그끄제'],
  [-2, '엊그저께|엊그제|그저께|그제'],
  [-1, '어저께|어제|엊저녁|어젯밤|간밤|작일'],
  [0, '오늘|금일|당일'],
  [1, '내일|낼|명일|익일'],
  [2, '모레|내일모레|낼모레'],
  [3, '글피'],
  [4, '그글피'],
);

export const ordinals = wordTable(
  [1, '첫|첫째|첫번째'],
  [2, '둘째|두번째'],
  [3, '셋째|세번째'],
  [4, '넷째|네번째'],
  [5, '다섯째|다섯번째'],
  [-1, '마지막'],
);
export const ordinal =
  '(?:첫째|첫\\s*번째|첫|둘째|두\\s*번째|셋째|세\\s*번째|넷째|네\\s*번째|다섯째|다섯\\s*번째|마지막|[1-5]\\s*(?:번째|째))';

/** Holidays of the solar calendar: month, day. */
export const solarHolidays: Record<string, readonly [number, number]> = {
  신정: [1, 1],
  삼일절: [3, 1],
  '3.1절': [3, 1],
  어린이날: [5, 5],
  어버이날: [5, 8],
  스승의날: [5, 15],
  현충일: [6, 6],
  제헌절: [7, 17],
  광복절: [8, 15],
  개천절: [10, 3],
  한글날: [10, 9],
  크리스마스이브: [12, 24],
  크리스마스: [12, 25],
  성탄절: [12, 25],
};

/** Holidays of the lunar calendar: their date changes every year. */
export const lunarHolidays =
  '설날|설\\s?연휴|구정|추석|한가위|부처님\\s?오신\\s?날|석가탄신일|정월\\s?대보름|단오';
