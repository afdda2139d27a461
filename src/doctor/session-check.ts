/** Doctor check of browsers that sign in: what others in the network can read, and what the proxy must say. */
import type { Config } from '#app/config/config';
import { apiKeysOf } from '#app/config/persons-settings';
import { checkResultsOf, type CheckResult } from '#shared/check-result';
import { isLoopback, withoutBrackets } from '#shared/loopback';

const { fine } = checkResultsOf('sign-in');

/** No result without keys: then nobody signs in. */
export function checkSessions(config: Config): CheckResult[] {
  if (apiKeysOf(config).length === 0) return [];
  const { host, publicUrl, trustedProxies } = config.server;
  const url = publicUrl === null ? null : new URL(publicUrl);
  const results: CheckResult[] = [];
  if (url?.protocol === 'http:' && !isLoopback(url.hostname)) {
    results.push(
      fine(
        `${publicUrl}: keys, codes and cookies of browsers can be read in the network`,
        'put a proxy with TLS before it, and set server.publicUrl to its https address',
      ),
    );
  } else if (url === null && !isLoopback(withoutBrackets(host))) {
    results.push(
      fine(
        `browsers sign in at ${host} over plain http: keys, codes and cookies can be read in the network`,
        'outside of a network that you trust put a proxy with TLS before it, and set server.publicUrl',
      ),
    );
  }
  if (url?.protocol === 'https:' && trustedProxies.length === 0) {
    results.push(
      fine(
        'all browsers behind the proxy count as one address: one that guesses codes locks out the others for a minute',
        'set server.trustedProxies to the address of the proxy',
      ),
    );
  }
  return results.length > 0 ? results : [fine(url === null ? 'on this machine only' : url.origin)];
}
