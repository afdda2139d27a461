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
  fact: '무엇을 기억할까요? ‘기억해: …’처럼 한 문장으로 말해주세요.',
  reminder: {
    when: () => '언제 알려드릴까요? 날짜와 시각을 알려주세요. (예: 내일 오전 9시, 30분 뒤)',
    time: (text: string) => `'${text}' 몇 시에 알려드릴까요?`,
    day: (text: string) => `'${text}'은(는) 정확히 며칠(무슨 요일)인가요?`,
    half: (text: string) => `'${text}'은(는) 오전인가요, 오후인가요?`,
    midnight: (text: string) =>
      `'${text}'은(는) 그날이 시작되는 0시인가요, 그날 밤 12시(다음 날 0시)인가요?`,
    noon: (text: string) => `'${text}'은(는) 낮 12시인가요, 밤 12시인가요?`,
    past: (text: string) => `'${text}'은(는) 이미 지난 시각이에요. 언제로 할까요?`,
    times: (text: string) => `'${text}'에서 알림 시각은 몇 시인가요? 시각을 하나만 알려주세요.`,
    interval: (text: string) =>
      `'${text}' 간격으로는 알릴 수 없어요. 5, 10, 15, 20, 30분이나 1, 2, 3, 4, 6, 8, 12시간 중에서 골라주세요.`,
    zone: () => '다른 시간대의 시각은 바꾸어 계산하지 않아요. 여기 시각으로 언제 알려드릴까요?',
    moveTo: () => '몇 시로(또는 언제로) 바꿀까요?',
  },
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
  fact: 'What shall I remember? Tell me in one sentence: "remember that …".',
  reminder: {
    when: () => 'When should I remind you? Tell me the day and the time, or "in 30 minutes".',
    time: (text) => `At what time should I remind you (${text})?`,
    day: (text) => `Which day exactly is '${text}'?`,
    half: (text) => `Is '${text}' in the morning or in the evening (am or pm)?`,
    midnight: (text) =>
      `In '${text}', do you mean the midnight at the beginning or at the end of that day?`,
    noon: (text) => `Is '${text}' noon or midnight?`,
    past: (text) => `'${text}' is over already. When should it be?`,
    times: (text) => `At which one time should I remind you ('${text}')?`,
    interval: (text) =>
      `'${text}' does not fit. Choose 5, 10, 15, 20 or 30 minutes, or 1, 2, 3, 4, 6, 8 or 12 hours.`,
    zone: () => 'I do not convert times of other time zones. When is it in your own time zone?',
    moveTo: () => 'To which time should I move it?',
  },
};

export const clarifyingQuestions = (locale: Locale): typeof ko => (locale === 'ko' ? ko : en);
