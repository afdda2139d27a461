/** A text with its entities as elements: each piece between two edges lies in the same entities. */
import type { VNode } from 'preact';
import { ui } from '#shared/page/ui';
import type { Entity } from '../entity-types.ts';

/** @param entities sorted, those that enclose others first */
export function formatted(text: string, entities: readonly Entity[]): (string | VNode)[] {
  const parts: (string | VNode)[] = [];
  let at = 0;
  for (const [index, entity] of entities.entries()) {
    if (entity.offset < at) continue;
    const end = entity.offset + entity.length;
    const inner = entities
      .slice(index + 1)
      .filter(({ offset, length }) => offset >= entity.offset && offset + length <= end)
      .map((one) => ({ ...one, offset: one.offset - entity.offset }));
    parts.push(text.slice(at, entity.offset));
    parts.push(marked(entity, text.slice(entity.offset, end), inner));
    at = end;
  }
  return [...parts, text.slice(at)].filter((part) => part !== '');
}

function marked(entity: Entity, text: string, inner: readonly Entity[]): VNode {
  const content = formatted(text, inner);
  switch (entity.type) {
    case 'bold':
      return ui`<b>${content}</b>`;
    case 'italic':
      return ui`<i>${content}</i>`;
    case 'underline':
      return ui`<u>${content}</u>`;
    case 'strikethrough':
      return ui`<s>${content}</s>`;
    case 'code':
      return ui`<code>${content}</code>`;
    case 'pre':
      return ui`<pre data-language=${entity.language ?? ''}>${content}</pre>`;
    case 'blockquote':
    case 'expandable_blockquote':
      return ui`<blockquote>${content}</blockquote>`;
    case 'spoiler':
      return ui`<span class="spoiler" tabindex="0">${content}</span>`;
    case 'text_link':
    case 'url': {
      const url = entity.url ?? text;
      // Only addresses of the web: another scheme stays text.
      if (!/^https?:\/\//i.test(url)) return ui`<span title=${url}>${content}</span>`;
      return ui`<a href=${url} target="_blank" rel="noopener noreferrer">${content}</a>`;
    }
    default:
      return ui`<span class="marked">${content}</span>`;
  }
}
