/**
 * Validates the parameters that a model or a rule put into a call. Models write null or "" for a missing value, and
 * numbers as text; this is accepted, all other errors are reported to the user.
 */
import { z } from 'zod';
import type { Locale } from '#machines/texts';
import { truncate, oneLine } from './sanitize-text.ts';
import { toolError } from './tool-error.ts';
import { toolTextsOf } from './tool-texts.ts';
import type { ToolError } from './tool.ts';
import { parseTimeOfDay, parseIsoDate } from '#shared/calendar/zoned-time';

/** Longest text of a parameter: a memo fits, a pasted document does not belong in a call. */
const textCharsMax = 2000;

export const textParam = z.coerce.string().trim().min(1).max(textCharsMax);

/**
 * One line of at most `charsMax` characters, as shown and written: control and direction marks are removed and a
 * longer text is cut, with an ellipsis, before a user sees it. Idempotent.
 */
export const lineParam = (charsMax: number) =>
  textParam
    .transform((text) => oneLine(text, charsMax))
    .refine((text) => text !== '', 'no visible character');

/** `YYYY-MM-DD` of a day that exists; a time after it is dropped. */
export const dateParam = z
  .string()
  .trim()
  .transform((text, issues) => {
    const match = /^(\d{4})[-./](\d{1,2})[-./](\d{1,2})(?!\d)/.exec(text);
    const date =
      match && [match[1], match[2]?.padStart(2, '0'), match[3]?.padStart(2, '0')].join('-');
    // Beyond these years a date is a typing error, and expanding a recurrence would only cost time.
    if (!date || parseIsoDate(date) === null || date < '1900-01-01' || date > '2199-12-31') {
      issues.addIssue({ code: 'custom', message: 'not a date' });
      return z.NEVER;
    }
    return date;
  });

/** `HH:MM`, 00:00 to 24:00; seconds after it are dropped. */
export const timeParam = z
  .string()
  .trim()
  .transform((text, issues) => {
    const match = /^(\d{1,2}):(\d{2})(?::\d{2})?$/.exec(text);
    const time = match && `${match[1]?.padStart(2, '0')}:${match[2]}`;
    if (!time || parseTimeOfDay(time) === null) {
      issues.addIssue({ code: 'custom', message: 'not a time of day' });
      return z.NEVER;
    }
    return time;
  });

/** Whole days, 1 to 366. */
export const daysParam = z.coerce.number().int().min(1).max(366);

/** The parsed parameters, or a GH_TOOL_INPUT error that names the invalid fields. */
export function parseParams(
  schema: z.ZodType,
  params: unknown,
  locale: Locale,
): { ok: true; params: unknown } | ToolError {
  const parsed = schema.safeParse(withoutBlanks(params));
  if (parsed.success) return { ok: true, params: parsed.data };
  const { issues } = parsed.error;
  const names = [...new Set(issues.map((issue) => String(issue.path[0] ?? '')))];
  const texts = toolTextsOf(locale);
  const words = names.filter((name) => name !== '').map((name) => texts.fields[name] ?? name);
  return toolError(
    'GH_TOOL_INPUT',
    truncate(issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '), 300),
    texts.input(words.join(', ')),
  );
}

function withoutBlanks(params: unknown): unknown {
  if (params === null || params === undefined) return {};
  if (typeof params !== 'object' || Array.isArray(params)) return params;
  return Object.fromEntries(
    Object.entries(params).filter(
      ([, value]) => value !== null && !(typeof value === 'string' && value.trim() === ''),
    ),
  );
}
