/**
 * Scores how well bytes match an encoding. Used for mail without a charset label, or with a wrong label.
 *
 * Each encoding scores its characters: common characters (the syllables of KS X 1001, kana, the first level of
 * hanzi) count 1, rare characters around 0, impossible characters -3. The result is the mean.
 */

/** The order decides ties: Korean first, like most users. */
export const candidateEncodings = [
  'cp949',
  'gb18030',
  'euc-jp',
  'shift_jis',
  'big5',
  'windows-1252',
] as const;
export type CandidateEncoding = (typeof candidateEncodings)[number];

const bytesMax = 4096;

const impossible = -3;

/** Mean score of the non-ASCII characters, from -3 to 1; 0 if there are none. */
export function encodingScore(bytes: Buffer, encoding: CandidateEncoding): number {
  const sample = bytes.subarray(0, bytesMax);
  return encoding === 'windows-1252' ? westernMean(sample) : pairMean(sample, pairRules[encoding]);
}

interface PairRules {
  /** The score of a byte that is a character by itself; null if it begins a pair. */
  single(byte: number): number | null;
  pair(lead: number, trail: number): number;
}

function pairMean(bytes: Buffer, rules: PairRules): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < bytes.length; i += 1) {
    const lead = bytes[i] ?? 0;
    if (lead < 0x80) continue;
    const alone = rules.single(lead);
    const trail = bytes[i + 1];
    // The text may be truncated between two bytes.
    if (alone === null && trail === undefined) break;
    const score = alone ?? rules.pair(lead, trail ?? 0);
    if (alone === null && score > impossible) i += 1;
    sum += score;
    count += 1;
  }
  return count === 0 ? 0 : sum / count;
}

const within = (byte: number, from: number, to: number): boolean => byte >= from && byte <= to;
const isHigh = (byte: number): boolean => within(byte, 0xa1, 0xfe);
const none = (): null => null;

function koreanPair(lead: number, trail: number): number {
  if (!within(lead, 0x81, 0xfd)) return impossible;
  if (isHigh(lead) && isHigh(trail)) {
    if (within(lead, 0xb0, 0xc8)) return 1;
    if (within(lead, 0xa1, 0xa3)) return 0.3;
    if (within(lead, 0xa4, 0xac)) return 0;
    return within(lead, 0xca, 0xfd) ? -0.3 : impossible;
  }
  const isTrail =
    within(trail, 0x41, 0x5a) || within(trail, 0x61, 0x7a) || within(trail, 0x81, 0xfe);
  return isTrail && lead <= 0xc6 ? -0.3 : impossible;
}

function simplifiedPair(lead: number, trail: number): number {
  if (!within(lead, 0x81, 0xfe)) return impossible;
  if (within(trail, 0x30, 0x39)) return -0.5;
  if (isHigh(lead) && isHigh(trail)) {
    if (within(lead, 0xb0, 0xd7)) return 0.95;
    if (within(lead, 0xd8, 0xf7)) return 0.2;
    if (within(lead, 0xa1, 0xa3)) return 0.4;
    return within(lead, 0xa4, 0xa9) ? 0 : -0.5;
  }
  return within(trail, 0x40, 0xfe) && trail !== 0x7f ? -0.3 : impossible;
}

function eucJapanesePair(lead: number, trail: number): number {
  if (lead === 0x8e) return within(trail, 0xa1, 0xdf) ? 0 : impossible;
  if (!isHigh(lead) || !isHigh(trail)) return impossible;
  if (within(lead, 0xa4, 0xa5)) return 1;
  if (within(lead, 0xa1, 0xa3)) return 0.3;
  if (within(lead, 0xb0, 0xcf)) return 0.7;
  return within(lead, 0xd0, 0xf4) ? 0.2 : impossible;
}

function shiftJisPair(lead: number, trail: number): number {
  if (!within(trail, 0x40, 0xfc) || trail === 0x7f) return impossible;
  if (lead === 0x81) return 0.3;
  if (lead === 0x82) return within(trail, 0x9f, 0xf1) ? 1 : 0.3;
  if (lead === 0x83) return within(trail, 0x40, 0x96) ? 1 : 0.3;
  if (within(lead, 0x88, 0x97)) return 0.7;
  if (within(lead, 0x98, 0x9f)) return 0.2;
  return within(lead, 0xe0, 0xea) ? 0.1 : -1;
}

function traditionalPair(lead: number, trail: number): number {
  if (!within(trail, 0x40, 0x7e) && !isHigh(trail)) return impossible;
  if (within(lead, 0xa4, 0xc6)) return 0.9;
  if (within(lead, 0xa1, 0xa2)) return 0.3;
  if (lead === 0xa3) return 0;
  return within(lead, 0xc9, 0xf9) ? 0.2 : impossible;
}

const pairRules: Readonly<Record<Exclude<CandidateEncoding, 'windows-1252'>, PairRules>> = {
  cp949: { single: none, pair: koreanPair },
  gb18030: { single: none, pair: simplifiedPair },
  'euc-jp': { single: none, pair: eucJapanesePair },
  // Half-width katakana, which are rare in real text.
  shift_jis: { single: (byte) => (within(byte, 0xa0, 0xdf) ? -0.6 : null), pair: shiftJisPair },
  big5: { single: none, pair: traditionalPair },
};

/** In Western text a letter with an accent usually stands alone between ASCII letters. */
function westernMean(bytes: Buffer): number {
  let [sum, count, run] = [0, 0, 0];
  const endRun = (): void => {
    sum += run * (run === 1 ? 0.8 : run === 2 ? 0.2 : -1);
    count += run;
    run = 0;
  };
  for (const byte of bytes) {
    if (byte >= 0x80) run += 1;
    else endRun();
  }
  endRun();
  return count === 0 ? 0 : sum / count;
}
