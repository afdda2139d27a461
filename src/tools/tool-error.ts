/** Tool errors as data, each with a message for the user. */
import type { Locale } from '#machines/texts';
import type { ErrorCode } from '#shared/errors';
import { toolTextsOf, type ToolTexts } from './tool-texts.ts';
import type { ToolError } from './tool.ts';

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
