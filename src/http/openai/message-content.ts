/**
 * The content of a message: text, or a list of parts with texts and pictures, in the forms that clients send. The one
 * reader for all doors of this shape: a door with another form of its own (Ollama's `images`, `input_image` of Responses)
 * makes parts `{type: 'image_url', image_url: {url}}` of it, lets `completionRequest` and `parseCompletionCall` read the
 * request, and gives the call to `answerCall`, which checks limits and whether the model takes pictures.
 */
import type { MessagePart } from '#shared/model/model';
import { dataUrlOf, pictureOf } from '#shared/pictures/picture-source';
import type { Picture } from '#shared/pictures/picture';
import { fieldError } from './openai-fields.ts';

/** The pictures of one message, for the checks that need the configuration. */
export interface PlacedPictures {
  /** Path of the message's content, as `messages.0.content`. */
  where: string;
  pictures: Picture[];
}

export interface MessageContent {
  /** All texts. */
  text: string;
  /** Null: there is no picture. */
  parts: MessagePart[] | null;
  pictures: Picture[];
}

/**
 * @param where path of the content, named in errors
 * @throws GH_REQUEST_INVALID, GH_PICTURE_REFUSED with the path of the part
 */
export function parseContent(content: unknown, where: string): MessageContent {
  if (typeof content === 'string') return { text: content, parts: null, pictures: [] };
  if (!Array.isArray(content)) throw fieldError(where, 'expected text, or a list of parts');
  const pictures: Picture[] = [];
  const parts = content.map((part: unknown, index): MessagePart => {
    const place = `${where}.${index}`;
    const text = partText(part);
    if (text !== null) return { type: 'text', text };
    const { url, detail } = pictureField(part, place);
    const picture = pictureOf(url, place);
    pictures.push(picture);
    const image = { url: dataUrlOf(picture), ...(detail === undefined ? {} : { detail }) };
    return { type: 'image_url', image_url: image };
  });
  const text = parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
  return { text, parts: pictures.length === 0 ? null : parts, pictures };
}

/**
 * Text, or parts that are all text.
 * @throws GH_REQUEST_INVALID with the path of the part
 */
export function parseTextContent(content: unknown, where: string): string {
  const hasPicture = (part: unknown): boolean => partText(part) === null;
  const first = Array.isArray(content) ? content.findIndex(hasPicture) : -1;
  if (first >= 0) throw fieldError(`${where}.${first}`, 'a message of this role is text only');
  return parseContent(content, where).text;
}

const textParts: ReadonlySet<unknown> = new Set([undefined, 'text', 'input_text', 'output_text']);

function partText(part: unknown): string | null {
  if (typeof part === 'string') return part;
  if (typeof part !== 'object' || part === null) return null;
  const { type, text, refusal } = part as Record<string, unknown>;
  if (textParts.has(type) && typeof text === 'string') return text;
  return type === 'refusal' && typeof refusal === 'string' ? refusal : null;
}

/** OpenAI's two forms, and the older one with the URL itself as `image_url`. */
function pictureField(part: unknown, where: string): { url: string; detail?: string } {
  const { type, image_url: image, detail } = (part ?? {}) as Record<string, unknown>;
  if (type !== 'image_url' && type !== 'input_image') {
    throw fieldError(where, 'only text and pictures are passed on to a model');
  }
  const inner = typeof image === 'object' && image !== null ? image : { url: image, detail };
  const { url, detail: wanted } = inner as Record<string, unknown>;
  if (typeof url !== 'string') throw fieldError(where, 'the picture has no data URL');
  return typeof wanted === 'string' ? { url, detail: wanted } : { url };
}

/** Distinguishes the first message of one chat from that of another: its text and all other content. */
export function fingerprintOf(content: unknown): string {
  if (content === undefined || content === null) return '';
  try {
    return parseTextContent(content, '');
  } catch {
    return JSON.stringify(content);
  }
}
