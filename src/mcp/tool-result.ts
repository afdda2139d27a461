/**
 * The result of an MCP tool as text for a person and a prompt: bounded, without control characters, and without what
 * could pass for a part of the page around it. Images and resources are described, never included.
 */
import type { Locale } from '#machines/texts';
import { oneLine, truncate } from '#tools/sanitize-text';
import type { CallToolResult } from './mcp-connection.ts';
import { mcpTextsOf } from './mcp-texts.ts';

type ContentBlock = CallToolResult['content'][number];

const lineCharsMax = 2_000;
const nameCharsMax = 200;

/** Empty if there is no content at all. Structured content is shown only if there is no other. */
export function resultText(result: CallToolResult, charsMax: number, locale: Locale): string {
  const blocks = Array.isArray(result.content) ? result.content : [];
  const texts = blocks.map((block) => blockText(block, charsMax, locale));
  const shown = texts.filter((text) => text !== '');
  if (shown.length === 0 && result.structuredContent !== undefined) {
    shown.push(cleanLines(JSON.stringify(result.structuredContent), charsMax));
  }
  return truncate(shown.join('\n'), charsMax);
}

function blockText(block: ContentBlock, charsMax: number, locale: Locale): string {
  const texts = mcpTextsOf(locale);
  switch (block.type) {
    case 'text':
      return cleanLines(block.text, charsMax);
    case 'image':
    case 'audio':
      return texts.media(block.type, name(block.mimeType), byteSize(block.data));
    case 'resource_link':
      return texts.link(name(block.title ?? block.name), name(block.uri));
    case 'resource': {
      const { resource } = block;
      const uri = name(resource.uri);
      if ('text' in resource) {
        return `${texts.resource(uri)}\n${cleanLines(resource.text, charsMax)}`;
      }
      return texts.media('resource', `${uri} ${name(resource.mimeType)}`, byteSize(resource.blob));
    }
    default:
      return texts.unknownContent;
  }
}

const name = (text: string | undefined): string => oneLine(text ?? '', nameCharsMax);

/** Of base64. */
const byteSize = (data: string): number => Math.floor((data.length * 3) / 4);

/** Line by line, at most two blank lines in a row. Bounds the work for a huge text. */
const cleanLines = (text: string, charsMax: number): string =>
  text
    .slice(0, charsMax * 2)
    .split(/\r\n|[\n\r\u0085\u2028\u2029]/)
    .map((line) => oneLine(line, lineCharsMax))
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
