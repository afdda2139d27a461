/** QR codes of short texts, for a terminal and for a page. */
import { renderANSI, renderSVG } from 'uqr';

/** Scanners need four modules of white around the code. */
const border = 4;

/** An SVG without a script, a style or a reference. */
export const qrSvg = (text: string): string => renderSVG(text, { border, pixelSize: 4 });

/** For a terminal of any colours: black on white. */
export const qrAnsi = (text: string): string => renderANSI(text, { border: 2 });
