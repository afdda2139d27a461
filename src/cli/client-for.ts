/** The HTTP client of a command for the running core. */
import { loadClientSettings } from '../config/client-settings.ts';
import { loadConfig } from '../config/load-config.ts';
import { cliApiKey } from '../lib/api-keys.ts';
import { createCoreClient, reachableUrl, UsageError, type CoreClient } from './core-client.ts';
import type { CommandValues } from './options.ts';

/** Address: --url, else GATEHOUSE_URL, else the configuration. Key: GATEHOUSE_API_KEY, else the configuration. */
export function clientFor(values: CommandValues): CoreClient {
  const { server } = loadConfig(values.config).config;
  const environment = loadClientSettings();
  const url = values.url ?? environment.url ?? reachableUrl(server);
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    const where = values.url === undefined ? 'GATEHOUSE_URL' : '--url';
    throw new UsageError(`${where}: expected an address like http://127.0.0.1:8100, found ${url}`);
  }
  return createCoreClient(url.replace(/\/+$/, ''), environment.apiKey ?? cliApiKey(server.apiKeys));
}
