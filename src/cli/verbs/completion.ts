/** `flyball completion SHELL`: the script is made from the declarations, names come from the server when asked. */
import type { VerbDeclaration } from '../declaration.ts';
import type { Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { nearest } from '../../config/nearest.ts';
import { verbs } from '../verb-table.ts';

const scripts: Readonly<Record<string, (shown: readonly VerbDeclaration[]) => string>> = { bash, zsh, fish };

export async function run({ positionals, terminal }: Invocation): Promise<ExitCode> {
  const shell = positionals[0] ?? '';
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script === undefined) {
    const [near] = nearest(shell, Object.keys(scripts));
    throw new UsageError(
      `completion expects bash, zsh or fish, got ${shell}`,
      near === undefined ? undefined : `did you mean ${near}?`,
    );
  }
  terminal.stdout.write(script(verbs.filter((verb) => verb.hidden !== true)));
  return exitCodes.done;
}

function optionWords(verb: VerbDeclaration): string {
  return [...Object.entries(verb.options).filter(([, option]) => option.hidden !== true), ['help'] as const]
    .map(([name]) => `--${name}`)
    .join(' ');
}

/** What the arguments of a verb are completed with, as a shell command or words. */
function completes(verb: VerbDeclaration): { names?: string; words?: readonly string[]; files: boolean } {
  const kinds = verb.positionals.map((each) => each.completes);
  const names = kinds.find((kind) => kind === 'deployments' || kind === 'models');
  const words = kinds.find((kind) => Array.isArray(kind));
  return {
    ...(typeof names === 'string' ? { names } : {}),
    ...(Array.isArray(words) ? { words: words as readonly string[] } : {}),
    files: kinds.includes('files'),
  };
}

function bash(shown: readonly VerbDeclaration[]): string {
  const cases = shown.map((verb) => {
    const { names, words = [], files } = completes(verb);
    const dynamic = names === undefined ? '' : ` $(flyball __names ${names} 2>/dev/null)`;
    const file = files ? ' COMPREPLY+=($(compgen -f -- "$word"));' : '';
    return `    ${verb.name}) COMPREPLY=($(compgen -W "${words.join(' ')}${dynamic}" -- "$word"));${file} options="${optionWords(verb)}" ;;`;
  });
  return `# flyball completion for bash
_flyball() {
  local word="\${COMP_WORDS[COMP_CWORD]}" verb="\${COMP_WORDS[1]}" options=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${shown.map((verb) => verb.name).join(' ')} help" -- "$word"))
    return
  fi
  case "$verb" in
${cases.join('\n')}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
  esac
}
complete -F _flyball flyball
`;
}

function zsh(shown: readonly VerbDeclaration[]): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const described = shown.map((verb) => `    ${quoted(`${verb.name}:${verb.summary.replaceAll(':', '\\:')}`)}`);
  const cases = shown.map((verb) => {
    const { names, words = [], files } = completes(verb);
    const parts = [`compadd -- ${optionWords(verb)}`];
    if (words.length > 0) parts.unshift(`compadd -- ${words.join(' ')}`);
    if (names !== undefined) parts.unshift(`compadd -- \${(f)"$(flyball __names ${names} 2>/dev/null)"}`);
    if (files) parts.push('_files');
    return `    ${verb.name}) ${parts.join('; ')} ;;`;
  });
  return `#compdef flyball
# flyball completion for zsh
_flyball() {
  local -a shown
  shown=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe verb shown
    return
  fi
  case "$words[2]" in
${cases.join('\n')}
  esac
}
compdef _flyball flyball
`;
}

function fish(shown: readonly VerbDeclaration[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = ['# flyball completion for fish', 'complete -c flyball -f'];
  for (const verb of shown) {
    lines.push(`complete -c flyball -n __fish_use_subcommand -a ${verb.name} -d ${quoted(verb.summary)}`);
    const here = `complete -c flyball -n '__fish_seen_subcommand_from ${verb.name}'`;
    for (const [name, option] of Object.entries(verb.options)) {
      if (option.hidden === true) continue;
      const short = option.short === undefined ? '' : ` -s ${option.short}`;
      const choices = option.choices === undefined ? '' : ` -a ${quoted(option.choices.join(' '))}`;
      lines.push(
        `${here} -l ${name}${short}${option.type === 'string' ? ' -r' : ''}${choices} -d ${quoted(option.help)}`,
      );
    }
    const { names, words, files } = completes(verb);
    if (words !== undefined) lines.push(`${here} -a ${quoted(words.join(' '))}`);
    if (names !== undefined) lines.push(`${here} -a '(flyball __names ${names} 2>/dev/null)'`);
    if (files) lines.push(`${here} -F`);
  }
  return `${lines.join('\n')}\n`;
}
