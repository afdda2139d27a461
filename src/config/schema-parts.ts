/** What the schemas of the configuration are made of. */
import { z } from 'zod';

export const ms = (value: number) => z.number().int().min(0).default(value);
export const count = (value: number, min = 1) => z.number().int().min(min).default(value);
export const port = (value: number) => z.number().int().min(0).max(65_535).default(value);
export const text = z.string().min(1);
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
