/** Values as indented JSON. */
import { ui } from '#shared/page/ui';

/** Characters that change the direction of a line, and invisible line breaks. */
const unseenMarks = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const escaped = (mark: string): string => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`;

function jsonText(value: unknown): string {
  try {
    return (JSON.stringify(value, null, 2) ?? '').replace(unseenMarks, escaped);
  } catch {
    return 'Nested too deep to be shown.';
  }
}

/** Long texts are wrapped by CSS, not cut. */
export const json = (value: unknown) => ui`<pre class="json">${jsonText(value)}</pre>`;

/** JSON in a closed `details` element. @param label unique in its panel */
export const jsonOnDemand = (label: string, value: unknown) =>
  ui`<details class="on-demand" key=${label}><summary>${label}</summary>${json(value)}</details>`;
