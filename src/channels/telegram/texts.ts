/** What the bot itself says in Telegram. */
import type { Locale } from '#machines/texts';

const ko = {
  start: '안녕하세요. 메시지를 보내시면 답해 드립니다. /help 로 할 수 있는 일을 봅니다.',
  help: [
    '메시지를 그냥 보내시면 됩니다. 텍스트, 마크다운, PDF 파일(20MB까지)도 읽습니다.',
    '초안 아래의 버튼을 누르거나 "확인", "취소"라고 답하세요.',
    '/cancel 은 진행 중인 요청이나 초안을 취소합니다.',
    '그룹에서는 제 이름(@…)을 쓰거나 제 메시지에 답장하면 답합니다.',
  ].join('\n'),
  cancel: '취소',
  stranger: (id: string) =>
    `이 봇은 정해진 사람에게만 답합니다. 사용하시려면 운영자에게 이 번호를 알려주세요: ${id}`,
  strangerGroup: (id: string) =>
    `이 그룹에서는 답하지 않습니다. 사용하시려면 운영자에게 이 그룹 번호를 알려주세요: ${id}`,
  hidden: '익명이나 채널로 보낸 메시지에는 답하지 않습니다. 본인 이름으로 보내주세요.',
  edited: '고친 메시지는 다시 읽지 않습니다. 새 메시지로 보내주세요.',
  picture: '사진은 아직 읽지 못합니다. 내용을 글로 보내주세요.',
  voice: '음성은 읽지 못합니다. 글로 보내주세요. (운영자: 음성을 글로 바꾸는 서버가 필요합니다.)',
  unsupported: '이런 메시지는 읽지 못합니다. 글이나 문서 파일로 보내주세요.',
  oldButton: '오래된 버튼입니다.',
  notYours: '이 봇을 사용할 수 없습니다.',
  forwarded: (from: string) => `[전달된 메시지, 보낸 이: ${from}]`,
  commands: { help: '할 수 있는 일', cancel: '진행 중인 요청 취소' },
};

const en: typeof ko = {
  start: 'Hello. Send a message and you get an answer. /help says what is possible.',
  help: [
    'Just send a message. Text, markdown and PDF files up to 20 MB are read too.',
    'Press a button under a draft, or answer "yes" or "no".',
    '/cancel cancels what is running, or a draft that waits.',
    'In a group, write my name (@…) or reply to a message of mine.',
  ].join('\n'),
  cancel: 'cancel',
  stranger: (id) =>
    `This bot answers certain people only. To use it, tell its operator this number: ${id}`,
  strangerGroup: (id) =>
    `The bot does not answer in this group. To use it here, tell its operator the number of the group: ${id}`,
  hidden: 'Messages of anonymous admins and channels get no answer. Please write as yourself.',
  edited: 'A changed message is not read again. Please send it as a new one.',
  picture: 'Pictures cannot be read yet. Please write what it is about.',
  voice:
    'Voice notes cannot be read. Please write. (Operator: a server that turns speech into text is needed.)',
  unsupported: 'Such a message cannot be read. Please send text or a document.',
  oldButton: 'This button is an old one.',
  notYours: 'You cannot use this bot.',
  forwarded: (from) => `[Forwarded message from ${from}]`,
  commands: { help: 'What is possible', cancel: 'Cancel what is running' },
};

export const telegramTexts: Readonly<Record<Locale, typeof ko>> = { ko, en };

/** @param code `language_code` of a user */
export const localeOfUser = (code: string | undefined): Locale =>
  code?.toLowerCase().startsWith('ko') === true ? 'ko' : 'en';
