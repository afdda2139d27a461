/** `gatehouse migrate FROM TO`: copies the database between SQLite and PostgreSQL, with its progress. */
import { resolve } from 'node:path';
import {
  copyDatabase,
  type ChangedTexts,
  type CopyProgress,
  type CopyReport,
} from '#storage/copy/copy-database';
import { isPostgresAddress } from '#storage/postgres/postgres-address';
import { sanitizeForTerminal, untilInterrupted } from './terminal.ts';

export interface MigrateOptions {
  from: string;
  to: string;
  passwordFile: string | undefined;
  json: boolean;
}

export async function migrate({ from, to, passwordFile, json }: MigrateOptions): Promise<void> {
  hidePassword([from, to]);
  const place = (text: string): string => (isPostgresAddress(text) ? text : resolve(text));
  const progress = createProgressLine(process.stderr);
  const report = await untilInterrupted((signal) =>
    copyDatabase({
      from: place(from),
      to: place(to),
      postgres: passwordFile === undefined ? {} : { passwordFile },
      signal,
      ...(json ? {} : { onProgress: progress.show }),
    }).finally(progress.end),
  );
  if (json) return console.log(JSON.stringify(report));
  for (const line of describe(report)) console.log(sanitizeForTerminal(line));
}

/** Arguments are visible to all users of the machine. */
function hidePassword(addresses: readonly string[]): void {
  if (
    !addresses.some(
      (text) => isPostgresAddress(text) && /\/\/[^@]*:[^@]*@|[?&]password=/.test(text),
    )
  )
    return;
  process.title = 'gatehouse migrate';
  console.error(
    'the password was visible in the list of processes for a moment: use PGPASSWORD or --password-file',
  );
}

const count = (value: number): string => value.toLocaleString('en');

function* describe({ from, to, tables, changed }: CopyReport): Generator<string> {
  for (const { name, rows, checksum } of tables) {
    if (rows > 0)
      yield `${name.padEnd(18)} ${count(rows).padStart(12)} rows, equal (${checksum.slice(0, 12)})`;
  }
  for (const text of changed) yield describeChange(text);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  yield `${to}: has all ${count(rows)} rows of ${from}`;
  yield `now set \`database\` to it and start the core; the words of the documents are indexed again at that start`;
  yield `${from} is unchanged; keep it until the new one has a backup, and start no core with it`;
}

const describeChange = ({ column, characters, rows, examples }: ChangedTexts): string =>
  `${column}: ${count(characters)} characters that PostgreSQL cannot store became U+FFFD, in ${count(rows)} rows (${examples.join(', ')}${rows > examples.length ? ', …' : ''})`;

const barWidth = 24;
/** A terminal is not redrawn more often. */
const redrawMs = 100;

interface ProgressLine {
  show(progress: CopyProgress): void;
  end(): void;
}

/** One line that is drawn again on a terminal; elsewhere one line per table. */
function createProgressLine(stream: NodeJS.WriteStream): ProgressLine {
  let shown = '';
  let drawnAt = -Infinity;
  let began = { key: '', at: 0, rows: 0 };
  return {
    show({ step, table, rows, rowsMax }) {
      const now = performance.now();
      const key = `${step} ${table}`;
      const isNew = key !== began.key;
      if (isNew) began = { key, at: now, rows };
      if (!stream.isTTY) {
        if (isNew) stream.write(`${key}: ${count(rowsMax)} rows\n`);
        return;
      }
      if (!isNew && rows < rowsMax && now - drawnAt < redrawMs) return;
      drawnAt = now;
      const share = rowsMax === 0 ? 1 : Math.min(1, rows / rowsMax);
      const full = Math.round(share * barWidth);
      const seconds = (now - began.at) / 1_000;
      const rate = seconds < 1 ? '' : `, ${count(Math.round((rows - began.rows) / seconds))}/s`;
      const bar = '█'.repeat(full).padEnd(barWidth, '░');
      shown = `${key.padEnd(26)} ${bar} ${Math.floor(share * 100)} %, ${count(rows)} rows${rate}`;
      stream.write(`\r${shown.slice(0, (stream.columns || 80) - 1)}\u001b[K`);
    },
    end() {
      if (shown !== '') stream.write('\r\u001b[K');
    },
  };
}
