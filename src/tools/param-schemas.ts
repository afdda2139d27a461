/** Validates the parameters of a call. Models write null or "" for a missing value, and numbers as text: accepted. */
import { z } from 'zod';
import type { ModelParam } from '#language/classification/operation-port';
import type { Locale } from '#machines/texts';
import { truncate, oneLine } from './sanitize-text.ts';
import { toolError, toolTextsOf } from './tool-texts.ts';
import type { ToolError } from './tool.ts';
import { parseTimeOfDay, parseIsoDate } from '#shared/calendar/zoned-time';

/** Longest text of a parameter: a memo fits, a pasted document does not belong in a call. */
const textCharsMax = 2000;

/** A parameter with its description for models and its name for users. */
export const param = <Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  ko: string,
  en: string,
): Schema => schema.meta({ description, label: { ko, en } });

interface ParamProperty extends ModelParam {
  description?: string;
  label?: Record<Locale, string>;
}

/** The JSON schema of an operation's parameters, with `hint` and, unless `labels` is false, `label` of each. */
export function jsonSchemaOf(
  schema: z.ZodType,
  { labels = true } = {},
): { type: 'object'; properties: Record<string, ParamProperty>; required: string[] } {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      if (!labels) delete jsonSchema['label'];
    },
  });
  const { properties = {}, required = [] } = rest;
  return {
    ...rest,
    type: 'object',
    properties: properties as Record<string, ParamProperty>,
    required,
  };
}

export const textParam = z.coerce.string().trim().min(1).max(textCharsMax);

/** One line: control and direction marks are removed and a longer text is cut before a user sees it. Idempotent. */
export const lineParam = (charsMax: number) =>
  textParam
    .transform((text) => oneLine(text, charsMax))
    .refine((text) => text !== '', 'no visible character');

/** A text in one form: null from `parse` is reported as `not …`. */
const formParam = (what: string, hint: string, parse: (text: string) => string | null) =>
  z
    .string()
    .trim()
    .max(textCharsMax)
    .transform((text, issues) => {
      const parsed = parse(text);
      if (parsed !== null) return parsed;
      issues.addIssue({ code: 'custom', message: `not ${what}` });
      return z.NEVER;
    })
    .meta({ hint });

/** `YYYY-MM-DD` of a day that exists; a time after it is dropped. */
export const dateParam = formParam('a date', 'YYYY-MM-DD', (text) => {
  const [, year, month, day] = /^(\d{4})[-./](\d{1,2})[-./](\d{1,2})(?!\d)/.exec(text) ?? [];
  const date = [year, month?.padStart(2, '0'), day?.padStart(2, '0')].join('-');
  // Beyond these years a date is a typing error, and expanding a recurrence would only cost time.
  const isPlausible = date >= '1900-01-01' && date <= '2199-12-31';
  return isPlausible && parseIsoDate(date) !== null ? date : null;
});

/** `HH:MM`, 00:00 to 24:00; seconds after it are dropped. */
export const timeParam = formParam('a time of day', 'HH:MM', (text) => {
  const [, hour = '', minute] = /^(\d{1,2}):(\d{2})(?::\d{2})?$/.exec(text) ?? [];
  const time = `${hour.padStart(2, '0')}:${minute}`;
  return minute !== undefined && parseTimeOfDay(time) !== null ? time : null;
});

/** Whole days, 1 to 366: a leap year is within it. */
export const daysParam = z.coerce.number().int().min(1).max(366);

/** `query`, `date_from` and `date_to` of a search. */
export const queryParam = (description: string) =>
  param(textParam, description, '검색어', 'search words');
export const firstDayParam = param(
  dateParam.optional(),
  'first day, YYYY-MM-DD',
  '시작 날짜',
  'first day',
);
export const lastDayParam = param(
  dateParam.optional(),
  'last day, YYYY-MM-DD, included',
  '끝 날짜',
  'last day',
);

/**
 * The parsed parameters, or a GH_TOOL_INPUT error that names the invalid fields. Blank values count as missing, unless
 * the schema's meta data says `isExact`.
 */
export function parseParams(
  schema: z.ZodType,
  params: unknown,
  locale: Locale,
): { ok: true; params: unknown } | ToolError {
  const isExact = schema.meta()?.['isExact'] === true;
  const parsed = schema.safeParse(isExact ? (params ?? {}) : withoutBlanks(params));
  if (parsed.success) return { ok: true, params: parsed.data };
  const { issues } = parsed.error;
  const names = [...new Set(issues.map((issue) => String(issue.path[0] ?? '')))];
  const texts = toolTextsOf(locale);
  const { properties } = jsonSchemaOf(schema);
  const words = names
    .filter((name) => name !== '')
    .map((name) => properties[name]?.label?.[locale] ?? name);
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
