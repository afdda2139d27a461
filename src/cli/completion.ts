/**
 * `gatehouse completion SHELL`: generates a shell script from the table of commands. The script contains all words, so
 * that completion starts no process.
 */
import type { Command, Commands } from './command.ts';
import { specOf } from './options.ts';

/** The shells supported by `gatehouse completion`. */
export const shells = ['bash', 'zsh', 'fish'] as const;

type Shell = (typeof shells)[number];

export function completionScript(commands: Commands, shell: Shell): string {
  const table = rowsOf(commands);
  switch (shell) {
    case 'bash':
      return bashScript(table);
    case 'zsh':
      // zsh reads bash scripts; its own menus show the candidates.
      return `#compdef gatehouse\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(table)}`;
    case 'fish':
      return fishScript(table);
  }
}

interface Row {
  /** Words of the name; empty for the top level. */
  name: string;
  summary: string;
  /** The possible next words: names of subcommands, or the command's own words. */
  next: readonly string[];
  options: readonly string[];
  takesFile: boolean;
}

const everywhere = ['config', 'help'];

function rowsOf(commands: Commands): Row[] {
  const names = Object.keys(commands);
  const firsts = [...new Set(names.map((name) => name.split(' ')[0]!))];
  const rows = firsts.map((first) => rowOf(commands, first));
  const below = names.filter((name) => name.includes(' ')).map((name) => rowOf(commands, name));
  const top: Row = { ...emptyRow, next: [...firsts, 'help'], options: ['help', 'version'] };
  return [top, ...rows, { ...emptyRow, name: 'help', next: firsts }, ...below];
}

const emptyRow: Row = {
  name: '',
  summary: 'shows what a command takes',
  next: [],
  options: [],
  takesFile: false,
};

function rowOf(commands: Commands, name: string): Row {
  const below = Object.keys(commands)
    .filter((other) => other.startsWith(`${name} `))
    .map((other) => other.slice(name.length + 1));
  const own: Command | undefined = commands[name] ?? commands[`${name} list`];
  return {
    name,
    summary: own?.summary ?? below.join(', '),
    next: [...below, ...(own?.words ?? [])],
    options: [...(own?.options ?? []), ...everywhere],
    takesFile: /FILE|PATH|FOLDER/.test(own?.takes ?? ''),
  };
}

/** Options whose value is a file. */
const fileOptions = ['config', 'tls-folder'];

const optionWords = (row: Row): string => row.options.map((option) => `--${option}`).join(' ');

function bashScript(table: readonly Row[]): string {
  const used = [...new Set(table.flatMap(({ options }) => options))];
  const values = used.flatMap((option) => {
    const { type, words } = specOf(option);
    if (type === 'boolean') return [];
    if (words !== undefined)
      return [
        `    --${option}) COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$cur")); return ;;`,
      ];
    if (fileOptions.includes(option))
      return [`    --${option}) COMPREPLY=($(compgen -f -- "$cur")); return ;;`];
    return [`    --${option}) return ;;`];
  });
  const cases = table.map((row) => {
    const files = row.takesFile ? ' files=1' : '';
    return `    "${row.name}") next="${row.next.join(' ')}" opts="${optionWords(row)}"${files} ;;`;
  });
  const pairs = table.filter(({ name }) => name.includes(' ')).map(({ name }) => `"${name}"`);
  return `_gatehouse() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" name="" next="" opts="" files="" word
  local -i i
  COMPREPLY=()
  case "$prev" in
${values.join('\n')}
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    [[ "$word" == -* ]] && continue
    if [[ -z "$name" ]]; then name="$word"; continue; fi
    case "$name $word" in
      ${pairs.join('|')}) name="$name $word" ;;
    esac
    break
  done
  case "$name" in
${cases.join('\n')}
  esac
  if [[ "$cur" == -* ]]; then COMPREPLY=($(compgen -W "$opts" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$next" -- "$cur"))
    [[ -n "$files" ]] && COMPREPLY+=($(compgen -f -- "$cur"))
  fi
  return 0
}
complete -o filenames -F _gatehouse gatehouse
`;
}

const quoted = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function fishScript(table: readonly Row[]): string {
  const lines = ['complete -c gatehouse -f'];
  for (const row of table) {
    const [first = '', second] = row.name.split(' ');
    const seen = first === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${first}`;
    const below = row.next.filter((word) => row.name !== '' && word !== first);
    const when =
      second === undefined
        ? seen +
          (below.length > 0 ? `; and not __fish_seen_subcommand_from ${below.join(' ')}` : '')
        : `${seen}; and __fish_seen_subcommand_from ${second}`;
    for (const word of row.next) {
      const at = row.name === 'help' ? word : `${row.name} ${word}`.trim();
      const { summary = '' } = table.find(({ name }) => name === at) ?? {};
      lines.push(`complete -c gatehouse -n ${quoted(when)} -a ${word} -d ${quoted(summary)}`);
    }
    if (row.takesFile) lines.push(`complete -c gatehouse -n ${quoted(when)} -F`);
    for (const option of row.options) {
      const { type, help, words } = specOf(option);
      const value = type === 'boolean' ? '' : ` -r${words ? ` -a ${quoted(words.join(' '))}` : ''}`;
      const file = fileOptions.includes(option) ? ' -F' : '';
      lines.push(
        `complete -c gatehouse -n ${quoted(when)} -l ${option}${value}${file} -d ${quoted(help)}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
