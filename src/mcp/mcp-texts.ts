/** Texts of MCP tools for users, in each language. Pure data and templates. */
import type { Locale } from '#machines/texts';

const ko = {
  label: (server: string) => `외부 도구 ${server}`,
  draft: (server: string, tool: string, args: string) =>
    `다음 외부 도구를 실행할까요?\n- 서버: ${server}\n- 도구: ${tool}\n- 입력: ${args}`,
  result: (server: string, tool: string, text: string) =>
    `${server}.${tool}의 결과입니다(외부 자료).\n${text}`,
  done: (server: string, tool: string, text: string) =>
    `${server}.${tool}을(를) 실행했습니다. 서버의 답(외부 자료):\n${text}`,
  empty: '(내용 없음)',
  media: (kind: string, type: string, bytes: number) => `[${kind} ${type}, ${bytes}바이트]`,
  link: (title: string, uri: string) => `[링크 ${title}: ${uri}]`,
  resource: (uri: string) => `[자료 ${uri}]`,
  unknownContent: '[알 수 없는 형식의 내용]',
  toolFailed: (server: string, tool: string, text: string) =>
    `${server}.${tool}이(가) 오류를 알렸습니다(외부 자료): ${text}`,
  refused: (server: string, tool: string) =>
    `${server} 서버가 ${tool} 요청을 받지 않았습니다. 실행되지 않았습니다.`,
  unreachable: (server: string) =>
    `외부 도구 서버 ${server}에 연결하지 못했습니다. 잠시 후 다시 시도해주세요.`,
  login: (server: string) =>
    `외부 도구 서버 ${server}가 접근을 거절했습니다. 설정의 headers를 확인해주세요.`,
  loginAgain: (server: string) =>
    `외부 도구 서버 ${server}에 다시 로그인해야 합니다. 관리자가 \`gatehouse mcp login ${server}\`을 실행해야 합니다.`,
  timeout: (server: string, tool: string) =>
    `${server}.${tool}의 답이 제시간에 오지 않았습니다. 잠시 후 다시 시도해주세요.`,
  unreadable: (server: string, tool: string) => `${server}.${tool}의 답을 읽지 못했습니다.`,
  /** Of a tool, or of a server if the tool is not known. */
  uncertain: (name: string) =>
    `${name}이(가) 실행됐는지 확인하지 못했습니다. 다시 보내지 않았습니다. 다시 요청하기 전에 결과를 직접 확인해주세요.`,
  quarantined: (server: string, tool: string) =>
    `${server}.${tool}의 정의가 바뀌어 사용을 멈췄습니다. 관리자가 \`gatehouse mcp accept ${server}\`로 확인해야 합니다.`,
  missing: (server: string, tool: string) => `${server} 서버에 ${tool} 도구가 지금은 없습니다.`,
  tooLong: (max: number) =>
    `입력이 너무 길어 전부 보여드릴 수 없으므로 실행하지 않습니다(최대 ${max}자).`,
  notChangeable: (names: string) =>
    `다음 값은 이 도구에 없습니다: ${names}. 아니라고 답한 뒤 다시 요청해주세요.`,
};

type McpTexts = typeof ko;

const en: McpTexts = {
  label: (server) => `external tool ${server}`,
  draft: (server, tool, args) =>
    `Run this external tool?\n- Server: ${server}\n- Tool: ${tool}\n- Input: ${args}`,
  result: (server, tool, text) => `Result of ${server}.${tool} (external data):\n${text}`,
  done: (server, tool, text) =>
    `${server}.${tool} was run. The server answered (external data):\n${text}`,
  empty: '(nothing)',
  media: (kind, type, bytes) => `[${kind} ${type}, ${bytes} bytes]`,
  link: (title, uri) => `[link ${title}: ${uri}]`,
  resource: (uri) => `[resource ${uri}]`,
  unknownContent: '[content of an unknown kind]',
  toolFailed: (server, tool, text) =>
    `${server}.${tool} reported an error (external data): ${text}`,
  refused: (server, tool) =>
    `The server ${server} did not take the request for ${tool}. It was not run.`,
  unreachable: (server) =>
    `The external tool server ${server} could not be reached. Please try again in a moment.`,
  login: (server) =>
    `The external tool server ${server} refused the access. Check its headers in the configuration.`,
  loginAgain: (server) =>
    `The external tool server ${server} needs a login. The operator must run \`gatehouse mcp login ${server}\`.`,
  timeout: (server, tool) =>
    `${server}.${tool} did not answer in time. Please try again in a moment.`,
  unreadable: (server, tool) => `The answer of ${server}.${tool} could not be read.`,
  uncertain: (name) =>
    `Could not tell whether ${name} was run. It was not sent again. Check its effect before you ask for it again.`,
  quarantined: (server, tool) =>
    `The definition of ${server}.${tool} has changed, and it is not used. The operator must check it with \`gatehouse mcp accept ${server}\`.`,
  missing: (server, tool) => `The server ${server} does not have the tool ${tool} at this time.`,
  tooLong: (max) =>
    `The input is too long to be shown whole, so the tool is not run (at most ${max} characters).`,
  notChangeable: (names) =>
    `This tool has no such values: ${names}. Say no, then ask for it again.`,
};

const catalogue: Record<Locale, McpTexts> = { ko, en };

export const mcpTextsOf = (locale: Locale): McpTexts => catalogue[locale];
