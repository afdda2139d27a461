/** The request of the agent protocol: plain text, or a JSON object with a prompt and files. */
import { z } from 'zod';
import { GatehouseError } from '#shared/errors';
import { parseInput } from '#shared/parse-input';
import { decodeText } from '#shared/text/decode-text';
import { removeNul } from '#shared/text/remove-nul';
import { parseJson } from '../service/micro-service.ts';

export interface AgentRequest {
  prompt: string;
  attachment?: { name: string; text: string };
}

/** Unknown fields are ignored. */
const envelope = z.object({
  prompt: z.string(),
  attachments: z.array(z.object({ filename: z.string(), content: z.string() })).nullish(),
});

/**
 * Space before the first character is skipped; `{` means JSON.
 * @throws GH_REQUEST_EMPTY, GH_REQUEST_NOT_JSON, GH_REQUEST_INVALID
 */
export function parseAgentRequest(data: Uint8Array): AgentRequest {
  if (firstByteOf(data) !== 0x7b) return { prompt: requirePrompt(decodePlain(data)) };
  const { prompt, attachments } = parseInput(envelope, parseJson(data));
  const [file, surplus] = attachments ?? [];
  if (surplus !== undefined) {
    throw new GatehouseError(
      'GH_REQUEST_INVALID',
      `attachments: one file per prompt; ${quoted(surplus.filename)} is one too many`,
    );
  }
  return {
    prompt: requirePrompt(prompt),
    ...(file === undefined ? {} : { attachment: textFileOf(file) }),
  };
}

function firstByteOf(data: Uint8Array): number | undefined {
  return data.find((byte) => ![0x09, 0x0a, 0x0d, 0x20].includes(byte));
}

function requirePrompt(prompt: string): string {
  if (prompt.trim() === '') throw new GatehouseError('GH_REQUEST_EMPTY', 'The prompt is empty');
  return prompt;
}

function decodePlain(data: Uint8Array): string {
  try {
    return removeNul(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch (cause) {
    throw new GatehouseError('GH_REQUEST_INVALID', 'The prompt is not UTF-8 text', { cause });
  }
}

function textFileOf({ filename, content }: { filename: string; content: string }) {
  const refuse = (why: string): never => {
    throw new GatehouseError('GH_REQUEST_INVALID', `attachment ${quoted(filename)}: ${why}`);
  };
  // eslint-disable-next-line no-control-regex -- a name must be one line of printable text
  if (/[/\\\u0000-\u001f\u007f]/.test(filename) || ['', '.', '..'].includes(filename.trim())) {
    refuse('the name must be that of a file, without folders');
  }
  if (filename.length > 200) refuse('the name is longer than 200 characters');
  const isBase64 = /^[A-Za-z0-9+/]*={0,2}$/.test(content) && content.length % 4 === 0;
  if (!isBase64) refuse('the content is not standard base64 with padding');
  const text = decodeText(Buffer.from(content, 'base64')) ?? refuse('only text files are taken');
  if (text.trim() === '') refuse('the file is empty');
  if (text.length > 60_000) refuse('the text is longer than 60000 characters');
  return { name: filename, text };
}

const quoted = (name: string): string => JSON.stringify(name.slice(0, 80));
