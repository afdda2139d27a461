/** What people read about the memory, in Korean and English. */
import type { Locale } from '#machines/texts';

const ko = {
  kept: (text: string) => `기억했어요: ${text}`,
  keptUndo: (minutes: number) => `(잘못됐다면 ${minutes}분 안에 ‘그거 잊어줘’라고 답해주세요.)`,
  known: (text: string) => `이미 기억하고 있어요: ${text}`,
  similar: (text: string) =>
    `비슷한 기억도 있어요: ${text}\n(바뀐 것이라면 앞의 기억을 잊으라고 해주세요.)`,
  gone: '그 사이에 잊어달라고 하셔서 다시 기억하지 않았어요.',
  draftKeep: (text: string) => `이 내용을 기억할까요?\n내용: ${text}`,
  list: (count: number) => `기억하고 있는 것 ${count}건:`,
  none: '아직 기억하고 있는 것이 없습니다. ‘기억해: …’라고 말해주세요.',
  more: (count: number) => `… 외 ${count}건`,
  noMatch: '그런 기억은 없습니다.',
  which: '어느 기억인가요? 번호로 답해주세요. (예: 2번 기억 잊어줘)',
  draftForget: (count: number) =>
    count === 1
      ? '이 기억을 영영 지울까요? 되돌릴 수 없습니다.'
      : `기억 ${count}건을 영영 지울까요? 되돌릴 수 없습니다.`,
  forgotten: (count: number) =>
    count === 1 ? '잊었어요. 되돌릴 수 없습니다.' : `기억 ${count}건을 모두 잊었어요.`,
  nothingJustKept: '방금 기억한 것이 없습니다.',
  tooLong: (max: number) => `한 번에 ${max}자까지 기억할 수 있습니다. 짧게 나눠서 말해주세요.`,
  tooShort: '무엇을 기억할까요? 한 문장으로 말해주세요. (예: 기억해: 내 차는 12가 3456이야)',
  limit: (max: number) =>
    `한 사람이 ${max}건까지 기억해둘 수 있습니다. 먼저 하나를 잊으라고 해주세요.`,
  uncertain: '기억이 바뀌었는지 확인하지 못했습니다. ‘뭘 기억하고 있어?’로 확인해주세요.',
};

type MemoryTexts = typeof ko;

const en: MemoryTexts = {
  kept: (text) => `I will remember: ${text}`,
  keptUndo: (minutes) => `(If that is wrong, reply "forget that" within ${minutes} minutes.)`,
  known: (text) => `I already remember: ${text}`,
  similar: (text) =>
    `I also remember something similar: ${text}\n(If that has changed, tell me to forget the earlier one.)`,
  gone: 'You asked to forget this meanwhile, so it is not remembered again.',
  draftKeep: (text) => `Shall I remember this?\nText: ${text}`,
  list: (count) => `I remember ${count} ${count === 1 ? 'thing' : 'things'}:`,
  none: 'I remember nothing yet. Tell me "remember that …".',
  more: (count) => `… and ${count} more`,
  noMatch: 'I remember no such thing.',
  which: 'Which one? Reply with its number ("forget number 2").',
  draftForget: (count) =>
    count === 1
      ? 'Shall I forget this for good? It cannot be taken back.'
      : `Shall I forget these ${count} things for good? It cannot be taken back.`,
  forgotten: (count) => (count === 1 ? 'Forgotten, for good.' : `Forgotten: ${count} things.`),
  nothingJustKept: 'There is nothing that I was just told to remember.',
  tooLong: (max) => `I can remember ${max} characters at a time. Tell it in shorter parts.`,
  tooShort:
    'What shall I remember? Tell me in one sentence ("remember that my locker code is 4711").',
  limit: (max) => `I can remember ${max} things of one person. Tell me to forget one first.`,
  uncertain: 'Could not tell whether the memory was changed. Ask "what do you remember".',
};

export const memoryTexts = (locale: Locale): MemoryTexts => (locale === 'ko' ? ko : en);
