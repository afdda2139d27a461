/** The commands of invites and sessions. */
import { connect, type Commands } from './command.ts';

const sessions = () => import('./sessions.ts');

export const sessionCommands: Commands = {
  invite: {
    summary: 'a one-time code that signs in the browser of a person, with a QR code',
    takes: 'PERSON',
    options: ['minutes', 'url', 'json'],
    run: async ([person = ''], values) =>
      (await sessions()).invite(await connect(values), person, values),
  },
  'sessions list': {
    summary: 'list the browsers that are signed in, of a person or of all',
    takes: '[PERSON]',
    options: ['limit', 'url', 'json'],
    run: async ([person], values) =>
      (await sessions()).listSessions(await connect(values), person, values),
  },
  'sessions end': {
    summary: 'sign browsers out',
    takes: 'ID…',
    options: ['url', 'json'],
    run: async (ids, values) => (await sessions()).endSessions(await connect(values), ids, values),
  },
};
