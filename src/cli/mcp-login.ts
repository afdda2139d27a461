/** `gatehouse mcp login` and `gatehouse mcp logout`: the login of a person at an MCP server. The core may run meanwhile. */
import { createInterface } from 'node:readline';
import { CommandError, UsageError } from '#http/client/core-client';
import type { McpServers } from '#mcp/mcp';
import { McpCallError } from '#mcp/mcp-connection';
import type { LoginOptions } from '#mcp/oauth/log-in';
import { logIn, logOut } from '#mcp/oauth/log-in';
import { OAuthFailure } from '#mcp/oauth/oauth-client';
import { minuteMs } from '#shared/calendar/time-units';
import { systemClock } from '#shared/clock';
import { withServer, type DirectCommand } from './mcp.ts';

const waitMinutes = 10;

/** @param show for tests */
export const logInAtServer = (
  command: DirectCommand,
  show: LoginOptions['show'] = showAddress,
): Promise<void> =>
  withServer(command, async (mcp, id) => {
    const { url, settings } = loginSettings(mcp, id);
    // What the server asks for stands in its refusal.
    await refresh(mcp, id);
    const signal = AbortSignal.timeout(waitMinutes * minuteMs);
    const login = { serverId: id, url, settings, store: mcp.logins, clock: systemClock };
    try {
      await logIn({ ...login, show, signal });
    } catch (error) {
      if (!(error instanceof OAuthFailure)) throw error;
      throw new CommandError(`${id}: ${error.message}`, { cause: error });
    }
    await refresh(mcp, id, true);
    if (command.json) return console.log(JSON.stringify({ logged_in: true }));
    console.log(`logged in at ${id}`);
  });

/** @param mustWork a refusal is an error */
async function refresh(mcp: McpServers, id: string, mustWork = false): Promise<void> {
  try {
    await mcp.find(id).refresh();
  } catch (error) {
    if (error instanceof McpCallError && error.kind === 'logged_out' && !mustWork) return;
    throw error;
  }
}

/** Prints the address. Where the browser runs elsewhere, the address of its last page is given back by hand. */
const showAddress: LoginOptions['show'] = (address, take) => {
  console.error(`Open this address in a browser and log in:\n\n${address.href}\n`);
  if (!process.stdin.isTTY) return;
  console.error(
    'If the browser runs on another machine, its last page does not open: paste the address of that page here.',
  );
  const terminal = createInterface({ input: process.stdin });
  terminal.on('line', (line) => {
    if (line.trim() === '') return;
    if (take(line.trim())) terminal.close();
    else console.error('this is not the address of the last page of this login');
  });
  // Else the command would wait for the terminal after the login.
  process.stdin.unref();
};

export const logOutAtServer = (command: DirectCommand): Promise<void> =>
  withServer(command, async (mcp, id) => {
    const { url, settings } = loginSettings(mcp, id);
    const login = { serverId: id, url, settings, store: mcp.logins };
    const { wasLoggedIn, isRevoked } = await logOut(login);
    if (command.json) {
      return console.log(JSON.stringify({ logged_out: wasLoggedIn, revoked: isRevoked }));
    }
    if (!wasLoggedIn) return console.log(`there was no login at ${id}`);
    const rest = isRevoked ? '' : '; its tokens stay valid there until they end';
    console.log(`logged out at ${id}${rest}`);
  });

function loginSettings(mcp: McpServers, id: string) {
  const { url, oauth } = mcp.find(id).settings;
  if (url === undefined || oauth === undefined) {
    throw new UsageError(`the MCP server ${id} has no section oauth in the configuration`);
  }
  if (oauth.grant !== 'login') {
    throw new UsageError(`${id} logs in by itself (grant: ${oauth.grant})`);
  }
  return { url, settings: oauth };
}
