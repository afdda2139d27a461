/**
 * Checks what a model or a rule put into a call. Models write null, "" and numbers as texts where they
 * mean nothing, nothing and numbers; that much is forgiven, all else is named to the person.
 */
import { z } from 'zod';
import type { Locale } from '../../machines/texts.ts';
import { cut, oneLine } from './plain-text.ts';
import { fault } from './tool-fault.ts';
import { toolTextsOf } from './tool-texts.ts';
import type { ToolFault } from './tool.ts';
import { timeOfDay, wallOfDate } from './zoned-time.ts';

/** Longest text that a parameter may carry: a memo fits, a pasted document does not belong in a call. */
const textCharsMax = 2000;

export const textParam = z.coerce.string().trim().min(1).max(textCharsMax);

/**
 * One line of at most `charsMax` characters as it is shown and written: control and direction marks are taken
 * out and a longer text is cut, with an ellipsis, before a person sees it. Applied again it changes nothing.
 */
export const lineParam = (charsMax: number) =>
  textParam
    .transform((text) => oneLine(text, charsMax))
    .refine((text) => text !== '', 'no visible character');

/** `YYYY-MM-DD` of a day that exists; a time behind it is dropped. */
export const dateParam = z
  .string()
  .trim()
  .transform((text, issues) => {
    const match = /^(\d{4})[-./](\d{1,2})[-./](\d{1,2})(?!\d)/.exec(text);
    const date =
      match && [match[1], match[2]?.padStart(2, '0'), match[3]?.padStart(2, '0')].join('-');
    // Beyond these years a date is a slip of the pen, and expanding a recurrence would only cost time.
    if (!date || wallOfDate(date) === null || date < '1900-01-01' || date > '2199-12-31') {
      issues.addIssue({ code: 'custom', message: 'not a date' });
      return z.NEVER;
    }
    return date;
  });

/** `HH:MM`, 00:00 to 24:00; seconds behind it are dropped. */
export const timeParam = z
  .string()
  .trim()
  .transform((text, issues) => {
    const match = /^(\d{1,2}):(\d{2})(?::\d{2})?$/.exec(text);
    const time = match && `${match[1]?.padStart(2, '0')}:${match[2]}`;
    if (!time || timeOfDay(time) === null) {
      issues.addIssue({ code: 'custom', message: 'not a time of day' });
      return z.NEVER;
    }
    return time;
  });

/** Whole days, 1 to 366. */
export const daysParam = z.coerce.number().int().min(1).max(366);

/** The parsed parameters, or a fault that names the fields which could not be used. */
export function parseParams(
  schema: z.ZodType,
  params: unknown,
  locale: Locale,
): { ok: true; params: unknown } | ToolFault {
  const parsed = schema.safeParse(withoutBlanks(params));
  if (parsed.success) return { ok: true, params: parsed.data };
  const { issues } = parsed.error;
  const names = [...new Set(issues.map((issue) => String(issue.path[0] ?? '')))];
  const texts = toolTextsOf(locale);
  const words = names.filter((name) => name !== '').map((name) => texts.fields[name] ?? name);
  return fault(
    'GH_TOOL_INPUT',
    cut(issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '), 300),
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
