/** The name of a device from its user agent, for people who look at their sessions: `Safari, iPhone`. */

/** The first that matches: the later ones stand in the user agents of the earlier ones too. */
const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bWhale\//, 'Whale'],
  [/\bKAKAOTALK\b/, 'KakaoTalk'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:HeadlessChrome|Chrome|CriOS)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];

const systems: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMacintosh\b/, 'Mac'],
  [/\bLinux\b/, 'Linux'],
];

const nameMax = 60;

export function deviceNameOf(userAgent: string): string {
  const nameIn = (names: typeof browsers): string[] =>
    names
      .filter(([form]) => form.test(userAgent))
      .slice(0, 1)
      .map(([, name]) => name);
  const known = [...nameIn(browsers), ...nameIn(systems)].join(', ');
  if (known !== '') return known;
  // A program names itself: `curl/8.0`. Nothing but visible ASCII reaches a terminal or a page.
  const first = userAgent
    .replace(/[^\x21-\x7e ]/g, '')
    .trim()
    .split(' ')[0]!;
  return first === '' ? 'unknown' : first.slice(0, nameMax);
}
