/** The commands for memos, documents, drafts and the calendar. */
import { exportCalendar, importCalendar } from './calendar.ts';
import { clientFor } from './client-for.ts';
import type { Command, Commands } from './command.ts';
import { listDocuments, removeDocument, showDocument } from './documents.ts';
import { drafts } from './drafts.ts';
import { importPaths } from './import.ts';
import { listMemos, promoteMemo, writeMemo } from './memos.ts';
import type { OptionName } from './options.ts';

const ofPerson: readonly OptionName[] = ['user', 'url', 'json'];

const draftCommand = (verb: string | null, summary: string, takes?: string): Command => ({
  summary,
  ...(takes === undefined ? {} : { takes }),
  options: ofPerson,
  run: (words, values) =>
    drafts(clientFor(values), verb === null ? [] : [verb, ...words], {
      userId: values.user,
      json: values.json,
    }),
});

export const documentCommands: Commands = {
  memo: {
    summary: 'keep a note; without words it is read from standard input',
    takes: '[TEXT…]',
    options: ['title', ...ofPerson],
    run: (words, values) => writeMemo(clientFor(values), words, values),
  },
  'memos list': {
    summary: 'list memos, newest first',
    options: ['limit', ...ofPerson],
    run: (_words, values) => listMemos(clientFor(values), values),
  },
  'memos promote': {
    summary: 'have a memo drafted as a document',
    takes: 'ID',
    options: ofPerson,
    run: ([id = ''], values) => promoteMemo(clientFor(values), id, values),
  },

  'documents list': {
    summary: 'list documents, newest first',
    options: ['limit', ...ofPerson],
    run: (_words, values) => listDocuments(clientFor(values), values),
  },
  'documents show': {
    summary: 'print the text of a document',
    takes: 'ID',
    options: ofPerson,
    run: ([id = ''], values) => showDocument(clientFor(values), id, values),
  },
  'documents rm': {
    summary: 'remove documents or memos',
    takes: 'ID…',
    options: ofPerson,
    run: (ids, values) => removeDocument(clientFor(values), ids, values),
  },
  import: {
    summary: 'bring text and markdown files in as documents',
    takes: 'PATH…',
    options: ofPerson,
    run: (paths, values) => importPaths(clientFor(values), paths, values.user, values.json),
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
    run: ([file = ''], values) => importCalendar(clientFor(values), file, values.user, values.json),
  },
  'calendar export': {
    summary: 'print the calendar as a calendar file',
    options: ['user', 'url'],
    run: (_words, values) => exportCalendar(clientFor(values), values.user),
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
