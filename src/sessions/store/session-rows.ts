/** Rows of sessions and invites, the same on both databases. */
import type { InviteTable, SessionTable } from '#storage/schema';
import type { Session } from '../session.ts';
import type { NewSession, StoredInvite } from '../session-port.ts';

export const sessionOf = (row: SessionTable): Session => ({
  id: row.id,
  userId: row.user_id,
  keyProof: row.key_proof,
  device: row.device,
  createdAt: row.created_at,
  usedAt: row.used_at,
  expiresAt: row.expires_at,
});

export const sessionRowOf = (session: NewSession): SessionTable => ({
  id: session.id,
  token_hash: session.tokenHash,
  user_id: session.userId,
  key_proof: session.keyProof,
  device: session.device,
  created_at: session.createdAt,
  used_at: session.usedAt,
  expires_at: session.expiresAt,
});

export const inviteOf = (row: InviteTable): StoredInvite => ({
  id: row.id,
  codeHash: row.code_hash,
  userId: row.user_id,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
});
