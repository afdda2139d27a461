/**
 * Every text that Gatehouse itself sends to a user, in each language. Pure data and templates; texts written by models
 * and tools are not here.
 */
export type Locale = 'ko' | 'en';

const ko = {
  ack: '요청을 확인했습니다.',
  queued: (ahead: number) => `앞에 ${ahead}건이 있습니다. 순서가 되면 바로 시작합니다.`,
  classifying: '요청을 살펴보고 있습니다...',
  thinking: '생각하고 있습니다...',
  usingTools: '확인하고 있습니다...',
  deeper: '📝 더 깊이 살펴볼게요...',
  reasonerBusy: (isVery: boolean) =>
    `(지금 모델이 ${isVery ? '매우 바쁩니다' : '바쁩니다'}. 시간이 조금 더 걸릴 수 있습니다.)`,
  promptCut: (chars: number) => `(메시지가 길어 앞 ${chars}자를 봅니다.)`,
  switchingModel: '모델 전환 중...',
  askConfirm: (draft: string) => `${draft}\n'확인' 또는 '취소'로 답해주세요.`,
  draftChanging: '초안을 바꾸고 있습니다. 바뀐 초안을 보고 다시 답해주세요.',
  draftRejected: '등록하지 않았습니다.',
  draftExpired: '확인을 기다리는 시간이 지나 등록하지 않았습니다. 필요하면 다시 요청해주세요.',
  draftUncertain:
    '등록이 끝났는지 확인하지 못했습니다. 다시 등록하기 전에 캘린더를 먼저 확인해주세요.',
  callUncertain:
    '실행이 끝났는지 확인하지 못했습니다. 다시 요청하기 전에 결과를 직접 확인해주세요.',
  cancelledWhileCalling:
    '요청을 취소했습니다. 실행이 이미 시작되어 반영되었을 수 있으니 결과를 직접 확인해주세요.',
  cancelled: '요청을 취소했습니다.',
  cancelledWhileWriting:
    '요청을 취소했습니다. 등록이 이미 시작되어 반영되었을 수 있으니 캘린더를 확인해주세요.',
  noAnswer: '응답을 받지 못했습니다. 다시 시도해주세요.',
  toolFailed: '요청하신 내용을 확인하지 못했습니다. 잠시 후 다시 시도해주세요.',
  broken: '내부 오류로 요청을 처리하지 못했습니다. 다시 요청해주세요.',
  chatTooFast: '메시지가 너무 빠릅니다. 잠시 후 다시 보내주세요.',
  chatWaiting: '요청을 받았습니다. 지금은 처리할 수 없어, 가능해지는 대로 답하겠습니다.',
  chatButtonOld: '이미 처리되었거나 시간이 지난 요청입니다.',
  chatDraftChanged: '초안이 그 사이에 바뀌었습니다. 새 초안의 버튼을 눌러주세요.',
  chatButtonForeign: '이 버튼은 요청하신 분만 누를 수 있습니다.',
  /** Label of a button under an answer, and the words that mean the same. */
  offers: {
    undo: { label: '되돌리기', words: '되돌려줘' },
    snooze: { label: '10분 뒤 다시', words: '10분 뒤에 다시 알려줘' },
  },
  chatNotTaken: '답변이 준비되었지만 채팅이 받지 않아 다시 보내고 있습니다.',
  chatNotShown: '답변을 채팅에 표시하지 못했습니다. 다시 요청해주세요.',
  chatCut: '(답변이 너무 길어 여기까지만 표시합니다.)',
  fileQuestion: (name: string) => `첨부 문서 "${name}"의 내용을 짧게 요약해줘`,
  fileCut: (name: string, chars: number) => `"${name}"이(가) 길어 앞부분 ${chars}자만 읽었습니다.`,
  filePartial: (name: string) => `"${name}"의 글자 일부는 읽지 못했습니다.`,
  fileUnreadable: (name: string) =>
    `"${name}" 파일은 읽을 수 없습니다. 텍스트, 마크다운, PDF 파일을 보내주세요.`,
  fileTooLarge: (name: string, megabytes: number) =>
    `"${name}" 파일이 너무 큽니다. ${megabytes}MB까지 읽을 수 있습니다.`,
  fileEmpty: (name: string) => `"${name}"에서 글자를 찾지 못했습니다.`,
  fileAway: (name: string) => `"${name}" 파일을 가져오지 못했습니다. 다시 보내주세요.`,
};

const en: typeof ko = {
  ack: 'Got your request.',
  queued: (ahead) => `${ahead} ahead of you. Starting as soon as it is your turn.`,
  classifying: 'Looking at your request...',
  thinking: 'Thinking...',
  usingTools: 'Checking...',
  deeper: '📝 Taking a closer look...',
  reasonerBusy: (isVery) =>
    `(The model is ${isVery ? 'very busy' : 'busy'} right now; it may take a little longer.)`,
  promptCut: (chars) => `(Your message is long: its first ${chars} characters are looked at.)`,
  switchingModel: 'Switching to another model...',
  askConfirm: (draft) => `${draft}\nReply 'yes' to confirm or 'no' to drop it.`,
  draftChanging: 'The draft is being changed. Please look at the changed one and answer again.',
  draftRejected: 'Nothing was written.',
  draftExpired: 'The confirmation time ran out, so nothing was written. Ask again if you need it.',
  draftUncertain:
    'Could not tell whether it was written. Check the calendar before you ask for it again.',
  callUncertain: 'Could not tell whether it was run. Check its effect before you ask for it again.',
  cancelledWhileCalling:
    'Your request was cancelled, but the call had already begun: check its effect.',
  cancelled: 'Your request was cancelled.',
  cancelledWhileWriting:
    'Your request was cancelled, but writing had already begun: check the calendar.',
  noAnswer: 'No answer came back. Please try again.',
  toolFailed: 'That could not be checked just now. Please try again in a moment.',
  broken: 'Your request failed because of an internal error. Please ask again.',
  chatTooFast: 'That was too fast. Please send it again in a moment.',
  chatWaiting:
    'Got your request. It cannot be worked on right now; the answer comes as soon as it can.',
  chatButtonOld: 'This request was already dealt with, or its time ran out.',
  chatDraftChanged: 'The draft has changed meanwhile. Please press the button of the new one.',
  chatButtonForeign: 'Only the person who asked can press this button.',
  offers: {
    undo: { label: 'Undo', words: 'undo' },
    snooze: { label: 'Snooze 10 min', words: 'snooze for 10 minutes' },
  },
  chatNotTaken: 'The answer is ready, but the chat does not take it; trying again.',
  chatNotShown: 'The answer could not be shown in the chat. Please ask again.',
  chatCut: '(The answer is too long; it ends here.)',
  fileQuestion: (name) => `Summarize the attached document "${name}" briefly`,
  fileCut: (name, chars) => `"${name}" is long: only its first ${chars} characters were read.`,
  filePartial: (name) => `Some of the text in "${name}" could not be read.`,
  fileUnreadable: (name) => `"${name}" cannot be read. Please send text, markdown or PDF files.`,
  fileTooLarge: (name, megabytes) =>
    `"${name}" is too large. Files up to ${megabytes} MB can be read.`,
  fileEmpty: (name) => `There is no text in "${name}".`,
  fileAway: (name) => `"${name}" could not be fetched. Please send it again.`,
};

const catalogue: Record<Locale, typeof ko> = { ko, en };

export const textsOf = (locale: Locale): typeof ko => catalogue[locale];

/** A message with any Hangul is Korean; all others are answered in English. */
export const localeOf = (message: string): Locale =>
  /[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]/.test(message) ? 'ko' : 'en';
