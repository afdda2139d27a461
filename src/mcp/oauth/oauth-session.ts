/**
 * The login at one MCP server, as a fetch that adds its token.
 *
 * 1. The token is sent to the origin of the server only.
 * 2. A refusal (401) renews the token once and repeats the request, which no tool has seen. After a second refusal a
 *    person has to log in again.
 * 3. One renewal at a time, over all processes: a token for renewal is valid once, and a second use of it ends the login.
 */
import {
  discoverOAuthServerInfo,
  extractWWWAuthenticateParams,
  fetchToken,
  OAuthError,
  OAuthErrorCode,
  refreshAuthorization,
  selectResourceURL,
  type AuthorizationServerMetadata,
  type FetchLike,
  type OAuthClientProvider,
  type OAuthTokens,
} from '@modelcontextprotocol/client';
import type { Clock } from '#shared/clock';
import type { Log } from '#shared/log';
import { createSerialQueue } from '#shared/serial-queue';
import type { LoginStore, StoredLogin } from './login-store.ts';
import {
  challengeOf,
  clientMetadataOf,
  clientOf,
  configuredClient,
  describeOAuthError,
  expiresAtOf,
  OAuthFailure,
  oauthFetch,
} from './oauth-client.ts';
import type { OAuthSettings } from './oauth-settings.ts';

interface OAuthSessionOptions {
  serverId: string;
  url: string;
  settings: OAuthSettings;
  store: LoginStore;
  clock: Clock;
  log: Log;
}

/** A token that ends within this time is renewed before it is sent. */
const renewBeforeMs = 30_000;

export class OAuthSession {
  readonly #options: OAuthSessionOptions;
  readonly #origin: string;
  /** Requests of this process wait here, not for the file. */
  readonly #inTurn = createSerialQueue();

  constructor(options: OAuthSessionOptions) {
    this.#options = options;
    this.#origin = new URL(options.url).origin;
  }

  /** `needed`: a person has to log in, or to log in again. @throws GatehouseError GH_MCP_LOGINS */
  get state(): 'logged_in' | 'needed' {
    const { serverId, url, store, settings } = this.#options;
    if (settings.grant === 'client_credentials') return 'logged_in';
    const isAnswered = store.challengeOf(serverId, url) === null;
    return isAnswered && store.find(serverId, url) !== null ? 'logged_in' : 'needed';
  }

  /** @throws OAuthFailure, GatehouseError GH_MCP_LOGINS, and what `send` throws */
  authorize(send: FetchLike): FetchLike {
    return async (url, init) => {
      if (new URL(url).origin !== this.#origin) return send(url, init);
      const token = await this.#token();
      const response = await send(url, withToken(init, token));
      if (response.status === 403 && asksForScope(response)) this.#refused(response);
      if (response.status !== 401) return response;
      const renewed = await this.#renewed(token);
      if (renewed === null) {
        this.#refused(response);
        return response;
      }
      await response.body?.cancel();
      const second = await send(url, withToken(init, renewed));
      if (second.status === 401) this.#refused(second);
      return second;
    };
  }

  #refused(response: Response): void {
    const { serverId, url, store, settings } = this.#options;
    if (settings.grant === 'login') store.saveChallenge(serverId, challengeOf(url, response));
  }

  #stored(): StoredLogin | null {
    const { serverId, url, store } = this.#options;
    return store.find(serverId, url);
  }

  async #token(): Promise<string | null> {
    const login = this.#stored();
    if (login === null) return null;
    const { access_token: token, refresh_token: forRenewal } = login.tokens;
    const { clock, settings } = this.#options;
    const endsSoon = login.expiresAt !== null && clock.now() > login.expiresAt - renewBeforeMs;
    const isRenewable = forRenewal !== undefined || settings.grant === 'client_credentials';
    return endsSoon && isRenewable ? ((await this.#renewed(token)) ?? token) : token;
  }

  /** Another token than the refused one; null: a person has to log in. */
  async #renewed(refused: string | null): Promise<string | null> {
    const { serverId, store, settings, log } = this.#options;
    if (settings.grant === 'login' && this.#stored() === null) return null;
    const renew = async (): Promise<string | null> => {
      const login = this.#stored();
      // Another request, or another process, was first.
      if (login !== null && login.tokens.access_token !== refused) return login.tokens.access_token;
      try {
        if (settings.grant === 'client_credentials') return await this.#requestToken();
        return login === null ? null : await this.#refresh(login);
      } catch (error) {
        if (isEnded(error)) {
          log.warn({ error: describeOAuthError(error) }, 'the login at an MCP server has ended');
          return null;
        }
        const problem = `the token could not be renewed: ${describeOAuthError(error)}`;
        throw new OAuthFailure(problem, { cause: error });
      }
    };
    return this.#inTurn('renewal', () => store.exclusively(serverId, renew));
  }

  /** Null: the authorization server has given no token for renewal. */
  async #refresh(login: StoredLogin): Promise<string | null> {
    const { refresh_token: refreshToken } = login.tokens;
    if (refreshToken === undefined) return null;
    const tokens = await refreshAuthorization(login.authorizationServer, {
      ...metadataOf(login),
      clientInformation: clientOf(login, this.#options.settings),
      refreshToken,
      ...(login.resource === null ? {} : { resource: login.resource }),
      fetchFn: oauthFetch,
    });
    return this.#save({ ...login, tokens: { ...login.tokens, ...tokens } }, tokens);
  }

  async #requestToken(): Promise<string> {
    const { url, settings } = this.#options;
    const client = configuredClient(settings)!;
    const { authorizationServerUrl, authorizationServerMetadata, resourceMetadata } =
      await discoverOAuthServerInfo(url, { fetchFn: oauthFetch });
    const issuer = authorizationServerMetadata?.issuer ?? authorizationServerUrl;
    if (withoutSlash(issuer) !== withoutSlash(settings.issuer!)) {
      throw new Error(`the server names ${issuer}, not the issuer of the configuration`);
    }
    const provider = credentialsProvider(settings, client);
    const resource = await selectResourceURL(url, provider, resourceMetadata);
    const scope = resourceMetadata?.scopes_supported?.join(' ') ?? settings.scope;
    const tokens = await fetchToken(provider, authorizationServerUrl, {
      ...(authorizationServerMetadata === undefined
        ? {}
        : { metadata: authorizationServerMetadata }),
      ...(resource === undefined ? {} : { resource }),
      ...(scope === undefined ? {} : { scope }),
      fetchFn: oauthFetch,
    });
    const login = {
      url,
      authorizationServer: authorizationServerUrl,
      metadata: authorizationServerMetadata ?? null,
      resource: resource?.href ?? null,
      // Its secret stays in the configuration.
      client: { client_id: client.client_id },
      tokens,
    };
    return this.#save({ ...login, expiresAt: null }, tokens);
  }

  #save(login: StoredLogin, tokens: OAuthTokens): string {
    const { serverId, store, clock } = this.#options;
    const expiresAt = expiresAtOf(tokens.expires_in, clock.now());
    store.save(serverId, { ...login, expiresAt });
    return tokens.access_token;
  }
}

export const metadataOf = ({ metadata }: StoredLogin) =>
  metadata === null ? {} : { metadata: metadata as unknown as AuthorizationServerMetadata };

function withToken(init: RequestInit | undefined, token: string | null): RequestInit | undefined {
  if (token === null) return init;
  const headers = new Headers(init?.headers);
  headers.set('authorization', `Bearer ${token}`);
  return { ...init, headers };
}

const asksForScope = (response: Response): boolean =>
  extractWWWAuthenticateParams(response).error === 'insufficient_scope';

const endedCodes: ReadonlySet<string> = new Set([
  OAuthErrorCode.InvalidGrant,
  OAuthErrorCode.InvalidClient,
  OAuthErrorCode.UnauthorizedClient,
]);

/** The authorization server knows the login no longer. */
const isEnded = (error: unknown): boolean =>
  error instanceof OAuthError && endedCodes.has(error.code);

const withoutSlash = (url: string): string => url.replace(/\/$/, '');

/** The SDK asks a provider for what the grant sends. */
const credentialsProvider = (
  settings: OAuthSettings,
  client: StoredLogin['client'],
): OAuthClientProvider => ({
  redirectUrl: undefined,
  clientMetadata: clientMetadataOf(settings, null),
  clientInformation: () => client,
  tokens: () => undefined,
  saveTokens: () => undefined,
  redirectToAuthorization: () => undefined,
  saveCodeVerifier: () => undefined,
  codeVerifier: () => '',
  prepareTokenRequest: (scope) =>
    new URLSearchParams({
      grant_type: 'client_credentials',
      ...(scope === undefined ? {} : { scope }),
    }),
});
