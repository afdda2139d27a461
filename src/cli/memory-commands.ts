/** The commands of the memory. */
import { connect, type Commands } from './command.ts';

const memory = () => import('./memory.ts');

export const memoryCommands: Commands = {
  'memory list': {
    summary: 'list what people have asked to remember; with words: what fits them',
    takes: '[WORDS…]',
    options: ['user', 'limit', 'url', 'json'],
    run: async (words, values) => (await memory()).listFacts(await connect(values), words, values),
  },
  'memory add': {
    summary: 'remember a fact',
    takes: 'TEXT…',
    options: ['user', 'url', 'json'],
    run: async (words, values) => (await memory()).addFact(await connect(values), words, values),
  },
  'memory forget': {
    summary: 'forget facts, for good',
    takes: '[ID…]',
    options: ['all', 'user', 'url', 'json'],
    run: async (ids, values) => (await memory()).forgetFacts(await connect(values), ids, values),
  },
};
