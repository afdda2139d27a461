/** Address of the core and API key for the CLI commands, from environment variables. */
export interface ClientSettings {
  /** `GATEHOUSE_URL`; null if unset or empty. */
  url: string | null;
  /** `GATEHOUSE_API_KEY`; null if unset or empty. */
  apiKey: string | null;
}

export function loadClientSettings(
  env: Record<string, string | undefined> = process.env,
): ClientSettings {
  const given = (name: string): string | null => env[name]?.trim() || null;
  return { url: given('GATEHOUSE_URL'), apiKey: given('GATEHOUSE_API_KEY') };
}
