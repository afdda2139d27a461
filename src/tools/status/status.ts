/** The declaration of the tool `system`. The classifier has an action of its own for it, `system_status`. */
import type { ToolDeclaration } from '../tool-declaration.ts';
import { createStatusTool, statusLabel, statusOperations } from './status-tool.ts';

export const status: ToolDeclaration = {
  name: 'system',
  label: statusLabel,
  operations: statusOperations,
  open: (parts) => Promise.resolve(createStatusTool(parts.status, parts.labels)),
};
