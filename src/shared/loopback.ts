/** Names and addresses of the local machine, in every form that users and programs write. */

/** RFC 6761 6.3, RFC 1122 3.2.1.3 (127.0.0.0/8), RFC 4291 2.5.3 and 2.5.5.2. */
const loopback = /^(?:localhost\.?|127(?:\.\d+){3}|\[::1\]|\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\])$/;
/** Names below `localhost` depend on the resolver; connecting to the unspecified address reaches the machine itself. */
const alsoThisMachine = /^(?:.+\.localhost\.?|0\.0\.0\.0|\[::\])$/;

/**
 * The host as the URL standard writes it: lower case, `127.1` as `127.0.0.1`, IPv6 shortened and in brackets. Null for
 * an invalid host.
 */
function canonical(host: string): string | null {
  const bare = /^\[.*\]$/.test(host) || !host.includes(':') ? host : `[${host}]`;
  return URL.canParse(`http://${bare}/`) ? new URL(`http://${bare}/`).hostname : null;
}

/** Whether a host (a name, or an address with or without brackets) is reachable from this machine only. */
export function isLoopback(host: string): boolean {
  const name = /[/@?#\s]/.test(host) ? null : canonical(host);
  return name !== null && loopback.test(name);
}

/**
 * Whether the `Host` header of a request names the local machine, with or without a port. Accepts only the forms that
 * clients send: they write an address in its usual form, so a number or a hexadecimal address is an attack.
 */
export const isLoopbackHostHeader = (header: string): boolean =>
  /^(?:localhost\.?|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(header);

/** Whether connecting to this host reaches this machine. */
export function reachesThisMachine(host: string): boolean {
  const name = canonical(host);
  return name !== null && (loopback.test(name) || alsoThisMachine.test(name));
}

/** The host in the form that `listen` expects: IPv6 without brackets. */
export const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');
