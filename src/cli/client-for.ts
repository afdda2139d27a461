/** The HTTP client of a command for the running core. */
import { loadClientSettings } from '#app/config/client-settings';
import { loadConfig } from '#app/config/load-config';
import { cliApiKey } from '#shared/api-keys';
import { apiKeysOf } from '#app/config/persons-settings';
import { reachableUrl, UsageError, CoreClient } from '#http/client/core-client';
import type { CommandValues } from './options.ts';

/** Address: --url, else GATEHOUSE_URL, else the configuration. Key: GATEHOUSE_API_KEY, else the configuration. */
export function clientFor(values: CommandValues): CoreClient {
  const { config } = loadConfig(values.config);
  const { server } = config;
  const environment = loadClientSettings();
  const url = values.url ?? environment.url ?? reachableUrl(server);
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    const where = values.url === undefined ? 'GATEHOUSE_URL' : '--url';
    throw new UsageError(`${where}: expected an address like http://127.0.0.1:8100, found ${url}`);
  }
  return new CoreClient(
    url.replace(/\/+$/, ''),
    environment.apiKey ?? cliApiKey(apiKeysOf(config)),
  );
}
