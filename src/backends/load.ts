/** How busy a server is, from what can be known without asking it to work. Pure. */

export type LoadLevel = 'free' | 'normal' | 'busy' | 'very_busy';

const levels: readonly LoadLevel[] = ['free', 'normal', 'busy', 'very_busy'];

/** The load in words, for people. */
export const loadWords: Readonly<Record<LoadLevel, { ko: string; en: string }>> = {
  free: { ko: '여유', en: 'free' },
  normal: { ko: '보통', en: 'normal' },
  busy: { ko: '바쁨', en: 'busy' },
  very_busy: { ko: '매우 바쁨', en: 'very busy' },
};

/** What is learnt of how fast the health page answers when nothing else goes on. */
export interface Baseline {
  samples: number;
  /** Mean of the first samples, from then on a moving average; 0 before the first. */
  ms: number;
}

export const noBaseline: Baseline = { samples: 0, ms: 0 };

/** Samples that make a baseline. Fewer and one slow start spoils it, more and it is known only after minutes. */
const BASELINE_SAMPLES = 5;
/** Weight of a new sample after that: a change of the network is learnt within a few minutes. */
const BASELINE_WEIGHT = 0.1;

/**
 * A slower page says nothing before it is this slow: on loopback 1 ms and 4 ms are both idle, and a factor alone
 * would call the second very busy.
 */
const NOTICEABLE_MS = 100;

export const isLearnt = ({ samples }: Baseline): boolean => samples >= BASELINE_SAMPLES;

/** The baseline after one more sample, taken while the server was idle as far as we know. */
export function learn(baseline: Baseline, ms: number): Baseline {
  const samples = baseline.samples + 1;
  const weight = samples <= BASELINE_SAMPLES ? 1 / samples : BASELINE_WEIGHT;
  return { samples, ms: baseline.ms + (ms - baseline.ms) * weight };
}

/** 4 jobs and more are very busy, 2 busy, 1 normal. */
export function levelOfJobs(jobs: number): LoadLevel {
  if (jobs >= 4) return 'very_busy';
  if (jobs >= 2) return 'busy';
  return jobs >= 1 ? 'normal' : 'free';
}

/** More than 3 times the baseline is very busy, twice busy, 1.5 times normal. */
export function levelOfLatency(ms: number, baseline: Baseline): LoadLevel {
  if (!isLearnt(baseline) || ms < NOTICEABLE_MS) return 'free';
  const factor = ms / Math.max(baseline.ms, 1);
  if (factor > 3) return 'very_busy';
  if (factor > 2) return 'busy';
  return factor > 1.5 ? 'normal' : 'free';
}

export interface LoadSigns {
  /** Requests of ours that run or wait at the gate. */
  ownJobs: number;
  /** From the status page; null where there is none. */
  activeJobs: number | null;
  /** Of the last health page; null when it failed. */
  healthMs: number | null;
  baseline: Baseline;
}

/**
 * The busiest of what the signs say. Our own queue comes first, because it is exact; the latency of the health page
 * only counts where nobody else knows better.
 */
export function loadOf({ ownJobs, activeJobs, healthMs, baseline }: LoadSigns): LoadLevel {
  const own = levelOfJobs(ownJobs);
  let other: LoadLevel = 'free';
  if (activeJobs !== null) other = levelOfJobs(activeJobs);
  else if (ownJobs === 0 && healthMs !== null) other = levelOfLatency(healthMs, baseline);
  return levels.indexOf(other) > levels.indexOf(own) ? other : own;
}
