/**
 * Runs once before all tests: makes the real servers that the tests start available, as far as they can be
 * had here. What cannot be had is printed with its reason, and its tests skip.
 */
import { prepareLlamaServer } from './llama-server.ts';

type Preparation = () => Promise<{ ok: true } | { ok: false; reason: string }>;

const preparations: Record<string, Preparation> = {
  'llama.cpp server': prepareLlamaServer,
};

export async function setup(): Promise<void> {
  for (const [name, prepare] of Object.entries(preparations)) {
    const result = await prepare();
    if (!result.ok)
      console.warn(`${name}: not available, its tests are skipped (${result.reason})`);
  }
}
