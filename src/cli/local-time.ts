/** A time as people read it, in the zone of this machine: `2026-12-01 09:30:00`. What is no time stays as it is. */
export function localTime(iso: string): string {
  const at = new Date(iso);
  // The Swedish way of writing is that of ISO 8601, without the T.
  return Number.isNaN(at.getTime()) ? iso : at.toLocaleString('sv-SE');
}
