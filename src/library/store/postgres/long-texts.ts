/**
 * The words of long texts on PostgreSQL, stored piece by piece beside the commits: a text of a million characters takes
 * seconds, and all commits of jobs would wait for it.
 *
 * 1. The commit that changes the words of a long text stores a mark in their place, with a name of its own.
 * 2. A piece is stored only while this mark is there: the next change of the words removes it, and the pieces before.
 * 3. The mark goes after the last piece. A document with a mark is outdated: the next start makes its words again.
 * 4. No text is half in the index for its caller: the commit resolves when all pieces are stored, or cannot be for now.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresDatabase, PreparedStatement } from '#storage/postgres/postgres-database';
import { storableText } from '#storage/postgres/storable-text';
import { quoteToken } from './word-vectors.ts';

export interface LongText {
  documentId: string;
  mark: string;
  /** Texts of vectors, from piece 1 on. */
  vectors: readonly string[];
}

/** Number of the row that stands for pieces to come; others are 0 for a short text, and from 1 for a long one. */
export const markPiece = -1;

export const longTextOf = (documentId: string, vectors: readonly string[]): LongText => ({
  documentId: storableText(documentId),
  mark: quoteToken(randomUUID()),
  vectors,
});

const retryMs = 30_000;
/** The rest is for the next start. */
const retriesMax = 20;

/** Resolves when the text is indexed, was changed, or could not be indexed for now: that is tried again later. */
export async function indexLongText(database: PostgresDatabase, text: LongText): Promise<void> {
  if (await storePieces(database, text)) return;
  void (async () => {
    for (let retry = 0; retry < retriesMax; retry += 1) {
      await sleep(retryMs, undefined, { ref: false });
      if (await storePieces(database, text)) return;
    }
  })();
}

/** Whether there is nothing left to do. */
async function storePieces(
  database: PostgresDatabase,
  { documentId, mark, vectors }: LongText,
): Promise<boolean> {
  try {
    for (const [index, words] of vectors.entries()) {
      const [row] = await database.run(storePiece, [documentId, mark, index + 1, words]);
      if (row?.isCurrent !== true) return true;
    }
    await database.run(removeMark, [documentId, mark]);
    return true;
  } catch {
    return false;
  }
}

const storePiece: PreparedStatement<{ isCurrent: boolean }> = {
  name: 'store_piece',
  // Repeated after a lost answer: the piece is there then.
  text: `with mark as (
      select document, document_words.owner from document_words
        join document on document.num = document_words.document
        where document.id = $1 and piece = ${markPiece} and words = $2::tsvector
        for share of document_words),
    piece as (
      insert into document_words (document, piece, owner, words)
        select document, $3::integer, owner, $4::tsvector from mark on conflict do nothing)
    select exists (select from mark) as "isCurrent"`,
};

const removeMark: PreparedStatement<never> = {
  name: 'remove_mark',
  text: `delete from document_words using document
    where document.num = document_words.document and document.id = $1
      and piece = ${markPiece} and words = $2::tsvector`,
};
