/** What `--help` prints, made from the declarations alone: two examples first, then arguments, options, exit codes. */
import type { VerbDeclaration } from './declaration.ts';
import { exitCodes, exitMeanings } from './exit-codes.ts';
import { definitions, wrap } from './wrap.ts';

export function overview(verbs: readonly VerbDeclaration[], version: string, columns: number): string {
  const shown = verbs.filter((verb) => verb.hidden !== true);
  return [
    `flyball ${version}: deploys AI models, measures itself, governs its own capacity.`,
    '',
    '  flyball up --demo                        serve the demo models here',
    '  flyball deploy model.onnx                serve your own',
    '',
    'Verbs (flyball VERB --help shows each with examples):',
    ...definitions(
      shown.map((verb): [string, string] => [verb.name, verb.summary]),
      columns,
    ),
    '',
    wrap('Also: --help, --version, help VERB. Data goes to stdout, everything else to stderr.', columns),
    '',
  ].join('\n');
}

export function verbHelp(verb: VerbDeclaration, columns: number): string {
  const lines = verb.examples.map((example) => `  ${example}`);
  lines.push('', wrap(verb.summary, columns));
  if (verb.positionals.length > 0) {
    const rows = verb.positionals.map((each): [string, string] => [
      each.optional ? `[${each.name}]` : each.name,
      each.help,
    ]);
    lines.push('', 'Arguments:', ...definitions(rows, columns));
  }
  const options = Object.entries(verb.options).filter(([, option]) => option.hidden !== true);
  const rows = options.map(([name, option]): [string, string] => {
    const short = option.short === undefined ? '    ' : `-${option.short}, `;
    const help = option.choices === undefined || name === 'output' ? option.help : withChoices(option);
    return [`${short}--${name}${option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : ''}`, help];
  });
  lines.push('', 'Options:', ...definitions([...rows, ['-h, --help', 'This text.']], columns));
  const exits = verb.exits.map((name): [string, string] => [String(exitCodes[name]), exitMeanings[name]]);
  lines.push('', 'Exit codes:', ...definitions(exits, columns), '');
  return lines.join('\n');
}

function withChoices(option: { readonly help: string; readonly choices?: readonly string[] }): string {
  return `${option.help} One of ${option.choices?.join(', ')}.`;
}
