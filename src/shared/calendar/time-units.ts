/** Lengths of time in milliseconds, and the form of an instant. */
export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/** ISO 8601 in UTC. @param at epoch ms */
export const isoTime = (at: number): string => new Date(at).toISOString();
