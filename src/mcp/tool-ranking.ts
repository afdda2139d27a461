/**
 * Ranks tools for a message by full text (BM25) over name, description, names of parameters and configured words, with
 * the tokens of the document index.
 */
import { stemEnglish } from '#library/fulltext/english-stem';
import { parseQuery, searchTermsOf, stemOf, tokenizeForIndex } from '#library/fulltext/fts-terms';
import { foldText } from '#library/fulltext/text-folding';
import { meaningsOf } from './tool-words.ts';

export interface RankedTool {
  server: string;
  name: string;
  description: string;
  parameters: readonly string[];
  /** Configured words, in any language. */
  words: readonly string[];
}

interface IndexedTool {
  server: string;
  weights: ReadonlyMap<string, number>;
  length: number;
}

const fieldWeights = { name: 4, words: 6, server: 2, parameters: 1, description: 1 };
/** Weight of a word that only means the same as a word of the question. */
const meaningWeight = 0.5;
/**
 * What the best tool of a server adds to the others of it: a question whose verb is not understood is still about its
 * subject. Only for servers whose best tool is nearly the best of all.
 */
const serverShare = 0.15;
const leadingShare = 0.8;
/** The usual constants of BM25. */
const saturation = 1.2;
const lengthShare = 0.5;
/** Characters of a description that are indexed: more is not about what the tool does. */
const descriptionChars = 600;

export interface ToolRanking<Item> {
  /** Best first; only tools that have a word of the message. */
  rank(message: string): Item[];
}

export function createToolRanking<Item>(
  items: readonly Item[],
  fieldsOf: (item: Item) => RankedTool,
): ToolRanking<Item> {
  const indexed = items.map((item) => indexTool(fieldsOf(item)));
  const meanLength = indexed.reduce((sum, { length }) => sum + length, 0) / (indexed.length || 1);
  const rarity = new Map<string, number>();
  for (const { weights } of indexed) {
    for (const token of weights.keys()) rarity.set(token, (rarity.get(token) ?? 0) + 1);
  }
  const idf = (token: string): number => {
    const count = rarity.get(token) ?? 0;
    return Math.log(1 + (indexed.length - count + 0.5) / (count + 0.5));
  };
  const scoreOf = ({ weights, length }: IndexedTool, query: ReadonlyMap<string, number>) => {
    const norm = saturation * (1 - lengthShare + (lengthShare * length) / meanLength);
    let score = 0;
    for (const [token, weight] of query) {
      const found = weights.get(token) ?? 0;
      if (found > 0) score += weight * idf(token) * ((found * (saturation + 1)) / (found + norm));
    }
    return score;
  };
  return {
    rank(message) {
      const query = queryTokens(message, [...rarity.keys()]);
      const own = indexed.map((tool) => scoreOf(tool, query));
      const bests = new Map<string, number>();
      indexed.forEach(({ server }, index) =>
        bests.set(server, Math.max(bests.get(server) ?? 0, own[index]!)),
      );
      const leading = leadingShare * Math.max(0, ...bests.values());
      return indexed
        .map(({ server }, index) => {
          const best = bests.get(server)!;
          const shared = best >= leading ? serverShare * best : 0;
          return { item: items[index]!, score: own[index]! + shared, index };
        })
        .filter(({ score }) => score > 0)
        .sort((a, b) => b.score - a.score || a.index - b.index)
        .map(({ item }) => item);
    },
  };
}

function indexTool(tool: RankedTool): IndexedTool {
  const weights = new Map<string, number>();
  let length = 0;
  const add = (text: string, weight: number): void => {
    for (const token of wordsOf(text)) {
      weights.set(token, (weights.get(token) ?? 0) + weight);
      length += weight;
    }
  };
  add(tool.name, fieldWeights.name);
  add(tool.words.join(' '), fieldWeights.words);
  add(tool.server, fieldWeights.server);
  add(tool.parameters.join(' '), fieldWeights.parameters);
  add(tool.description.slice(0, descriptionChars), fieldWeights.description);
  return { server: tool.server, weights, length };
}

/** Each token of the message with its weight. */
function queryTokens(message: string, vocabulary: readonly string[]): Map<string, number> {
  const query = new Map<string, number>();
  const { runs } = parseQuery(message);
  const stems = runs.map((run) => stemOf(run));
  const words = [...new Set([...runs.map(({ text }) => text), ...stems])];
  const meanings = meaningsOf(message, words);
  for (const meaning of meanings) query.set(stemEnglish(meaning), meaningWeight);
  for (const token of searchTermsOf({ runs })) {
    if (stopWords.has(token)) continue;
    const word = stemEnglish(token);
    // humid and humidity, print and printer.
    for (const other of vocabulary) {
      if (isRelated(word, other)) query.set(other, Math.max(query.get(other) ?? 0, meaningWeight));
    }
    query.set(word, 1);
  }
  return query;
}

const relatedLetters = 4;

/** One is the beginning of the other. */
const isRelated = (a: string, b: string): boolean =>
  /^[a-z]+$/.test(a) &&
  Math.min(a.length, b.length) >= relatedLetters &&
  a !== b &&
  (a.startsWith(b) || b.startsWith(a));

/** The tokens of a text of a tool: `listDirectory` and `list_directory` are two words. */
const wordsOf = (text: string): string[] =>
  tokenizeForIndex(foldText(text.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/[_./-]+/g, ' ')))
    .split(' ')
    .filter((token) => token !== '' && !stopWords.has(token))
    .map(stemEnglish);

/** Words of English that say nothing about a tool. */
const stopWords = new Set(
  `a an and any are as at be by can could do does for from give has have how i if in into is it its let me my of on
   or our out please should that the their them then there these this to us use used using was we when will with would you your`.split(
    /\s+/,
  ),
);
