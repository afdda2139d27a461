/** What is common to all requests of OAuth: their limits, the client that Gatehouse is, and their errors. */
import {
  computeScopeUnion,
  extractWWWAuthenticateParams,
  OAuthError,
  type FetchLike,
  type OAuthClientMetadata,
} from '@modelcontextprotocol/client';
import { messageOf } from '#shared/errors';
import { oneLine } from '#tools/sanitize-text';
import { boundedResponse } from '../bounded-response.ts';
import { clientSecretOf, type OAuthSettings } from './oauth-settings.ts';
import type { Challenge, StoredLogin } from './login-store.ts';

const requestMsMax = 15_000;
/** The server that is called names the authorization server. */
const answerBytesMax = 1024 ** 2;

/** Requests to an authorization server. A redirect of a request with a secret is not followed. */
export const oauthFetch: FetchLike = async (url, init) =>
  boundedResponse(
    await fetch(url, {
      ...init,
      redirect: init?.method === 'POST' ? 'error' : 'follow',
      signal: AbortSignal.timeout(requestMsMax),
    }),
    answerBytesMax,
  );

/** The login could not be made or renewed: nothing reached a tool. */
export class OAuthFailure extends Error {}

/** Without the body of a foreign answer, which could have a token. */
export const describeOAuthError = (error: unknown): string =>
  error instanceof OAuthError
    ? oneLine(`${error.code}${/Raw body/.test(error.message) ? '' : `: ${error.message}`}`, 200)
    : oneLine(causeOf(error), 200);

const causeOf = (error: unknown): string => {
  const cause = (error as Error).cause;
  return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(cause)}`;
};

export const clientMetadataOf = (
  { grant, scope, clientSecret, clientSecretFile }: OAuthSettings,
  redirectUrl: string | null,
): OAuthClientMetadata => ({
  client_name: 'Gatehouse',
  redirect_uris: redirectUrl === null ? [] : [redirectUrl],
  grant_types: grant === 'login' ? ['authorization_code', 'refresh_token'] : ['client_credentials'],
  response_types: ['code'],
  ...(clientSecret === undefined && clientSecretFile === undefined
    ? {}
    : { token_endpoint_auth_method: 'client_secret_basic' }),
  ...(scope === undefined ? {} : { scope }),
});

/** The client of the configuration; undefined: Gatehouse registers itself. @throws Error */
export function configuredClient(settings: OAuthSettings): StoredLogin['client'] | undefined {
  const { clientId, issuer } = settings;
  if (clientId === undefined) return undefined;
  const clientSecret = clientSecretOf(settings);
  return {
    client_id: clientId,
    ...(clientSecret === undefined ? {} : { client_secret: clientSecret }),
    ...(issuer === undefined ? {} : { issuer }),
  };
}

/** The configured client, whose secret may have changed since the login; else the one that was registered. */
export const clientOf = (login: StoredLogin, settings: OAuthSettings): StoredLogin['client'] =>
  configuredClient(settings) ?? login.client;

/** What the server asks for with its refusal. */
export function challengeOf(url: string, response: Response): Challenge {
  const { scope, resourceMetadataUrl } = extractWWWAuthenticateParams(response);
  return {
    url,
    ...(scope === undefined ? {} : { scope }),
    ...(resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl: resourceMetadataUrl.href }),
  };
}

/** The granted scopes and those that the server asks for: a new login must not lose any. */
export const scopeOf = (login: StoredLogin | null, challenge: Challenge | null) =>
  computeScopeUnion(login?.tokens.scope, challenge?.scope);

export const expiresAtOf = (expiresInSeconds: unknown, now: number): number | null =>
  typeof expiresInSeconds === 'number' ? now + expiresInSeconds * 1_000 : null;
