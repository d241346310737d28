/**
 * Writes what is generated from the schemas and the error catalogue: docs/configuration.md, docs/errors.md,
 * schema/flyball.schema.json and schema/model.schema.json. With `--check` it writes nothing and fails when a file is not what it would write.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { errorsDocument } from '../errors-document.ts';
import { defaultInWords, keysOf, type Key } from './explain.ts';
import { modelFile } from './model-file.ts';
import { childrenOf, factsOf, typeInWords, type Schema } from './schema-walk.ts';
import { specification } from './specification.ts';

const repository = new URL('../../', import.meta.url);

/** Path below the repository → content. */
export function generatedFiles(): Readonly<Record<string, string>> {
  return {
    'docs/configuration.md': configurationPage(),
    'docs/errors.md': errorsDocument(),
    'schema/flyball.schema.json': jsonSchema(specification, 'The specification of Flyball, flyball.yaml'),
    'schema/model.schema.json': jsonSchema(modelFile, 'The settings of a model for Flyball, model.yaml'),
  };
}

/** Paths of the files that are not what would be generated. */
export async function findDrift(): Promise<readonly string[]> {
  const drifted: string[] = [];
  for (const [path, content] of Object.entries(generatedFiles())) {
    const found = await readFile(new URL(path, repository), 'utf8').catch(() => undefined);
    if (found !== content) drifted.push(path);
  }
  return drifted;
}

function jsonSchema(schema: z.ZodType, title: string): string {
  return `${JSON.stringify({ title, ...z.toJSONSchema(schema, { io: 'input' }) }, null, 2)}\n`;
}

function configurationPage(): string {
  return [
    '# Configuration',
    '',
    'Generated from the schema by `npm run docs`; change `src/config/specification.ts` or `model-file.ts` instead.',
    '`flyball explain KEY` prints the same for one key. Unknown keys are errors. Paths are relative to the file that',
    'names them; bytes take a unit (`64MiB`); times carry theirs in the name.',
    '',
    'For completion in an editor: `# yaml-language-server: $schema=…/schema/flyball.schema.json` as the first line.',
    '',
    '## flyball.yaml',
    '',
    ...section(specification),
    '## model.yaml',
    '',
    'Optional, beside the versions of a model (holds for each) or inside one (holds for that one alone). It belongs to',
    'the version: the same file with other settings is another version.',
    '',
    ...section(modelFile),
  ].join('\n');
}

/** Keys without keys below them in one table, then a heading for each that has some. */
function section(root: Schema): readonly string[] {
  const children = childrenOf(root);
  const plain = children.filter(({ schema }) => childrenOf(schema).length === 0);
  const lines = plain.length === 0 ? [] : [...table(plain.map(({ key, schema }) => ({ path: key, schema })))];
  for (const { key, schema } of children) {
    if (childrenOf(schema).length === 0) continue;
    const { description } = factsOf(schema);
    lines.push(
      `### ${key}`,
      '',
      ...(description === undefined ? [] : [description, '']),
      ...table(keysOf(schema, key)),
    );
  }
  return lines;
}

function table(keys: readonly Key[]): readonly string[] {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
  const rows = keys
    // A mapping without words of its own is told by the keys below it.
    .filter(({ schema }) => childrenOf(schema).length === 0 || factsOf(schema).description !== undefined)
    .map(({ path, schema }) => {
      const shown = defaultInWords(schema);
      const necessity =
        shown === undefined ? (factsOf(schema).required && !path.endsWith('>') ? 'required' : '') : `\`${shown}\``;
      const type = childrenOf(schema).length === 0 ? cell(typeInWords(schema)) : '';
      return `| \`${path}\` | ${type} | ${necessity} | ${cell(factsOf(schema).description ?? '')} |`;
    });
  return ['| key | takes | default | meaning |', '| --- | --- | --- | --- |', ...rows, ''];
}

async function main(): Promise<void> {
  if (process.argv.includes('--check')) {
    const drifted = await findDrift();
    if (drifted.length === 0) return;
    process.stderr.write(`not what the schema says: ${drifted.join(', ')}; run npm run docs\n`);
    process.exitCode = 1;
    return;
  }
  for (const [path, content] of Object.entries(generatedFiles())) {
    const file = fileURLToPath(new URL(path, repository));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    process.stdout.write(`${path}\n`);
  }
}

if (import.meta.main) await main();
