/** docs/synology.md lists every NAS code that the bridge knows, with its handling. */
import { test } from 'vitest';
import { nasCodes, type NasMeaning } from '#channels/synology/nas-codes';
import { expectMade, tableOf } from './made-part.ts';

const follows: Record<NasMeaning, string> = {
  tooFast: 'sent again after a pause',
  tooLong: 'sent in halves',
  busy: 'sent again three times, then dead',
  stopped: 'waited out',
  doubted: 'waited out, and believed when the chat takes other words',
  refused: 'dead',
};

test('docs/synology.md lists the NAS codes of the table with their handling', () => {
  const rows = Object.entries(nasCodes).map(([code, { title, meaning }]) => [
    code,
    title,
    follows[meaning],
  ]);
  const others = ['any other', 'not known', follows.doubted];
  expectMade('synology.md', tableOf(['code', 'meaning', 'follows'], [...rows, others]));
});
