/** The texts of `gatehouse chat` itself, in the language of the chat. */
import { localeOf, type Locale } from '#machines/texts';

const en = {
  you: 'you> ',
  decide: 'yes/no> ',
  greeting: 'Type a message. /help lists the commands, Ctrl-C cancels, Ctrl-D quits.',
  help: [
    '/cancel  cancel what runs, or the draft that waits',
    '/new     begin a new conversation',
    '/quit    quit (also Ctrl-D)',
    'Alt-Enter begins a new line; a pasted text is one message; the arrow keys bring earlier messages back.',
  ].join('\n'),
  unknownCommand: (name: string) =>
    `There is no command ${name}; /help lists them. With a blank before it, it is sent as a message.`,
  again: 'Ctrl-C again, or Ctrl-D, quits.',
  nothingRuns: 'Nothing runs that could be cancelled.',
  fresh: 'A new conversation.',
  waits: 'A draft still waits for your answer:',
  draftChanged: 'The draft was changed elsewhere. It now says:',
  draftOver: (how: string) => `The draft no longer waits: ${how}`,
  draftGone: 'The draft was decided or changed elsewhere. Your answer was not sent.',
  draftStays: 'The draft that was shown still waits in the conversation before.',
  notSentOver: 'That draft no longer waits. Your answer was not sent.',
  ahead: 'This was typed before the draft was shown. Press Enter to send it.',
  lost: 'the connection to the core; waiting for it to come back',
  again429: (why: string) => `${why}; it is sent again. Ctrl-C stops that.`,
  putBack: (why: string) => `${why}. Not sent: your text is back in the line.`,
  goesOn: (jobId: string) =>
    `The job goes on without this chat; see it with: gatehouse jobs show ${jobId}`,
  notCancelled: (why: string) => `It could not be cancelled: ${why}`,
  unsent: (count: number) => `Not sent, because the chat was left before (${count}):`,
  historyFault: (why: string) => `Earlier messages are not kept: ${why}`,
  answerLater: 'The draft waits for your answer: send yes or no with another gatehouse chat.',
  say: (words: string) => `say: ${words}`,
  by: (who: string) => (who === 'expiry' ? 'its time ran out' : `by ${who}`),
};

const ko: typeof en = {
  you: '나> ',
  decide: '확인/취소> ',
  greeting: '메시지를 입력하세요. /help 명령 목록, Ctrl-C 취소, Ctrl-D 종료.',
  help: [
    '/cancel  진행 중인 요청이나 확인을 기다리는 초안을 취소합니다',
    '/new     새 대화를 시작합니다',
    '/quit    종료합니다 (Ctrl-D)',
    'Alt-Enter는 줄을 바꿉니다. 붙여넣은 글은 한 메시지입니다. 화살표 키로 이전 메시지를 불러옵니다.',
  ].join('\n'),
  unknownCommand: (name) =>
    `${name} 명령은 없습니다. /help에 목록이 있습니다. 앞에 빈칸을 두면 메시지로 보냅니다.`,
  again: 'Ctrl-C를 한 번 더 누르거나 Ctrl-D를 누르면 종료합니다.',
  nothingRuns: '취소할 요청이 없습니다.',
  fresh: '새 대화를 시작합니다.',
  waits: '아직 답을 기다리는 초안이 있습니다:',
  draftChanged: '초안이 다른 곳에서 바뀌었습니다. 지금 내용:',
  draftOver: (how) => `초안이 더 이상 답을 기다리지 않습니다: ${how}`,
  draftGone: '초안이 다른 곳에서 처리되었거나 바뀌었습니다. 답을 보내지 않았습니다.',
  draftStays: '보여드린 초안은 이전 대화에서 계속 답을 기다립니다.',
  notSentOver: '그 초안은 더 이상 답을 기다리지 않습니다. 답을 보내지 않았습니다.',
  ahead: '초안이 나오기 전에 입력한 답입니다. 보내려면 Enter를 누르세요.',
  lost: '서버와 연결이 끊겼습니다. 다시 연결되기를 기다립니다',
  again429: (why) => `${why}; 다시 보냅니다. Ctrl-C로 멈춥니다.`,
  putBack: (why) => `${why}. 보내지 못했습니다. 입력한 글을 되돌려 놓았습니다.`,
  goesOn: (jobId) => `요청은 계속 진행됩니다. 확인: gatehouse jobs show ${jobId}`,
  notCancelled: (why) => `취소하지 못했습니다: ${why}`,
  unsent: (count) => `대화를 끝내서 보내지 않은 메시지 (${count}):`,
  historyFault: (why) => `이전 메시지를 저장할 수 없습니다: ${why}`,
  answerLater: "초안이 답을 기다립니다. 다른 gatehouse chat으로 '확인' 또는 '취소'를 보내주세요.",
  say: (words) => `‘${words}’라고 답하세요`,
  by: (who) => (who === 'expiry' ? '시간이 지났습니다' : `취소한 사람: ${who}`),
};

export type ChatTexts = typeof en;

export const chatTexts = (locale: Locale): ChatTexts => (locale === 'ko' ? ko : en);

/** The machine's language, used before the first message. Node reads it from LC_ALL, LC_MESSAGES and LANG. */
export const machineLocale = (name = new Intl.DateTimeFormat().resolvedOptions().locale): Locale =>
  name.startsWith('ko') ? 'ko' : 'en';

/** The language after this message: a message without letters does not change it. */
export const localeAfter = (message: string, before: Locale): Locale =>
  /\p{L}/u.test(message) ? localeOf(message) : before;
