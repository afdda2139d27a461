/** How busy a server is, from signals that cost the server no inference. Pure. */

import type { BusyLoad } from '#machines/job-types';

export type LoadLevel = 'free' | 'normal' | BusyLoad;

const levels: readonly LoadLevel[] = ['free', 'normal', 'busy', 'very_busy'];

/** Labels of the load levels, for users. */
export const loadLabels: Readonly<Record<LoadLevel, { ko: string; en: string }>> = {
  free: { ko: '여유', en: 'free' },
  normal: { ko: '보통', en: 'normal' },
  busy: { ko: '바쁨', en: 'busy' },
  very_busy: { ko: '매우 바쁨', en: 'very busy' },
};

/** Learned response time of the health page of an idle server. */
export interface Baseline {
  samples: number;
  /** Mean of the first samples, then a moving average; 0 before the first sample. */
  ms: number;
}

export const noBaseline: Baseline = { samples: 0, ms: 0 };

/** Samples needed for a baseline. With fewer, one slow start spoils it; with more, it takes minutes. */
const baselineSamples = 5;
/** Smoothing factor after that: a change of the network is learned within a few minutes. */
const baselineSmoothingFactor = 0.1;

/**
 * Latencies below this are ignored: on loopback 1 ms and 4 ms are both idle, and a factor alone would rate the second
 * as very busy.
 */
const noticeableLatencyMs = 100;

export const isCalibrated = ({ samples }: Baseline): boolean => samples >= baselineSamples;

/** The baseline after one more sample, taken while the server seemed idle. */
export function updateBaseline(baseline: Baseline, ms: number): Baseline {
  const samples = baseline.samples + 1;
  const weight = samples <= baselineSamples ? 1 / samples : baselineSmoothingFactor;
  return { samples, ms: baseline.ms + (ms - baseline.ms) * weight };
}

/** From 4 jobs on very busy, from 2 busy, from 1 normal. */
export function levelOfJobs(jobs: number): LoadLevel {
  if (jobs >= 4) return 'very_busy';
  if (jobs >= 2) return 'busy';
  return jobs >= 1 ? 'normal' : 'free';
}

/** More than 3 times the baseline is very busy, more than twice busy, more than 1.5 times normal. */
export function levelOfLatency(ms: number, baseline: Baseline): LoadLevel {
  if (!isCalibrated(baseline) || ms < noticeableLatencyMs) return 'free';
  const factor = ms / Math.max(baseline.ms, 1);
  if (factor > 3) return 'very_busy';
  if (factor > 2) return 'busy';
  return factor > 1.5 ? 'normal' : 'free';
}

export interface LoadSignals {
  /** Our requests that run or wait at the gate. */
  ownJobs: number;
  /** From the status page; null without one. */
  activeJobs: number | null;
  /** Latency of the last health page; null when it failed. */
  healthMs: number | null;
  baseline: Baseline;
}

/**
 * The highest level of the signals. Our own queue comes first, because it is exact; the latency of the health page
 * counts only without a status page and without own jobs.
 */
export function loadLevel({ ownJobs, activeJobs, healthMs, baseline }: LoadSignals): LoadLevel {
  const ownLevel = levelOfJobs(ownJobs);
  let otherLevel: LoadLevel = 'free';
  if (activeJobs !== null) otherLevel = levelOfJobs(activeJobs);
  else if (ownJobs === 0 && healthMs !== null) otherLevel = levelOfLatency(healthMs, baseline);
  return levels.indexOf(otherLevel) > levels.indexOf(ownLevel) ? otherLevel : ownLevel;
}
