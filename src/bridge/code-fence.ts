/**
 * Fences of code in markdown, as models write them: indented within lists, with titles of files behind the language.
 * What decides how a text is shown and what decides where it is cut must see the same ones.
 */

/** The fence that is open. */
export interface Fence {
  /** The line that opens it again: with its language, without a long title. */
  line: string;
  marker: string;
}

/** A longer run of marks is a line that is drawn, or made to do harm. */
const fenceLine = /^[ \t]*(`{3,20}|~{3,20})([^`\r]*)\r?$/;
/** A language is far shorter; the rest of such a line is a title, which each post would repeat. */
const infoMax = 40;

/** Whether this line (without its end) opens or closes code where `open` is open before it; null: neither. */
export function fenceOf(line: string, open: Fence | null): { after: Fence | null } | null {
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
