/** What `--help` prints, made from the declarations alone: two examples first, then arguments, options, exit codes. */
import type { VerbDeclaration } from './declaration.ts';
import { exitCodes, exitMeanings } from './exit-codes.ts';

export function overview(verbs: readonly VerbDeclaration[], version: string): string {
  const shown = verbs.filter((verb) => verb.hidden !== true);
  const rows = shown.map((verb): [string, string] => [verb.name, verb.summary]);
  return [
    `flyball ${version}: deploys AI models, measures itself, governs its own capacity.`,
    '',
    '  flyball up --demo                        serve the demo models here',
    '  flyball deploy model.onnx                serve your own',
    '',
    'Verbs (flyball VERB --help shows each with examples):',
    ...aligned(rows),
    '',
    'Also: --help, --version, help VERB. Data goes to stdout, everything else to stderr.',
    '',
  ].join('\n');
}

export function verbHelp(verb: VerbDeclaration): string {
  const lines = verb.examples.map((example) => `  ${example}`);
  lines.push('', verb.summary);
  if (verb.positionals.length > 0) {
    lines.push('', 'Arguments:');
    lines.push(...aligned(verb.positionals.map((each) => [each.optional ? `[${each.name}]` : each.name, each.help])));
  }
  const options = Object.entries(verb.options).filter(([, option]) => option.hidden !== true);
  lines.push('', 'Options:');
  lines.push(
    ...aligned([
      ...options.map(([name, option]): [string, string] => {
        const short = option.short === undefined ? '    ' : `-${option.short}, `;
        const help = option.choices === undefined || name === 'output' ? option.help : withChoices(option);
        return [`${short}--${name}${option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : ''}`, help];
      }),
      ['-h, --help', 'This text.'],
    ]),
  );
  lines.push('', `Exit codes: ${verb.exits.map((name) => `${exitCodes[name]} ${exitMeanings[name]}`).join(' · ')}`, '');
  return lines.join('\n');
}

function withChoices(option: { readonly help: string; readonly choices?: readonly string[] }): string {
  return `${option.help} One of ${option.choices?.join(', ')}.`;
}

function aligned(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
