/**
 * Code fences of markdown as models write them: indented within lists, with file titles after the language. Shared by
 * chat-markup.ts and split-post.ts, so that both see the same fences.
 */

/** An open fence. */
export interface Fence {
  /** The line that reopens the fence in the next post: with its language, without a long title. */
  line: string;
  marker: string;
}

/** A longer run of markers is a drawn line, or an attack. */
const fenceLine = /^[ \t]*(`{3,20}|~{3,20})([^`\r]*)\r?$/;
/** A language is far shorter; a longer rest is a title, which every post would repeat. */
const infoMax = 40;

/** `line` is without its line end. `after`: the fence that is open after it. Null: it neither opens nor closes one. */
export function parseFenceLine(line: string, open: Fence | null): { after: Fence | null } | null {
  const [, marker, info] = fenceLine.exec(line) ?? [];
  if (marker === undefined || info === undefined) return null;
  if (open === null) {
    const title = info.trim();
    return {
      after: { line: title.length > infoMax ? marker : `${marker}${info.trimEnd()}`, marker },
    };
  }
  const isBare = info.trim() === '';
  const closes = isBare && marker[0] === open.marker[0] && marker.length >= open.marker.length;
  return closes ? { after: null } : null;
}
