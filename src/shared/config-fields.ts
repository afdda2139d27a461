/** Fields of the configuration, as zod schemas. */
import { homedir } from 'node:os';
import { z } from 'zod';

/** Node.js fires a timer with a longer delay immediately. */
const timerMsMax = 2_147_483_647;

/** A duration that is passed to a Node.js timer. */
export const timerMs = (value: number, min = 0) =>
  z
    .number()
    .int()
    .min(min)
    .max(timerMsMax, `must be ${timerMsMax} (24.8 days) at most`)
    .default(value);
/** A duration that is compared with a clock or stored in the journal: it may exceed the timer limit. */
export const durationMs = (value: number) => z.number().int().min(0).default(value);
export const count = (value: number, min = 1) => z.number().int().min(min).default(value);
export const port = (value: number) => z.number().int().min(0).max(65_535).default(value);
export const nonEmptyString = z.string().min(1);
/** Marked as `writeOnly` (a keyword of JSON Schema): its value is never quoted in a message. */
export const secret = nonEmptyString.meta({ writeOnly: true });
/**
 * A path; `~/` is the home folder of the user that runs the process. Rejects values that would silently create a file with
 * an odd name (`:memory:`, `file:…`, `C:\…` outside of Windows).
 */
export const folderPath = nonEmptyString
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
  .overwrite((path) => path.replace(/^~(?=[/\\])/, homedir()));
export const filePath = folderPath.refine(
  (path) => !/[/\\]$/.test(path),
  'must be a file, not a folder',
);
export const slug = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must match [A-Za-z0-9_-]{1,64}');
/** Credentials in a URL would appear in logs, in the doctor's advice and in error messages of libraries. */
export const urlWithoutCredentials = (url: z.ZodURL) =>
  url.refine(
    (text) =>
      !URL.canParse(text) || (new URL(text).username === '' && new URL(text).password === ''),
    'must carry no login: there are keys of their own for it',
  );
/** A section whose keys all have defaults may be omitted. */
export const optionalSection = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape).prefault({} as never);
