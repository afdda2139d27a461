/**
 * Every sentence that Gatehouse itself says to a person, in each language. Pure data and templates;
 * what a model or a tool says is not here.
 */
export type Locale = 'ko' | 'en';

const ko = {
  ack: '요청을 확인했습니다.',
  queued: (ahead: number) => `앞에 ${ahead}건이 있습니다. 순서가 되면 바로 시작합니다.`,
  classifying: '요청을 살펴보고 있습니다...',
  thinking: '생각하고 있습니다...',
  usingTools: '확인하고 있습니다...',
  deeper: '📝 더 깊이 살펴볼게요...',
  switchingModel: '모델 전환 중...',
  askConfirm: (draft: string) => `${draft}\n'확인' 또는 '취소'로 답해주세요.`,
  draftRejected: '등록하지 않았습니다.',
  draftExpired: '확인을 기다리는 시간이 지나 등록하지 않았습니다. 필요하면 다시 요청해주세요.',
  draftUncertain:
    '등록이 끝났는지 확인하지 못했습니다. 다시 등록하기 전에 캘린더를 먼저 확인해주세요.',
  cancelled: '요청을 취소했습니다.',
  cancelledWhileWriting:
    '요청을 취소했습니다. 등록이 이미 시작되어 반영되었을 수 있으니 캘린더를 확인해주세요.',
  noAnswer: '응답을 받지 못했습니다. 다시 시도해주세요.',
  toolFailed: '요청하신 내용을 확인하지 못했습니다. 잠시 후 다시 시도해주세요.',
  broken: '내부 오류로 요청을 처리하지 못했습니다. 다시 요청해주세요.',
};

const en: typeof ko = {
  ack: 'Got your request.',
  queued: (ahead) => `${ahead} ahead of you. Starting as soon as it is your turn.`,
  classifying: 'Looking at your request...',
  thinking: 'Thinking...',
  usingTools: 'Checking...',
  deeper: '📝 Taking a closer look...',
  switchingModel: 'Switching to another model...',
  askConfirm: (draft) => `${draft}\nReply 'yes' to confirm or 'no' to drop it.`,
  draftRejected: 'Nothing was written.',
  draftExpired: 'The confirmation time ran out, so nothing was written. Ask again if you need it.',
  draftUncertain:
    'Could not tell whether it was written. Check the calendar before you ask for it again.',
  cancelled: 'Your request was cancelled.',
  cancelledWhileWriting:
    'Your request was cancelled, but writing had already begun: check the calendar.',
  noAnswer: 'No answer came back. Please try again.',
  toolFailed: 'That could not be checked just now. Please try again in a moment.',
  broken: 'Your request failed because of an internal error. Please ask again.',
};

const catalogue: Record<Locale, typeof ko> = { ko, en };

export const textsOf = (locale: Locale): typeof ko => catalogue[locale];

/** Hangul anywhere makes a message Korean; all else is answered in English. */
export const localeOf = (message: string): Locale =>
  /[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]/.test(message) ? 'ko' : 'en';
