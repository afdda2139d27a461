/** The commands of the persons. They read the configuration and the database, and need no running core. */
import type { Commands } from './command.ts';

const persons = () => import('./persons.ts');

export const personCommands: Commands = {
  'persons list': {
    summary: 'the persons of the configuration, and what is stored under their ids in chats',
    options: ['json'],
    run: async (_words, { config, json }) => (await persons()).listPersons(config, json),
  },
  'persons adopt': {
    summary: 'show what a person has under ids in chats; with --yes it becomes the person’s',
    takes: '[PERSON] [CHANNEL]',
    options: ['yes', 'json'],
    notes: `Without words: all persons, all chats. With --yes the core must not run; make a backup first.`,
    run: async ([person, channel], { config: configFile, yes, json }) =>
      (await persons()).adoptForPersons({ configFile, person, channel, yes, json }),
  },
};
