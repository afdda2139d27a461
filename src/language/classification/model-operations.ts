/**
 * The operations that a model may request, with their parameters. Strings are trimmed, numbers may come as strings,
 * unknown keys are dropped. Dates and times stay as written: classification-decision resolves words such as 내일 with the
 * clock.
 *
 * `calendar.create_confirmed` is not in the table: it runs after the user's consent, never on a model's request.
 */
import { z } from 'zod';
import { cleanText } from '../normalize-text.ts';

const textCharsMax = 500;

const cleanParam = (value: unknown): unknown => {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return undefined;
  const text = cleanText(value).trim().slice(0, textCharsMax);
  return text === '' || /^(?:null|none|undefined|n\/a)$/i.test(text) ? undefined : text;
};

const optionalText = z.preprocess(cleanParam, z.string().optional());

/** Mail older than a year is searched by words, not by days. */
const daysMax = 365;

const optionalDays = z.preprocess((value) => {
  const days = typeof value === 'string' ? Number.parseFloat(value) : value;
  if (typeof days !== 'number' || !Number.isFinite(days) || days < 1) return undefined;
  return Math.min(daysMax, Math.round(days));
}, z.number().int().optional());

const schemas = {
  'calendar.today': z.object({}),
  'calendar.search': z.object({
    date_from: optionalText,
    date_to: optionalText,
    query: optionalText,
  }),
  'calendar.create_draft': z.object({
    title: optionalText,
    date: optionalText,
    time: optionalText,
    end_time: optionalText,
    end_date: optionalText,
    location: optionalText,
    description: optionalText,
  }),
  'email.search': z.object({
    query: optionalText,
    days: optionalDays,
    folder: optionalText,
    from: optionalText,
    date_from: optionalText,
    date_to: optionalText,
  }),
  'document.search': z.object({ query: optionalText }),
} as const;

export type ModelOperation = keyof typeof schemas;

export const modelOperations = Object.keys(schemas) as ModelOperation[];

/** Names of the parameters of an operation. */
export const paramNames = (name: ModelOperation): string[] => Object.keys(schemas[name].shape);

const isOperation = (name: string): name is ModelOperation => Object.hasOwn(schemas, name);

/** Names that models use for the tools. */
const toolNames: Record<string, string> = {
  calendar: 'calendar',
  schedule: 'calendar',
  email: 'email',
  mail: 'email',
  gmail: 'email',
  document: 'document',
  documents: 'document',
  docs: 'document',
};

const onlyOperation: Record<string, string> = { email: 'search', document: 'search' };

/** `calendar` + `today`; also `calendar.today` or `calendar_today` in one field. Null if unknown. */
export function resolveOperation(tool: unknown, operation: unknown): ModelOperation | null {
  const spelled = [tool, operation].map((part) =>
    typeof part === 'string' ? part.trim().toLowerCase() : '',
  );
  const [first = '', second = ''] = spelled;
  const joined = /^([a-z]+)[._/:-]([a-z_]+)$/.exec(first);
  const toolName = toolNames[joined?.[1] ?? first];
  if (toolName === undefined || !Object.hasOwn(toolNames, joined?.[1] ?? first)) return null;
  const wanted = second === '' ? (joined?.[2] ?? onlyOperation[toolName] ?? '') : second;
  const name = `${toolName}.${wanted.replace(/^[a-z]+[./:]/, '')}`;
  return isOperation(name) ? name : null;
}

/** The known parameters of an operation, cleaned; null if the value is no parameter object. */
export function parseModelParams(
  name: ModelOperation,
  value: unknown,
): Record<string, unknown> | null {
  const parsed = schemas[name].safeParse(value ?? {});
  if (!parsed.success) return null;
  return Object.fromEntries(Object.entries(parsed.data).filter(([, item]) => item !== undefined));
}
