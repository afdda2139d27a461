/** Every tool of the MCP door. None of them confirms a draft: a model must not say yes for a person. */
import { addMemoTool, askTool, getDocumentTool, searchTool } from './document-tools.ts';
import type { DoorTool } from './door-tool.ts';
import { cancelJobTool, chatTool, getJobTool, listJobsTool } from './job-tools.ts';

export const doorTools: readonly DoorTool[] = [
  chatTool,
  askTool,
  searchTool,
  getDocumentTool,
  addMemoTool,
  listJobsTool,
  getJobTool,
  cancelJobTool,
];
