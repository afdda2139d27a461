/** The parameters of a call: texts by name, as the real server has them, and uploaded files. */
import { badRequest } from './api-error.ts';
import type { GivenFile } from './telegram-state.ts';

export interface CallParams {
  /** '' if absent. */
  text(name: string): string;
  has(name: string): boolean;
  /** `standard` if it is absent or no number; else cut to the range, as the real server does. */
  integer(name: string, standard: number, min?: number, max?: number): number;
  flag(name: string): boolean;
  file(name: string): GivenFile | null;
  /** For the log: without files. */
  all(): Record<string, string>;
}

export function callParams(
  values: ReadonlyMap<string, string>,
  files: ReadonlyMap<string, GivenFile>,
): CallParams {
  const text = (name: string): string => values.get(name) ?? '';
  return {
    text,
    has: (name) => values.has(name),
    integer(name, standard, min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER) {
      // As strtol: a number at the beginning is enough.
      const [number] = /^[-+]?\d{1,15}/.exec(text(name).trim()) ?? [];
      if (number === undefined) return standard;
      return Math.min(max, Math.max(min, Number(number)));
    },
    flag: (name) => /^(?:true|yes|1)$/i.test(text(name)),
    file: (name) => files.get(name) ?? null,
    all: () => Object.fromEntries(values),
  };
}

/** Throws an `ApiError` if the body is no JSON object, or not UTF-8. */
export async function readParams(
  query: URLSearchParams,
  contentType: string,
  body: Buffer,
): Promise<CallParams> {
  const values = new Map<string, string>(query);
  const files = new Map<string, GivenFile>();
  const kind = contentType.split(';')[0]!.trim().toLowerCase();
  if (body.length > 0) {
    if (kind === 'application/json') addJson(values, decoded(body));
    else if (kind === 'application/x-www-form-urlencoded') {
      for (const [name, value] of new URLSearchParams(decoded(body))) values.set(name, value);
    } else if (kind === 'multipart/form-data') {
      await addMultipart({ values, files }, contentType, body);
    }
    // The real server ignores a body of another type.
  }
  for (const [name, value] of values) {
    if (!name.isWellFormed() || !value.isWellFormed()) {
      throw badRequest('strings must be encoded in UTF-8');
    }
  }
  return callParams(values, files);
}

function decoded(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw badRequest('strings must be encoded in UTF-8');
  }
}

function addJson(values: Map<string, string>, text: string): void {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw badRequest("can't parse object");
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw badRequest('JSON object expected');
  }
  for (const [name, value] of Object.entries(given)) {
    // A missing value and null are the same to the server's methods.
    if (value === null) continue;
    values.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
}

async function addMultipart(
  into: { values: Map<string, string>; files: Map<string, GivenFile> },
  contentType: string,
  body: Buffer,
): Promise<void> {
  let form: FormData;
  try {
    const bytes = new Uint8Array(body);
    form = await new Response(bytes, { headers: { 'content-type': contentType } }).formData();
  } catch {
    throw badRequest("can't parse form data");
  }
  for (const [name, value] of form) {
    if (typeof value === 'string') into.values.set(name, value);
    else {
      into.files.set(name, {
        name: value.name === '' ? 'file' : value.name,
        type: value.type || 'application/octet-stream',
        content: Buffer.from(await value.arrayBuffer()),
      });
    }
  }
}
