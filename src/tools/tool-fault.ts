/** The faults of tools as data, each with its sentence for the person. */
import type { Locale } from '../../machines/texts.ts';
import type { ErrorCode } from '../lib/errors.ts';
import { toolName, toolTextsOf } from './tool-texts.ts';
import type { ToolFault } from './tool.ts';

type SpokenCode =
  | 'GH_TOOL_TIMEOUT'
  | 'GH_TOOL_UNREACHABLE'
  | 'GH_TOOL_LOGIN'
  | 'GH_TOOL_REFUSED'
  | 'GH_TOOL_UNREADABLE'
  | 'GH_TOOL_FAILED'
  | 'GH_TOOL_UNCERTAIN';

/** A fault with a sentence of its own. */
export const fault = (code: ErrorCode, message: string, summary: string): ToolFault => ({
  ok: false,
  code,
  message,
  summary,
});

/** A fault with the catalogue's sentence for its code. `message` is for logs. */
export function spokenFault(
  code: SpokenCode,
  tool: string,
  locale: Locale,
  message: string,
): ToolFault {
  return fault(code, message, sentenceOf(code, toolName(tool, locale), locale));
}

function sentenceOf(code: SpokenCode, name: string, locale: Locale): string {
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
