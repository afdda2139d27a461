/** A time in the zone of this machine, for users: `2026-12-01 09:30:00`. An invalid time is returned unchanged. */
export function localTime(iso: string): string {
  const at = new Date(iso);
  // The Swedish format is that of ISO 8601, without the T.
  return Number.isNaN(at.getTime()) ? iso : at.toLocaleString('sv-SE');
}
