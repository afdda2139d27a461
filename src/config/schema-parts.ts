/** What the schemas of the configuration are made of. */
import { homedir } from 'node:os';
import { z } from 'zod';

/** Node fires a longer timer at once instead of late. */
const timerMsMax = 2_147_483_647;

/** For a time that a timer of the platform counts. */
export const ms = (value: number, min = 0) =>
  z
    .number()
    .int()
    .min(min)
    .max(timerMsMax, `must be ${timerMsMax} (24.8 days) at most`)
    .default(value);
/** For a time that is compared with a clock, or counted by the journal: it may be longer. */
export const longMs = (value: number) => z.number().int().min(0).default(value);
export const count = (value: number, min = 1) => z.number().int().min(min).default(value);
export const port = (value: number) => z.number().int().min(0).max(65_535).default(value);
export const text = z.string().min(1);
/** Marked in the schema (`writeOnly`, as JSON Schema has it): its value is never repeated in a message. */
export const secret = text.meta({ writeOnly: true });
/**
 * The path of a file; `~/` is the home folder of the user that runs the process.
 * Refused: what would silently become a file of an odd name (`:memory:`, `file:…`, `C:\…` where that is no drive).
 */
export const filePath = text
  .refine(
    (path) => path.trim() !== '' && path !== ':memory:',
    'must be a file: a database in memory loses what it accepted',
  )
  .refine(
    (path) => !/^[a-z][a-z0-9+.-]+:/i.test(path),
    'must be the path of a file, not an address',
  )
  .refine(
    (path) => process.platform === 'win32' || !/^[a-z]:[\\/]|^\\\\/i.test(path),
    'must be a path of this system, not one of Windows',
  )
  .refine((path) => !/^~[^/\\]/.test(path), 'must be a path; of the forms with ~ only ~/ is read')
  .refine((path) => !/[/\\]$/.test(path), 'must be a file, not a folder')
  .overwrite((path) => path.replace(/^~(?=[/\\])/, homedir()));
export const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must match [A-Za-z0-9_-]{1,64}');
/** A login in an address comes out again in logs, in advice and in errors of whatever reads the address. */
export const withoutLogin = (url: z.ZodURL) =>
  url.refine(
    (text) =>
      !URL.canParse(text) || (new URL(text).username === '' && new URL(text).password === ''),
    'must carry no login: there are keys of their own for it',
  );
/** An object whose keys all have defaults may be left out as a whole. */
export const section = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape).prefault({} as never);
