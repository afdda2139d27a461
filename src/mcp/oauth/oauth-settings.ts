/** The section `oauth` of an MCP server. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { filePath, nonEmptyString, port, secret } from '#shared/config-fields';

export const oauthSchema = z
  .strictObject({
    grant: z
      .enum(['login', 'client_credentials'])
      .default('login')
      .describe(
        'login: a person logs in with `gatehouse mcp login ID`; client_credentials: by clientId and clientSecret alone.',
      ),
    clientId: nonEmptyString
      .optional()
      .describe('Id that the authorization server gave; default: Gatehouse registers itself.'),
    clientSecret: secret.optional().describe('Its secret; or clientSecretFile.'),
    clientSecretFile: filePath.optional().describe('File that has the secret alone.'),
    clientMetadataUrl: z
      .url({ protocol: /^https$/ })
      .optional()
      .describe('Address of a client metadata document, used as the id if the server supports it.'),
    issuer: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Authorization server that gave the clientId. Its secret is sent nowhere else.'),
    scope: nonEmptyString
      .optional()
      .describe('Scopes to ask for, with spaces between, if the server names none.'),
    redirectPort: port(0).describe(
      'Port on 127.0.0.1 to which the browser returns; 0: any free port.',
    ),
  })
  .superRefine((oauth, context) => {
    const { clientId, clientSecret, clientSecretFile, issuer, grant } = oauth;
    const refuse = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [key], message });
    const hasSecret = clientSecret !== undefined || clientSecretFile !== undefined;
    if (clientSecret !== undefined && clientSecretFile !== undefined) {
      refuse('clientSecretFile', 'the secret is given twice: keep one of them');
    }
    if (hasSecret && clientId === undefined) refuse('clientId', 'is needed with a secret');
    if (hasSecret && issuer === undefined) refuse('issuer', 'is needed with a secret');
    if (grant === 'client_credentials' && !hasSecret) {
      refuse('clientSecret', 'is needed for client_credentials');
    }
  });

export type OAuthSettings = z.infer<typeof oauthSchema>;

/** @throws Error if the file cannot be read */
export const clientSecretOf = ({
  clientSecret,
  clientSecretFile,
}: OAuthSettings): string | undefined =>
  clientSecretFile === undefined
    ? clientSecret
    : readFileSync(clientSecretFile, 'utf8').replace(/\r?\n$/, '');
