/** The system tool: describes the state of the model servers and of the job queue. */
import { z } from 'zod';
import type { Locale } from '#machines/texts';
import { createZones } from '#shared/calendar/zoned-time';
import { momentText } from '../schedule/reminder-texts.ts';
import { oneLine } from '../sanitize-text.ts';
import { readOperation, type Tool } from '../tool.ts';

/** How busy a server is. `unknown`: the server does not report it, and nothing has been measured yet. */
export type ReportedLoad = 'idle' | 'normal' | 'busy' | 'very_busy' | 'unknown';

const zones = createZones();

export interface BackendStatus {
  id: string;
  connected: boolean;
  load: ReportedLoad;
  /** Active requests that the server itself reports; null if it does not report them. */
  activeJobs: number | null;
  /** Milliseconds of the last health check; null if there was none. */
  latencyMs: number | null;
  /** Usual latency, milliseconds; null if not known yet. */
  baselineMs: number | null;
  reason?: string | null;
}

export interface SystemStatus {
  backends: BackendStatus[];
  /** Numbers of jobs of this system. */
  queue: { running: number; waiting: number };
  /** Reminders of the person; `nextAt`: epoch ms, null: none is ahead. */
  schedules: { active: number; paused: number; nextAt: number | null };
}

export interface StatusSource {
  read(userId: string): Promise<SystemStatus> | SystemStatus;
}

const reportedLoadTexts: Record<Locale, Record<ReportedLoad, string | null>> = {
  ko: { idle: '여유', normal: '보통', busy: '바쁨', very_busy: '매우 바쁨', unknown: null },
  en: { idle: 'idle', normal: 'normal', busy: 'busy', very_busy: 'very busy', unknown: null },
};

export const statusLabel = { ko: '시스템 상태', en: 'system status' };

export const statusOperations = {
  status: {
    effect: 'reads',
    description: "shows the model servers, the user's queue and the configured tools",
    schema: z.object({}),
  },
} as const;

/** The tool `system`: status. `labels`: names of the configured tools. */
export function createStatusTool(
  source: StatusSource,
  labels: readonly Record<Locale, string>[] = [],
): Tool {
  return {
    name: 'system',
    label: statusLabel,
    operations: {
      status: readOperation({
        ...statusOperations.status,
        async run(_, context) {
          const status = await source.read(context.userId);
          const { locale, timeZone } = context;
          const tools = labels
            .filter((label) => label !== statusLabel)
            .map((label) => label[locale]);
          const listed = tools.length === 0 ? {} : { tools };
          const summary = formatStatus({ ...status, ...listed }, locale, timeZone);
          return { ok: true, data: { ...status, ...listed }, summary };
        },
      }),
    },
  };
}

function formatStatus(
  { backends, queue, schedules, tools = [] }: SystemStatus & { tools?: string[] },
  locale: Locale,
  timeZone: string,
): string {
  const lines = backends.map((backend) => formatBackend(backend, locale));
  if (backends.length === 0) {
    lines.push(locale === 'ko' ? '설정된 추론 서버가 없습니다.' : 'No model server is configured.');
  }
  lines.push(
    locale === 'ko'
      ? `내 작업 큐: 처리 중 ${queue.running}건, 대기 ${queue.waiting}건`
      : `My queue: ${queue.running} running, ${queue.waiting} waiting`,
  );
  if (schedules.active + schedules.paused > 0)
    lines.push(formatSchedules(schedules, locale, timeZone));
  if (tools.length > 0) lines.push(`${locale === 'ko' ? '도구' : 'Tools'}: ${tools.join(', ')}`);
  return lines.join('\n');
}

function formatSchedules(
  { active, paused, nextAt }: SystemStatus['schedules'],
  locale: Locale,
  timeZone: string,
): string {
  const isKo = locale === 'ko';
  const next = nextAt === null ? null : momentText(zones.toWallTime(nextAt, timeZone), locale);
  const resting = paused === 0 ? '' : isKo ? `, 멈춤 ${paused}건` : `, ${paused} paused`;
  const ahead = next === null ? '' : `, ${isKo ? '다음' : 'next'}: ${next} (${timeZone})`;
  return isKo ? `예약: ${active}건${resting}${ahead}` : `Schedules: ${active}${resting}${ahead}`;
}

function formatBackend(backend: BackendStatus, locale: Locale): string {
  const isKo = locale === 'ko';
  const name = oneLine(backend.id, 60);
  if (!backend.connected) {
    const reason = backend.reason ? ` (${oneLine(backend.reason, 80)})` : '';
    return `${name}: ${isKo ? '연결 안 됨' : 'not connected'}${reason}`;
  }
  const parts = [isKo ? '연결됨' : 'connected'];
  const load = reportedLoadTexts[locale][backend.load];
  if (load !== null) parts.push(load);
  if (backend.activeJobs !== null) {
    parts.push(isKo ? `작업 ${backend.activeJobs}건` : `${backend.activeJobs} active`);
  } else if (backend.latencyMs !== null) {
    const usual = backend.baselineMs === null ? '' : formatBaseline(backend.baselineMs, isKo);
    parts.push(`${isKo ? '응답' : 'latency'} ${Math.round(backend.latencyMs)}ms${usual}`);
  }
  return `${name}: ${parts.join(' · ')}`;
}

const formatBaseline = (baselineMs: number, isKo: boolean): string =>
  isKo ? ` (평소 ${Math.round(baselineMs)}ms)` : ` (usually ${Math.round(baselineMs)} ms)`;
