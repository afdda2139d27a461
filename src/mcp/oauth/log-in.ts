/**
 * The login of a person at an MCP server (authorization code with PKCE), and its end. The flow itself is the SDK's;
 * what it has agreed on is stored only after the token was given.
 */
import { randomUUID } from 'node:crypto';
import {
  auth,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from '@modelcontextprotocol/client';
import type { Clock } from '#shared/clock';
import { GatehouseError } from '#shared/errors';
import { isLoopback } from '#shared/loopback';
import type { LoginStore, StoredLogin } from './login-store.ts';
import {
  clientMetadataOf,
  clientOf,
  configuredClient,
  describeOAuthError,
  expiresAtOf,
  OAuthFailure,
  oauthFetch,
  scopeOf,
} from './oauth-client.ts';
import type { OAuthSettings } from './oauth-settings.ts';
import { listenForRedirect, type RedirectListener } from './redirect-listener.ts';

export interface LoginOptions {
  serverId: string;
  url: string;
  settings: OAuthSettings;
  store: LoginStore;
  clock: Clock;
  /** Shows a person the address at which they log in. `take`: an address that they give back by hand. */
  show(address: URL, take: (address: string) => boolean): void;
  /** Ends the wait for the person. */
  signal: AbortSignal;
}

interface Flow {
  client?: StoredOAuthClientInformation;
  tokens?: StoredOAuthTokens;
  verifier: string;
  discovery?: OAuthDiscoveryState;
  resource?: string;
  address?: URL;
}

/** @throws OAuthFailure, GatehouseError GH_MCP_LOGINS */
export async function logIn(options: LoginOptions): Promise<StoredLogin> {
  const { serverId, settings, store } = options;
  const state = randomUUID();
  let listener: RedirectListener;
  try {
    listener = await listenForRedirect(settings.redirectPort, state);
  } catch (error) {
    throw new OAuthFailure(`cannot wait for the browser: ${describeOAuthError(error)}`);
  }
  try {
    const login = await runFlow(options, listener, state);
    // Not during a renewal, which would store the login before over it.
    await store.exclusively(serverId, async () => store.save(serverId, login));
    return login;
  } catch (error) {
    if (error instanceof OAuthFailure || error instanceof GatehouseError) throw error;
    throw new OAuthFailure(`the login failed: ${describeOAuthError(error)}`, { cause: error });
  } finally {
    listener.close();
  }
}

async function runFlow(
  { serverId, url, settings, store, clock, show, signal }: LoginOptions,
  listener: RedirectListener,
  state: string,
): Promise<StoredLogin> {
  const before = store.find(serverId, url);
  const challenge = store.challengeOf(serverId, url);
  const flow: Flow = { verifier: '' };
  const configured = configuredClient(settings);
  const known = configured ?? reusableClient(before, listener.url);
  if (known !== undefined) flow.client = known as StoredOAuthClientInformation;
  const provider = providerOf(flow, settings, listener.url, state);
  const scope = scopeOf(before, challenge);
  const request = {
    serverUrl: url,
    fetchFn: oauthFetch,
    ...(scope === undefined ? {} : { scope }),
    ...(challenge?.resourceMetadataUrl === undefined
      ? {}
      : { resourceMetadataUrl: new URL(challenge.resourceMetadataUrl) }),
  };
  await auth(provider, { ...request, forceReauthorization: true });
  if (flow.address === undefined) throw new OAuthFailure('the server has named no address');
  show(flow.address, listener.take);
  const answer = await answerOf(listener, signal);
  const code = answer.get('code');
  if (code === null) {
    const reason = answer.get('error_description') ?? answer.get('error') ?? 'no code';
    throw new OAuthFailure(`the login was refused: ${describeOAuthError(new Error(reason))}`);
  }
  const iss = answer.get('iss');
  const result = await auth(provider, {
    ...request,
    authorizationCode: code,
    ...(iss === null ? {} : { iss }),
  });
  const { client, tokens, discovery } = flow;
  if (result !== 'AUTHORIZED' || !client || !tokens || !discovery) {
    throw new OAuthFailure('the server has given no token');
  }
  return {
    url,
    authorizationServer: discovery.authorizationServerUrl,
    metadata: discovery.authorizationServerMetadata ?? null,
    resource: flow.resource ?? null,
    // A configured secret stays in the configuration.
    client: configured === undefined ? client : withoutSecret(configured),
    tokens: { ...tokens, ...((tokens.scope ?? scope) ? { scope: tokens.scope ?? scope } : {}) },
    expiresAt: expiresAtOf(tokens.expires_in, clock.now()),
  };
}

/** A client that was registered for this very address of return. */
const reusableClient = (before: StoredLogin | null, redirectUrl: string) => {
  const registered = before?.client['redirect_uris'];
  return Array.isArray(registered) && registered.includes(redirectUrl) ? before?.client : undefined;
};

async function answerOf(
  { answered }: RedirectListener,
  signal: AbortSignal,
): Promise<URLSearchParams> {
  const ended = Promise.withResolvers<never>();
  const end = (): void => ended.reject(new OAuthFailure('nobody has logged in'));
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([answered, ended.promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

const providerOf = (
  flow: Flow,
  settings: OAuthSettings,
  redirectUrl: string,
  state: string,
): OAuthClientProvider => ({
  redirectUrl,
  ...(settings.clientMetadataUrl === undefined
    ? {}
    : { clientMetadataUrl: settings.clientMetadataUrl }),
  clientMetadata: clientMetadataOf(settings, redirectUrl),
  state: () => state,
  clientInformation: () => flow.client,
  saveClientInformation(client) {
    flow.client = client;
  },
  tokens: () => flow.tokens,
  saveTokens(tokens) {
    flow.tokens = tokens;
  },
  redirectToAuthorization(address) {
    flow.address = address;
  },
  saveCodeVerifier(verifier) {
    flow.verifier = verifier;
  },
  codeVerifier: () => flow.verifier,
  saveDiscoveryState(discovery) {
    flow.discovery = discovery;
  },
  discoveryState: () => flow.discovery,
  saveResourceUrl(resource) {
    flow.resource = resource;
  },
});

const withoutSecret = ({ client_id, issuer }: StoredLogin['client']): StoredLogin['client'] => ({
  client_id,
  ...(issuer === undefined ? {} : { issuer }),
});

export interface LogoutOptions extends Pick<LoginOptions, 'serverId' | 'url' | 'settings'> {
  store: LoginStore;
}

/**
 * Forgets the login, and revokes its tokens where the authorization server can.
 * @throws GatehouseError GH_MCP_LOGINS
 */
export async function logOut({
  serverId,
  url,
  settings,
  store,
}: LogoutOptions): Promise<{ wasLoggedIn: boolean; isRevoked: boolean }> {
  const login = await store.exclusively(serverId, async () => {
    const found = store.find(serverId, url);
    store.remove(serverId);
    return found;
  });
  if (login === null) return { wasLoggedIn: false, isRevoked: false };
  const endpoint = login.metadata?.['revocation_endpoint'];
  const isSafe = typeof endpoint === 'string' && isEncryptedOrLocal(endpoint);
  if (!isSafe) return { wasLoggedIn: true, isRevoked: false };
  const { refresh_token: refresh, access_token: access } = login.tokens;
  const { client_id: id, client_secret: secret } = clientOf(login, settings) as Record<
    string,
    string
  >;
  const body = new URLSearchParams({
    token: refresh ?? access,
    token_type_hint: refresh === undefined ? 'access_token' : 'refresh_token',
    client_id: id!,
    ...(secret === undefined ? {} : { client_secret: secret }),
  });
  const response = await oauthFetch(endpoint, { method: 'POST', body }).catch(() => null);
  await response?.body?.cancel();
  return { wasLoggedIn: true, isRevoked: response?.ok === true };
}

/** Tokens go nowhere else. */
function isEncryptedOrLocal(address: string): boolean {
  const url = URL.parse(address);
  return url !== null && (url.protocol === 'https:' || isLoopback(url.hostname));
}
