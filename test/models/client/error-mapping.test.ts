import { expect, test } from 'vitest';
import { mapHttpStatus } from '#models/client/error-mapping';
import { serverProfiles } from '#models/client/server-profiles';

const messageOf = (status: number, error: object): string =>
  mapHttpStatus(status, JSON.stringify({ error }), serverProfiles['llama.cpp']).message;

test('a refusal by the gate proxy says that this core has no permit, and not that its key is wrong', () => {
  const unfenced = messageOf(403, { code: 'GH_GATE_UNFENCED', message: 'it has no fence' });
  expect(unfenced).toContain('a gate proxy is in front of this server');
  expect(unfenced).toContain('--allow-unfenced');
  expect(unfenced).not.toContain('apiKey');
  expect(messageOf(403, { message: 'forbidden' })).toContain('check apiKey');
});
