/** Where our own commands find the core, and with which key, as the environment says it. */
export interface ClientSettings {
  /** `GATEHOUSE_URL`; null where it is not set, or empty. */
  url: string | null;
  /** `GATEHOUSE_API_KEY`; null likewise. */
  apiKey: string | null;
}

export function loadClientSettings(
  env: Record<string, string | undefined> = process.env,
): ClientSettings {
  const given = (name: string): string | null => env[name]?.trim() || null;
  return { url: given('GATEHOUSE_URL'), apiKey: given('GATEHOUSE_API_KEY') };
}
