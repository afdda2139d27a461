/**
 * The logins at MCP servers, in a file beside the data that only its owner can read. It is not a part of backups: a
 * token of a backup would be valid elsewhere, and a login is soon made again.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { GatehouseError, messageOf } from '#shared/errors';
import { exclusively, fileVersion, replacePrivateFile, withWriteLock } from '../private-file.ts';

const login = z.object({
  /** Address of the MCP server: the token is sent to no other. */
  url: z.string(),
  authorizationServer: z.string(),
  /** Metadata of the authorization server; null: it has none. */
  metadata: z.record(z.string(), z.unknown()).nullable(),
  resource: z.string().nullable(),
  client: z.looseObject({ client_id: z.string() }),
  tokens: z.looseObject({
    access_token: z.string(),
    token_type: z.string(),
    refresh_token: z.string().optional(),
    scope: z.string().optional(),
  }),
  /** Epoch milliseconds; null: not known. */
  expiresAt: z.number().nullable(),
});
/** What the server asked for when it refused a request: the next login asks for it. */
const challenge = z.object({
  url: z.string(),
  scope: z.string().optional(),
  resourceMetadataUrl: z.string().optional(),
});
const loginsFile = z.object({
  servers: z.record(
    z.string(),
    z.object({ login: login.optional(), challenge: challenge.optional() }),
  ),
});

type Logins = z.infer<typeof loginsFile>['servers'];
export type StoredLogin = z.infer<typeof login>;
export type Challenge = z.infer<typeof challenge>;

export interface LoginStore {
  /** Null also if it was made for another address. @throws GatehouseError GH_MCP_LOGINS */
  find(serverId: string, url: string): StoredLogin | null;
  /** @throws GatehouseError GH_MCP_LOGINS */
  challengeOf(serverId: string, url: string): Challenge | null;
  /** Answers the challenge. @throws GatehouseError GH_MCP_LOGINS */
  save(serverId: string, login: StoredLogin): void;
  /** The server has refused a request. @throws GatehouseError GH_MCP_LOGINS */
  saveChallenge(serverId: string, challenge: Challenge): void;
  /** @throws GatehouseError GH_MCP_LOGINS */
  remove(serverId: string): void;
  /** Changes whenever the file does. */
  version(): string;
  /**
   * One at a time for a server, over all processes: a token for renewal is valid once.
   * @throws GatehouseError GH_MCP_LOGINS if its turn does not come, and what `work` throws
   */
  exclusively<Value>(serverId: string, work: () => Promise<Value>): Promise<Value>;
}

/** The requests of a renewal with discovery, each with its limit. */
const renewalMsMax = 120_000;

/** @param path of the file; it is made with the first login */
export function openLoginStore(path: string): LoginStore {
  let logins: Logins = {};
  let readAt = '';
  const present = (): Logins => {
    const version = fileVersion(path);
    if (version !== readAt) {
      logins = version === '' ? {} : readLogins(path);
      readAt = version;
    }
    return logins;
  };
  const entryOf = (serverId: string): Logins[string] => {
    const all = present();
    return Object.hasOwn(all, serverId) ? all[serverId]! : {};
  };
  const change = (serverId: string, entry: (before: Logins[string]) => Logins[string]): void => {
    try {
      withWriteLock(path, () => {
        const next = entry(entryOf(serverId));
        replacePrivateFile(path, { servers: { ...present(), [serverId]: next } });
      });
    } catch (error) {
      throw storeError(path, error);
    }
  };
  return {
    find(serverId, url) {
      const { login: found } = entryOf(serverId);
      return found?.url === url ? found : null;
    },
    challengeOf(serverId, url) {
      const { challenge: found } = entryOf(serverId);
      return found?.url === url ? found : null;
    },
    save: (serverId, saved) => change(serverId, () => ({ login: saved })),
    saveChallenge(serverId, saved) {
      const known = entryOf(serverId).challenge;
      if (JSON.stringify(known) === JSON.stringify(saved)) return;
      change(serverId, (before) => ({ ...before, challenge: saved }));
    },
    remove: (serverId) => change(serverId, () => ({})),
    version: () => fileVersion(path),
    async exclusively(serverId, work) {
      let hasBegun = false;
      const begin = (): ReturnType<typeof work> => {
        hasBegun = true;
        return work();
      };
      try {
        return await exclusively(`${path}.${serverId}`, renewalMsMax, begin);
      } catch (error) {
        throw hasBegun ? error : storeError(path, error);
      }
    },
  };
}

const storeError = (path: string, error: unknown): GatehouseError =>
  error instanceof GatehouseError
    ? error
    : new GatehouseError('GH_MCP_LOGINS', `${path}: ${messageOf(error)}`, { cause: error });

function readLogins(path: string): Logins {
  try {
    return loginsFile.parse(JSON.parse(readFileSync(path, 'utf8'))).servers;
  } catch (error) {
    // The text of a JSON error quotes the file, which has tokens.
    const problem = error instanceof SyntaxError ? 'it is not JSON' : 'it has another form';
    throw storeError(path, new Error(problem));
  }
}
