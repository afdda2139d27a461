/** Shared by the tables of unusual response formats: fake-llm-*-shapes.ts. */
import type { ErrorReason } from '#shared/model/model';
import { chunk, frame, type RawOptions } from './fake-llm-replies.ts';

export type ShapeOutcome =
  | { text: string; finish?: string; calls?: [name: string, args: unknown][] }
  | { errorReason: ErrorReason };

export interface Shape {
  name: string;
  bytes: string;
  options?: RawOptions;
  outcome: ShapeOutcome;
}

export const done = 'data: [DONE]\n\n';
export const stop = frame(chunk({}, 'stop'));
export const say = (content: string): string => frame(chunk({ content }));
export const hello: ShapeOutcome = { text: '안녕하세요 👋🏽', finish: 'stop' };
export const helloFrames = say('안녕') + say('하세요 ') + say('👋🏽');
export const completion = (message: object, finish: string): string =>
  JSON.stringify({
    object: 'chat.completion',
    choices: [{ index: 0, message, finish_reason: finish }],
  });
