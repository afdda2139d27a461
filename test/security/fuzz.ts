/**
 * Shared by the fuzz tests. The seed is fixed, so that a failing run is reproducible; `FUZZ_SEED` and `FUZZ_RUNS` set
 * another seed and more runs. A failure prints its seed and the smallest failing input.
 */
import fc from 'fast-check';

const { FUZZ_SEED, FUZZ_RUNS } = process.env;

/** The given number of runs, or its share of `FUZZ_RUNS`. */
export const runs = (usual: number): fc.Parameters<unknown> => ({
  seed: Number(FUZZ_SEED ?? 20_261_122),
  numRuns: Number(FUZZ_RUNS ?? usual),
  endOnFailure: true,
});

/**
 * Texts that are difficult for parsers: all of Unicode, lone surrogates, controls, marks, reserved words of Gatehouse.
 */
export const wildText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 60 }) },
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '\ud800',
    '\ufeff',
    '\u202e확인',
    '__proto__',
    'constructor',
    '확인',
    '취소',
    'yes',
    '내일 3시 회의 잡아줘',
    '99999999999999999999년 13월 45일 일정',
    '../../etc/passwd',
    "'; DROP TABLE job; --",
    '" OR NEAR(a b, 1) *',
    '${jndi:ldap://x}',
    '<script>alert(1)</script>',
    '%00%ff%2e%2e',
    'a'.repeat(9_000),
    '가'.repeat(3_000),
    '👩‍👩‍👧‍👦'.repeat(50),
    '\n'.repeat(500),
    '일정 '.repeat(400),
    '3월 4일 '.repeat(200),
    '1'.repeat(500),
    '('.repeat(500),
  ),
);

const wildValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: wildText },
  fc.jsonValue({ maxDepth: 3 }),
  fc.double(),
  fc.constantFrom(null, true, -1, 0, 1e308, 2 ** 53, [], {}, [[[[]]]]),
);

/** A nearly valid body: the expected fields, each with a valid or with any value. */
export const nearly = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> =>
  fc
    .tuple(
      fc.record(
        Object.fromEntries(
          Object.entries(fields).map(([name, right]) => [
            name,
            fc.oneof({ weight: 3, arbitrary: right }, wildValue),
          ]),
        ),
        { requiredKeys: [] },
      ),
      fc.dictionary(fc.oneof(wildText, fc.constantFrom('__proto__', 'user_id')), wildValue, {
        maxKeys: 2,
        noNullPrototype: true,
      }),
    )
    .map(([known, more]) => ({ ...more, ...known }));

/** The bytes of a body: nearly valid, any JSON, or any bytes. */
export const wildBody = (
  fields: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<Uint8Array<ArrayBuffer>> =>
  fc.oneof(
    { weight: 5, arbitrary: nearly(fields).map((body) => bytesOf(JSON.stringify(body))) },
    fc.json({ maxDepth: 4 }).map(bytesOf),
    wildText.map(bytesOf),
    fc.uint8Array({ maxLength: 100 }),
    // Cut at any place, as by a broken connection.
    fc
      .tuple(nearly(fields), fc.nat(200))
      .map(([body, length]) => bytesOf(JSON.stringify(body)).slice(0, length)),
  );

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
