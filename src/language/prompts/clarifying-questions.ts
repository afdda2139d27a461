/** Questions that rules and parameter checks ask back, in the language of the message. Pure data. */
import type { Locale } from '#machines/texts';
import type { DateErrorReason } from '../dates/date-pattern.ts';

const ko = {
  dateError: {
    no_such_day: (text: string) => `'${text}'은(는) 없는 날짜예요. 날짜를 다시 알려주세요.`,
    lunar: (text: string) =>
      `'${text}'처럼 음력을 따르는 날짜는 계산하지 못해요. 양력 날짜로 알려주세요.`,
    weekday_mismatch: (text: string) =>
      `'${text}'은(는) 날짜와 요일이 서로 맞지 않아요. 어느 쪽이 맞나요?`,
    unclear: (text: string) => `'${text}'이(가) 정확히 며칠인가요?`,
  } satisfies Record<DateErrorReason, unknown>,
  timeError: (text: string) => `'${text}'은(는) 없는 시간이에요. 시간을 다시 알려주세요.`,
  documentQuery: '어떤 문서를 찾을까요? 제목이나 내용에 들어 있는 단어를 알려주세요.',
  draftDate: (title: string) => `'${title}' 일정을 언제로 잡을까요? 날짜와 시간을 알려주세요.`,
  draftTitle: '어떤 일정을 등록할까요? 제목을 알려주세요.',
  searchDates: '어느 날짜의 일정을 찾을까요?',
};

const en: typeof ko = {
  dateError: {
    no_such_day: (text) => `There is no such day as '${text}'. Which date do you mean?`,
    lunar: (text) =>
      `'${text}' follows the lunar calendar, which I cannot work out. Which solar date is it?`,
    weekday_mismatch: (text) =>
      `In '${text}' the date and the weekday do not fit. Which one is right?`,
    unclear: (text) => `Which date exactly is '${text}'?`,
  },
  timeError: (text) => `There is no such time as '${text}'. What time do you mean?`,
  documentQuery: 'Which document should I look for? Give me a word from its title or text.',
  draftDate: (title) => `When should '${title}' be? Tell me the date and the time.`,
  draftTitle: 'What should I put into the calendar? Tell me its title.',
  searchDates: 'Which dates should I look at?',
};

export const clarifyingQuestions = (locale: Locale): typeof ko => (locale === 'ko' ? ko : en);
