/**
 * The time of a search in many documents, and its recall compared with a full scan; then the same with semantic
 * search: whether planted answers in other words are found, and the cost of that.
 * `node bench/search.ts [documents] [sqlite|postgres]` (default 100,000 on SQLite; PostgreSQL is a private server). The texts are generated: Korean words with particles, some
 * English, 600 characters each. So are the vectors: they measure the search, not a model.
 */
import { createLibrary } from '#library/library';
import { exactQuery, parseQuery } from '#library/fulltext/fts-terms';
import { foldText } from '#library/fulltext/text-folding';
import { createIdSource } from '#shared/ids';
import { systemClock } from '#shared/clock';
import { openSearchStores } from './support/search-stores.ts';
import { measureMeaning } from './support/semantic-search.ts';

const count = Number(process.argv[2] ?? 100_000);
const runs = 60;

/** Seed of a generator that gives the same numbers every time. */
let state = 42;
const random = (below: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};
const syllables =
  '가나다라마바사아자차카타파하고노도로모보소오조초거너더러머버서어저처기니디리미비시이지치구누두루무부수우주추간난단란만반산안장강방상정경명성영';
const word = (): string =>
  Array.from({ length: 2 + random(3) }, () => syllables[random(syllables.length)]).join('');
const particles = ['', '을', '를', '이', '가', '은', '는', '의', '에', '에서', '으로'];
const vocabulary = Array.from({ length: 20_000 }, word);
const english = ['invoice', 'report', 'meeting', 'budget', 'contract', 'delivery', 'schedule'];
/** A few words are frequent and most are rare, as in every language. */
const commonWord = (): string =>
  vocabulary[Math.floor(vocabulary.length * (random(10_000) / 10_000) ** 3)] ?? '';

function textOf(n: number): string {
  const words: string[] = [];
  for (let length = 0; length < 600;) {
    const next = `${commonWord()}${particles[random(particles.length)]}`;
    words.push(next);
    length += next.length + 1;
  }
  if (n % 2 === 0) words.splice(3, 0, '회의록을');
  if (n % 100 === 0) words.splice(5, 0, '견적서는');
  if (n % 500 === 3) words.splice(9, 0, 'ISO-9001');
  if (n % 20_000 === 7) words.splice(9, 0, '산업안전보건법에서');
  if (n % 10 === 0) words.splice(7, 0, english[random(english.length)] ?? '');
  return words.join(' ');
}

const stores = await openSearchStores(process.argv[3] === 'postgres' ? 'postgres' : 'sqlite');
const storage = stores.documents;
const library = createLibrary({ storage, ids: createIdSource(), clock: systemClock });

const begin = performance.now();
const texts: { id: string; text: string }[] = [];
for (let n = 0; n < count;) {
  await library.commit(null, async (changes) => {
    for (const end = Math.min(n + 500, count); n < end; n += 1) {
      const text = textOf(n);
      const document = { title: `문서 ${n}`, text, origin: 'file' } as const;
      const { id } = await changes.add(library.newDocument('local', document));
      texts.push({ id, text: foldText(`문서 ${n}\n${text}`) });
    }
  });
}
const seconds = (performance.now() - begin) / 1000;
console.log(
  `${count} documents in ${seconds.toFixed(0)} s, ${((await stores.bytes()) / 1e6).toFixed(0)} MB`,
);

const queries: [string, string][] = [
  ['rare, inside a word', '안전보건'],
  ['rare, with a particle', '산업안전보건법을'],
  ['one in a hundred', '견적서'],
  ['one in a hundred, part', '적서'],
  ['half of all', '회의록'],
  ['two common words', '회의록 견적서'],
  ['English', 'invoice'],
  ['a name, as written', 'ISO-9001'],
  ['a name, otherwise', 'iso9001'],
  ['several English words', 'invoice report budget schedule'],
  ['one syllable', '견'],
  ['absent', '쀍쀍쀍'],
  ['absent, of known pairs', '견회적의'],
];
for (const [name, query] of queries) {
  const times: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const start = performance.now();
    await library.search('local', query, 10);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const p = (share: number): string => (times[Math.floor((runs - 1) * share)] ?? 0).toFixed(2);
  console.log(
    `${name.padEnd(24)} p50 ${p(0.5)} ms  p99 ${p(0.99)} ms  recall ${await recallOf(query)}`,
  );
}
await measureMeaning({ stores, library, vocabulary, random });
await stores.close();

/** The share of the hits of a full scan that the index finds too, for the words of the query as written. */
async function recallOf(query: string): Promise<string> {
  const words = foldText(query).split(' ');
  const truth = texts.filter(({ text }) => words.every((one) => text.includes(one)));
  const ranked = await storage.search('local', exactQuery(parseQuery(query)), count);
  const found = new Set(ranked.map((one) => one.id));
  const hit = truth.filter(({ id }) => found.has(id)).length;
  const share = truth.length === 0 ? 1 : hit / truth.length;
  return `${(share * 100).toFixed(1)} % of ${truth.length}, ${found.size - hit} besides`;
}
