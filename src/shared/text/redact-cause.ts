/** A server's error message in a form that users may see: its first line, bounded, without secrets. */

const charsMax = 240;

const secrets: readonly (readonly [RegExp, string])[] = [
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1…@'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, '$1 …'],
  [
    /((?:api[-_ ]?key|access[-_ ]?key|key|token|secret|password|passwd|authorization|sig|signature)["']?(?: provided)?\s*[=:]\s*["']?)[^\s"'&,;})]+/gi,
    '$1…',
  ],
  [/\b(?:sk|pk|hf|gh[opsu]|xox[abp]|nvapi|gsk|AIza)[-_]?[\w-]{8,}/g, '…'],
  [/\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/g, '…'],
];

/** `<backend>: HTTP 500: <the server's message>`; at most 240 characters. Pure. */
export function redactCause(backend: string, message: string): string {
  const [line = ''] = message.trimStart().split(/[\r\n]/, 1);
  let shown = line.slice(0, 4 * charsMax);
  for (const [pattern, instead] of secrets) shown = shown.replace(pattern, instead);
  const text = `${backend}: ${shown.trim()}`;
  return text.length > charsMax ? `${text.slice(0, charsMax - 1)}…` : text;
}
