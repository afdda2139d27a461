/** Proxies from Debian's packages, for the examples in deploy/proxy. */
import { findProgram, prepareProgram } from './debian-package.ts';

export const prepareNginx = (): string | null => prepareProgram('nginx', ['nginx-light']);
export const prepareCaddy = (): string | null => prepareProgram('caddy', ['caddy']);

export const nginx = (): string | null => findProgram('nginx');
export const caddy = (): string | null => findProgram('caddy');
