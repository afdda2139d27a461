/** Reads JSON pages of a running core or bridge. */
import type { Config } from '#app/config/config';
import { reachableUrl } from '#http/client/core-client';
import { apiKeysOf } from '#app/config/persons-settings';
import { cliApiKey } from '#shared/api-keys';
import { sendHttpRequest } from '#shared/http-request';

/** Within this time a server on this machine answers also if it is busy; a collector of traces too. */
export const answerMsMax = 2_000;
/** All jobs that wait at the gates, and more. */
const bytesMax = 1024 * 1024;

/** Any status. @throws Error if there is no response, or if it is not JSON */
export async function getJsonPage(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; json: unknown }> {
  const outcome = await sendHttpRequest({ url, headers, timeoutMs: answerMsMax, bytesMax });
  if (!outcome.ok) throw new Error(outcome.error);
  return { status: outcome.status, json: JSON.parse(outcome.body.toString('utf8')) as unknown };
}

/** A page of the core at the configured address, with a key of the configuration. @throws as above */
export async function getCorePage(
  config: Pick<Config, 'server' | 'persons'>,
  path: string,
): Promise<unknown> {
  const key = cliApiKey(apiKeysOf(config));
  const headers: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };
  return (await getJsonPage(`${reachableUrl(config.server)}${path}`, headers)).json;
}
