/** The commands for memos, documents, drafts and the calendar. */
import { type Command, type Commands, connect } from './command.ts';
import type { OptionName } from './options.ts';

const memos = () => import('./memos.ts');
const documents = () => import('./documents.ts');
const files = () => import('./import.ts');
const calendar = () => import('./calendar.ts');

const ofPerson: readonly OptionName[] = ['user', 'url', 'json'];

const draftCommand = (verb: string | null, summary: string, takes?: string): Command => ({
  summary,
  ...(takes === undefined ? {} : { takes }),
  options: ofPerson,
  async run(words, values) {
    const { drafts } = await import('./drafts.ts');
    const options = { userId: values.user, json: values.json };
    return drafts(await connect(values), verb === null ? [] : [verb, ...words], options);
  },
});

export const documentCommands: Commands = {
  memo: {
    summary: 'keep a note; without words it is read from standard input',
    takes: '[TEXT…]',
    options: ['title', ...ofPerson],
    run: async (words, values) => (await memos()).writeMemo(await connect(values), words, values),
  },
  'memos list': {
    summary: 'list memos, newest first',
    options: ['limit', ...ofPerson],
    run: async (_words, values) => (await memos()).listMemos(await connect(values), values),
  },
  'memos promote': {
    summary: 'have a memo drafted as a document',
    takes: 'ID',
    options: ofPerson,
    run: async ([id = ''], values) =>
      (await memos()).promoteMemo(await connect(values), id, values),
  },

  'documents list': {
    summary: 'list documents, newest first',
    options: ['limit', ...ofPerson],
    run: async (_words, values) => (await documents()).listDocuments(await connect(values), values),
  },
  'documents show': {
    summary: 'print the text of a document',
    takes: 'ID',
    options: ofPerson,
    run: async ([id = ''], values) =>
      (await documents()).showDocument(await connect(values), id, values),
  },
  'documents rm': {
    summary: 'remove documents or memos',
    takes: 'ID…',
    options: ofPerson,
    run: async (ids, values) =>
      (await documents()).removeDocument(await connect(values), ids, values),
  },
  import: {
    summary: 'bring text and markdown files in as documents',
    takes: 'PATH…',
    options: ofPerson,
    run: async (paths, values) =>
      (await files()).importPaths(await connect(values), paths, values.user, values.json),
  },

  'drafts list': draftCommand(null, 'what waits for a decision, is drafted, waits, was given up'),
  'drafts show': draftCommand('show', 'both texts: the memo and what was made of it', 'ID'),
  'drafts accept': draftCommand('accept', 'take a draft as the document', 'ID'),
  'drafts reject': draftCommand('reject', 'throw a draft away', 'ID'),
  'drafts retry': draftCommand('retry', 'draft one next that was given up', 'ID'),
  'drafts pause': draftCommand('pause', 'draft nothing more'),
  'drafts resume': draftCommand('resume', 'go on drafting'),
  'drafts watch': draftCommand('watch', 'print what changes, until Ctrl-C'),

  'calendar import': {
    summary: 'bring a calendar file (.ics) in',
    takes: 'FILE',
    options: ofPerson,
    run: async ([file = ''], values) =>
      (await calendar()).importCalendar(await connect(values), file, values.user, values.json),
  },
  'calendar export': {
    summary: 'print the calendar as a calendar file',
    options: ['user', 'url'],
    run: async (_words, values) =>
      (await calendar()).exportCalendar(await connect(values), values.user),
  },
  'calendar occurrences': {
    summary: 'what a calendar file means in some days; needs no core',
    takes: 'FILE',
    options: ['from', 'to', 'zone', 'json'],
    notes: 'from --from DATE up to, not including, --to DATE',
    async run([file = ''], values) {
      const { listFileOccurrences } = await import('./calendar-occurrences.ts');
      return listFileOccurrences(file, values);
    },
  },
};
