/** The system tool: how the model servers and the own queue are doing, in words. */
import { z } from 'zod';
import type { Locale } from '../../../machines/texts.ts';
import { oneLine } from '../plain-text.ts';
import { reads, type Tool } from '../tool.ts';

/** How busy a server is. `unknown`: it does not say, and nothing has been measured yet. */
export type Load = 'idle' | 'normal' | 'busy' | 'very_busy' | 'unknown';

export interface BackendStatus {
  id: string;
  connected: boolean;
  load: Load;
  /** Requests that the server itself reports; null where it reports none. */
  activeJobs: number | null;
  /** Milliseconds of the last health check; null where there was none. */
  latencyMs: number | null;
  /** What the latency usually is. */
  baselineMs: number | null;
  /** Why it is not connected. */
  reason?: string | null;
}

export interface SystemStatus {
  backends: BackendStatus[];
  /** Jobs of this system. */
  queue: { running: number; waiting: number };
}

/** Where the figures come from. */
export interface StatusSource {
  read(signal: AbortSignal): Promise<SystemStatus> | SystemStatus;
}

const loadWords: Record<Locale, Record<Load, string | null>> = {
  ko: { idle: '여유', normal: '보통', busy: '바쁨', very_busy: '매우 바쁨', unknown: null },
  en: { idle: 'idle', normal: 'normal', busy: 'busy', very_busy: 'very busy', unknown: null },
};

/** The tool `system`: status. */
export function createStatusTool(source: StatusSource): Tool {
  return {
    name: 'system',
    operations: {
      status: reads({
        description: 'state of the model servers and of the queue',
        schema: z.object({}),
        async run(_, context) {
          const status = await source.read(context.signal);
          return { ok: true, data: { ...status }, summary: statusWords(status, context.locale) };
        },
      }),
    },
  };
}

function statusWords({ backends, queue }: SystemStatus, locale: Locale): string {
  const lines = backends.map((backend) => backendWords(backend, locale));
  if (backends.length === 0) {
    lines.push(locale === 'ko' ? '설정된 추론 서버가 없습니다.' : 'No model server is configured.');
  }
  lines.push(
    locale === 'ko'
      ? `내 작업 큐: 처리 중 ${queue.running}건, 대기 ${queue.waiting}건`
      : `My queue: ${queue.running} running, ${queue.waiting} waiting`,
  );
  return lines.join('\n');
}

function backendWords(backend: BackendStatus, locale: Locale): string {
  const isKo = locale === 'ko';
  const name = oneLine(backend.id, 60);
  if (!backend.connected) {
    const reason = backend.reason ? ` (${oneLine(backend.reason, 80)})` : '';
    return `${name}: ${isKo ? '연결 안 됨' : 'not connected'}${reason}`;
  }
  const parts = [isKo ? '연결됨' : 'connected'];
  const load = loadWords[locale][backend.load];
  if (load !== null) parts.push(load);
  if (backend.activeJobs !== null) {
    parts.push(isKo ? `작업 ${backend.activeJobs}건` : `${backend.activeJobs} active`);
  } else if (backend.latencyMs !== null) {
    const usual = backend.baselineMs === null ? '' : usualWords(backend.baselineMs, isKo);
    parts.push(`${isKo ? '응답' : 'latency'} ${Math.round(backend.latencyMs)}ms${usual}`);
  }
  return `${name}: ${parts.join(' · ')}`;
}

const usualWords = (baselineMs: number, isKo: boolean): string =>
  isKo ? ` (평소 ${Math.round(baselineMs)}ms)` : ` (usually ${Math.round(baselineMs)} ms)`;
