/** Pictures in requests to model servers. */
import type { Backend, ModelRequest } from './model.ts';

/** Types of the pictures in a request, each once. */
export function pictureTypesIn({ messages }: Pick<ModelRequest, 'messages'>): string[] {
  const urls = messages.flatMap(({ parts = [] }) =>
    parts.flatMap((part) => (part.type === 'image_url' ? [part.image_url.url] : [])),
  );
  return [...new Set(urls.map((url) => url.slice('data:'.length, url.indexOf(';'))))];
}

export const hasPictures = (request: Pick<ModelRequest, 'messages'>): boolean =>
  pictureTypesIn(request).length > 0;

/** Why a backend cannot take pictures of these types; null: it can. */
export function pictureRefusalOf(
  { id, pictureTypes }: Pick<Backend, 'id' | 'pictureTypes'>,
  types: readonly string[],
): string | null {
  const known: readonly string[] = pictureTypes;
  if (types.length === 0) return null;
  if (known.length === 0) return `the model ${id} takes no pictures`;
  const unknown = types.filter((type) => !known.includes(type));
  if (unknown.length === 0) return null;
  const takes = known.map(shortName).join(', ');
  return `the server of ${id} cannot decode ${unknown.map(shortName).join(', ')}; it takes ${takes}`;
}

const shortName = (type: string): string => type.replace('image/', '').toUpperCase();
