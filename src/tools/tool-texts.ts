/** Error messages of the tools for the user, in each language. Pure data and templates. */
import type { Locale } from '#machines/texts';
import { GatehouseError, type ErrorCode } from '#shared/errors';
import type { ServerError, ToolError } from './tool.ts';

const ko = {
  unknown: '그 기능은 아직 없습니다.',
  input: (fields: string) =>
    fields === ''
      ? '요청한 값을 알아볼 수 없습니다. 다시 말씀해주세요.'
      : `다음 값이 없거나 알아볼 수 없습니다: ${fields}. 다시 말씀해주세요.`,
  /** By error code; `name` is the tool's. */
  errors: {
    GH_TOOL_TIMEOUT: (name: string) =>
      `${name} 확인이 제시간에 끝나지 않았습니다. 잠시 후 다시 시도해주세요.`,
    GH_TOOL_UNREACHABLE: (name: string) =>
      `${name} 서버에 연결하지 못했습니다. 잠시 후 다시 시도해주세요.`,
    GH_TOOL_LOGIN: (name: string) =>
      `${name} 서버가 로그인을 거절했습니다. 설정의 사용자 이름과 비밀번호를 확인해주세요.`,
    GH_TOOL_REFUSED: (name: string) => `${name} 서버가 요청을 거절했습니다. 설정을 확인해주세요.`,
    GH_TOOL_UNREADABLE: (name: string) =>
      `${name} 서버의 응답을 읽지 못했습니다. 잠시 후 다시 시도해주세요.`,
    GH_TOOL_FAILED: (name: string) => `${name} 확인 중 오류가 났습니다. 잠시 후 다시 시도해주세요.`,
    GH_TOOL_UNCERTAIN: (_name: string) =>
      '등록이 끝났는지 확인하지 못했습니다. 다시 등록하기 전에 캘린더를 먼저 확인해주세요.',
  },
  noCalendar: '설정된 캘린더를 서버에서 찾지 못했습니다. 캘린더 주소를 확인해주세요.',
  oneDraft: (title: string) =>
    `한 번에 한 건만 등록할 수 있습니다. ‘${title}’ 건은 이 일정을 확인한 뒤 다시 요청해주세요.`,
  tooMany: (max: number) => `한 번에 ${max}가지까지만 확인할 수 있습니다.`,
  unchanged: (why: string) => `바꾸지 못했습니다. ${why}`,
};

type ToolTexts = typeof ko;

const en: ToolTexts = {
  unknown: 'There is no such function yet.',
  input: (fields) =>
    fields === ''
      ? 'Those values could not be understood. Please say it another way.'
      : `Missing or not understood: ${fields}. Please say it another way.`,
  errors: {
    GH_TOOL_TIMEOUT: (name) =>
      `The ${name} check did not finish in time. Please try again in a moment.`,
    GH_TOOL_UNREACHABLE: (name) =>
      `The ${name} server could not be reached. Please try again in a moment.`,
    GH_TOOL_LOGIN: (name) =>
      `The ${name} server refused the login. Check the user name and password in the configuration.`,
    GH_TOOL_REFUSED: (name) => `The ${name} server refused the request. Check the configuration.`,
    GH_TOOL_UNREADABLE: (name) =>
      `The answer of the ${name} server could not be read. Please try again in a moment.`,
    GH_TOOL_FAILED: (name) => `The ${name} check failed. Please try again in a moment.`,
    GH_TOOL_UNCERTAIN: () =>
      'Could not tell whether it was written. Check the calendar before you ask for it again.',
  },
  noCalendar: 'The configured calendar is not on the server. Check its address.',
  oneDraft: (title) =>
    `Only one entry can be added at a time. Confirm this one, then ask again for "${title}".`,
  tooMany: (max) => `At most ${max} things can be checked at once.`,
  unchanged: (why) => `Nothing was changed. ${why}`,
};

const catalogue: Record<Locale, ToolTexts> = { ko, en };

export const toolTextsOf = (locale: Locale): ToolTexts => catalogue[locale];

/** An error with its own message for the user (`summary`). `message` is for logs. */
export const toolError = (code: ErrorCode, message: string, summary: string): ToolError => ({
  ok: false,
  code,
  message,
  summary,
});

/** An error with the message of tool-texts.ts for its code. `name`: the tool's, for users; `message` is for logs. */
export const localizedToolError = (
  code: keyof ToolTexts['errors'],
  name: string,
  locale: Locale,
  message: string,
): ToolError => toolError(code, message, toolTextsOf(locale).errors[code](name));

/** A server's error with the message for the user. `name`: the tool's, for users. */
export const serverToolError = (
  { code, message }: ServerError,
  name: string,
  locale: Locale,
): ToolError =>
  code === 'GH_TOOL_NOT_FOUND'
    ? toolError(code, message, toolTextsOf(locale).noCalendar)
    : localizedToolError(code, name, locale, message);

/** What a store refuses, as a sentence for the person, by its code. Any other error is thrown on. */
export async function orToolError<Answer>(
  sentences: Partial<Record<ErrorCode, string>>,
  work: () => Promise<Answer>,
): Promise<Answer | ToolError> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error;
    const sentence = sentences[error.code];
    if (sentence === undefined) throw error;
    return toolError(error.code, error.message, sentence);
  }
}
