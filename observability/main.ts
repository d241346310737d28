/**
 * `npm run observability`: writes what monitoring systems read (rules, boards, provisioning) below deploy/. With `--check`
 * it writes nothing and fails when a file is not what it would write, or is there and should not be.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { grafanaFiles } from './grafana/files.ts';
import { ruleFile, ruleTestFile } from './rule-files.ts';

const repository = new URL('../', import.meta.url);

/** Path below the repository → content. */
export function generatedFiles(): Readonly<Record<string, string>> {
  return {
    'deploy/prometheus/flyball.rules.yml': ruleFile(),
    'deploy/prometheus/flyball.rules.test.yml': ruleTestFile(),
    ...grafanaFiles(),
  };
}

/** Paths of the files that are not what would be generated. */
export function findDrift(): readonly string[] {
  return Object.entries(generatedFiles()).flatMap(([path, content]) => {
    try {
      return readFileSync(new URL(path, repository), 'utf8') === content ? [] : [path];
    } catch {
      return [path];
    }
  });
}

function main(): void {
  if (process.argv.includes('--check')) {
    const drifted = findDrift();
    if (drifted.length === 0) return;
    process.stderr.write(`not what their source says: ${drifted.join(', ')}; run npm run observability\n`);
    process.exitCode = 1;
    return;
  }
  for (const [path, content] of Object.entries(generatedFiles())) {
    const file = fileURLToPath(new URL(path, repository));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    process.stdout.write(`${path}\n`);
  }
}

if (import.meta.main) main();
