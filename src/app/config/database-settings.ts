/** The key `database`: the path of a SQLite file, or the address of a PostgreSQL database. */
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { count, filePath, nonEmptyString, secret } from '#shared/config-fields';
import { messageOf } from '#shared/errors';
import {
  addressSubject,
  isPostgresAddress,
  parsePostgresAddress,
} from '#storage/postgres/postgres-address';

/** Its own message is about the address, and never quotes it. */
function checkAddress(text: string, { issues }: z.core.ParsePayload): void {
  try {
    parsePostgresAddress(text);
  } catch (error) {
    const message = messageOf(error).replace(addressSubject, '');
    issues.push({ code: 'custom', message, input: text });
  }
}

const postgresSchema = z
  .strictObject({
    url: secret
      .check((payload) => checkAddress(payload.value, payload))
      .describe('postgres://user@host:5432/database; several hosts are separated by commas.'),
    password: secret.optional().describe('Password; or in url, passwordFile or PGPASSWORD.'),
    passwordFile: filePath
      .optional()
      .describe('File that has the password alone. Read at each new connection.'),
    caFile: filePath
      .optional()
      .describe('PEM file: your own authority, or the certificate itself. Implies TLS.'),
    fingerprint256: nonEmptyString
      .optional()
      .describe("SHA-256 fingerprint of the server's certificate. Implies TLS."),
    poolSize: count(8, 2).describe('Connections to the server, at most.'),
  })
  .superRefine((settings, context) => {
    if (!isReadable(settings.url)) return;
    const { password, tls } = parsePostgresAddress(settings.url);
    const given = [password ?? undefined, settings.password, settings.passwordFile];
    const refuse = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [key], message });
    if (given.filter((one) => one !== undefined).length > 1)
      refuse('url', 'has its password twice: keep one of them');
    const isTls = settings.caFile !== undefined || settings.fingerprint256 !== undefined;
    if (isTls && tls === 'off' && /[?&]sslmode=/.test(settings.url)) {
      refuse('url', 'has sslmode=disable, although caFile or fingerprint256 is set');
    }
  });

function isReadable(url: string): boolean {
  try {
    parsePostgresAddress(url);
    return true;
  } catch {
    return false;
  }
}

export type PostgresSettings = z.infer<typeof postgresSchema>;

const pathOrAddress = nonEmptyString
  .check((payload) => {
    if (isPostgresAddress(payload.value)) return checkAddress(payload.value, payload);
    const { issues = [] } = filePath.safeParse(payload.value).error ?? {};
    for (const { message } of issues) {
      payload.issues.push({ code: 'custom', message, input: payload.value });
    }
  })
  .transform((text): string | PostgresSettings =>
    isPostgresAddress(text) ? { url: text, poolSize: 8 } : filePath.parse(text),
  );

export const databaseSchema = z.union([pathOrAddress, postgresSchema]);

/** Of the files that lie beside a SQLite database; with PostgreSQL, of `./data`. */
export const dataFolderOf = ({
  database,
  dataFolder,
}: {
  database: string | PostgresSettings;
  dataFolder?: string | undefined;
}): string => dataFolder ?? (typeof database === 'string' ? dirname(database) : join('.', 'data'));
