/** Doctor check of the backends that a running core uses after its own discovery. */
import { z } from 'zod';
import type { Config } from '#app/config/config';
import type { CheckResult } from '#shared/check-result';
import { getCorePage } from './json-page.ts';

const page = z.object({
  backends: z.array(
    z.object({
      id: z.string(),
      kind: z.string(),
      model: z.string(),
      origin: z.string(),
      roles: z.array(z.string()),
      healthy: z.boolean().nullable(),
      error_reason: z.string().nullable(),
    }),
  ),
});
type BackendEntry = z.infer<typeof page>['backends'][number];

/** Null if the core does not report them: it is an older version, or has a different key. */
export async function checkRunningBackends(config: Config): Promise<CheckResult[] | null> {
  try {
    const parsed = page.safeParse(await getCorePage(config, '/backends'));
    return parsed.success ? parsed.data.backends.map(backendResult) : null;
  } catch {
    return null;
  }
}

function backendResult({
  id,
  kind,
  model,
  origin,
  roles,
  healthy,
  error_reason,
}: BackendEntry): CheckResult {
  const part = 'backend';
  if (origin === 'practice') {
    return {
      part,
      ok: true,
      what: 'the running core has found no model server: the practice model answers',
      advice:
        'start a local server such as Ollama: the core finds it within 15 s; or set `backends`',
    };
  }
  const what = `the running core uses ${id} (${kind}, ${model}) for ${roles.join(', ') || 'no role'}`;
  if (healthy !== false) return { part, ok: true, what };
  return {
    part,
    ok: false,
    what: `${what}, which does not answer: ${error_reason ?? 'unknown'}`,
    advice: 'start that server again, or restart the core to look for another',
  };
}
