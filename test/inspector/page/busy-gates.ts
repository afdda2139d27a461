/** Gates for the screenshots: one with a queue, one free, one whose server is down; and their last hour. */
import type { GateSample } from '#inspector/page-messages';

const words = { free: '여유', normal: '보통', busy: '바쁨' };

const backend = (id: string, load: keyof typeof words, more: Record<string, unknown>) => ({
  id,
  kind: 'mlx-lm',
  model: 'gemma-4-26b',
  roles: [] as string[],
  healthy: true,
  error_reason: null,
  load,
  load_word: { ko: words[load], en: load },
  ...more,
});

const gate = (more: Record<string, unknown>) => ({
  state: 'idle',
  circuit: 'closed',
  concurrency: 1,
  running: [],
  waiting: [],
  service_ms: {},
  counters: { grants: 41, preemptions: 2, overtakes: 3 },
  ...more,
});

/** The id of a job that is not in the journal: the screenshots show only that a card is a link. */
const jobOf = (user: string): string =>
  `01M8SVF000000000000000${user.toUpperCase()}`.padEnd(26, '0');

const waiter = (position: number, user: string, priority: string, kind: string) => ({
  kind,
  job_id: kind === 'draft' ? null : jobOf(user),
  priority,
  user,
  position,
  waited_ms: 14_000 - position * 3_000,
  eta_ms: position * 21_000,
});

export const busyGates = (): Record<string, unknown>[] => [
  backend('gemma-macmini', 'busy', {
    roles: ['reasoner', 'drafter'],
    gate: gate({
      state: 'running',
      running: [
        {
          kind: 'reason',
          priority: 'foreground',
          user: 'ann',
          job_id: jobOf('ann'),
          phase: 'running',
          held_ms: 8_400,
        },
      ],
      waiting: [
        waiter(1, 'bob', 'foreground', 'reason'),
        waiter(2, 'chul', 'foreground', 'reason'),
        waiter(3, 'drafts', 'background', 'draft'),
      ],
      service_ms: { reason: 21_400, draft: 48_000 },
    }),
  }),
  backend('exaone', 'free', {
    kind: 'ollama',
    model: 'exaone3.5:7.8b',
    roles: ['classifier'],
    gate: gate({ concurrency: 2, service_ms: { classify: 310, answer: 2_700 } }),
  }),
  backend('qwen-macbook', 'free', {
    kind: 'mlx-vlm',
    model: 'qwen3.6-27b',
    roles: ['react'],
    healthy: false,
    error_reason: 'connect_refused',
    gate: gate({ state: 'down', circuit: 'open' }),
  }),
];

/** The same curve each time, so that a screenshot changes only with the page. */
export function busyHour(): Record<string, GateSample[]> {
  const now = Date.now();
  const samples = (wave: (step: number) => [running: number, waiting: number], isUp = true) =>
    Array.from({ length: 240 }, (_, step): GateSample => {
      const [running, waiting] = wave(step);
      return { at: now - (239 - step) * 15_000, running, waiting, isUp };
    });
  return {
    'gemma-macmini': samples((step) => [
      Math.sin(step / 9) > -0.2 ? 1 : 0,
      Math.max(0, Math.round(3 * Math.sin(step / 26 - 1))),
    ]),
    exaone: samples((step) => [step % 11 === 0 ? 2 : step % 5 === 0 ? 1 : 0, 0]),
    'qwen-macbook': samples((step) => [step < 90 && step % 17 < 6 ? 1 : 0, 0], false).map(
      (sample, step) => ({ ...sample, isUp: step < 110 }),
    ),
  };
}
