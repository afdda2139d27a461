import type { ToolDeclaration } from '../tool-declaration.ts';
import { memoryLabel, memoryOperations } from './memory-operations.ts';

export const memory: ToolDeclaration = {
  name: 'memory',
  label: memoryLabel,
  aliases: ['memories', 'facts'],
  operations: memoryOperations,
  configuration: {
    isSet: ({ memory: settings }) => settings?.chat === true,
    missing: {
      ko: '대화로 기억하는 기능이 꺼져 있으니, 설정 파일의 memory.chat을 true로 바꿔주세요.',
      en: 'The memory in chat is off: set memory.chat to true in the configuration file.',
    },
  },
  check: async ({ memory: settings }) => {
    const what = `facts told in chat, at most ${settings?.perUserMax ?? 0} of one person`;
    return [{ part: 'memory', ok: true, what }];
  },
  open: async (parts) => (await import('./memory-tool.ts')).openMemory(parts),
};
