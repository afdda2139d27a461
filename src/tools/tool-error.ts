/** Tool errors as data, each with a message for the user. */
import type { Locale } from '#machines/texts';
import type { ErrorCode } from '#shared/errors';
import { toolTextsOf } from './tool-texts.ts';
import type { ToolError } from './tool.ts';

type LocalizedErrorCode =
  | 'GH_TOOL_TIMEOUT'
  | 'GH_TOOL_UNREACHABLE'
  | 'GH_TOOL_LOGIN'
  | 'GH_TOOL_REFUSED'
  | 'GH_TOOL_UNREADABLE'
  | 'GH_TOOL_FAILED'
  | 'GH_TOOL_UNCERTAIN';

/** An error with its own message for the user (`summary`). `message` is for logs. */
export const toolError = (code: ErrorCode, message: string, summary: string): ToolError => ({
  ok: false,
  code,
  message,
  summary,
});

/** An error with the message of tool-texts.ts for its code. `name`: the tool's, for users; `message` is for logs. */
export function localizedToolError(
  code: LocalizedErrorCode,
  name: string,
  locale: Locale,
  message: string,
): ToolError {
  return toolError(code, message, localizedMessage(code, name, locale));
}

function localizedMessage(code: LocalizedErrorCode, name: string, locale: Locale): string {
  const texts = toolTextsOf(locale);
  switch (code) {
    case 'GH_TOOL_TIMEOUT':
      return texts.timeout(name);
    case 'GH_TOOL_UNREACHABLE':
      return texts.unreachable(name);
    case 'GH_TOOL_LOGIN':
      return texts.login(name);
    case 'GH_TOOL_REFUSED':
      return texts.refused(name);
    case 'GH_TOOL_UNREADABLE':
      return texts.unreadable(name);
    case 'GH_TOOL_FAILED':
      return texts.failed(name);
    case 'GH_TOOL_UNCERTAIN':
      return texts.uncertain;
  }
}
