/** Messages that are larger than a NATS server carries, in pieces: a document may have megabytes. */
import { z } from 'zod';
import { GatehouseError } from '#shared/errors';

/** UTF-16 units of a piece, at most; fewer where the server takes smaller messages. */
const pieceUnitsMax = 128 * 1024;
/** A unit has up to six bytes in JSON, as `\u0001`. */
const unitBytesMax = 6;
/** What a message has besides the text of its piece. */
const frameBytes = 512;
/** Messages whose pieces have begun to arrive; one is forgotten when others have pushed it out. */
const openMax = 64;
const piecesMax = 1_024;

export const pieceSchema = z.object({
  message: z.string().min(1).max(64),
  index: z.int().min(0),
  count: z.int().min(1).max(piecesMax),
  text: z.string().max(pieceUnitsMax),
});
export type MessagePiece = z.infer<typeof pieceSchema>;

/** @param payloadMax what the server takes, in bytes */
export function cutMessage(message: string, text: string, payloadMax: number): MessagePiece[] {
  const fitting = Math.floor((payloadMax - frameBytes) / unitBytesMax);
  const pieceUnits = Math.max(1, Math.min(pieceUnitsMax, fitting));
  const count = Math.max(1, Math.ceil(text.length / pieceUnits));
  return Array.from({ length: count }, (_, index) => ({
    message,
    index,
    count,
    text: text.slice(index * pieceUnits, (index + 1) * pieceUnits),
  }));
}

export interface PieceCollector {
  /**
   * The whole text with its last piece, else null. Pieces arrive in order; a repeat begins with the first one.
   * @throws GH_STORE_FENCED when an earlier piece went to another process
   */
  take(piece: MessagePiece): string | null;
}

export function createPieceCollector(): PieceCollector {
  const open = new Map<string, string[]>();
  return {
    take({ message, index, count, text }) {
      if (count === 1) return text;
      const pieces = index === 0 ? [] : open.get(message);
      open.delete(message);
      if (pieces?.length !== index) throw new GatehouseError('GH_STORE_FENCED');
      pieces.push(text);
      if (pieces.length === count) return pieces.join('');
      open.set(message, pieces);
      for (const [oldest] of open) {
        if (open.size <= openMax) break;
        open.delete(oldest);
      }
      return null;
    },
  };
}
