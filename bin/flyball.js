#!/usr/bin/env node
// The command as npm links it. Plain old JavaScript on purpose: an old Node must be able to read it far enough to say
// what is wrong. It uses the sources where they are (a checkout, whatever was compiled there once), the compiled files
// where not (the package).
import { existsSync } from 'fs';
import * as module from 'module';
import { fileURLToPath } from 'url';

if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    'flyball: found Node ' +
      process.versions.node +
      ', wanted 24 or newer; get it with `nvm install 24` or from https://nodejs.org\n',
  );
  process.exitCode = 2;
} else {
  // The first process of a container (its number is 1) is ended by no signal that it does not listen for: told to end while
  // it boots, it would be waited for as long as a grace may be. Until somebody listens it ends as any other process would.
  if (process.pid === 1) {
    for (const [signal, number] of [
      ['SIGTERM', 15],
      ['SIGINT', 2],
    ]) {
      process.on(signal, () => {
        if (process.listenerCount(signal) === 1) process.exit(128 + number);
      });
    }
  }
  // Caching compiled code (and stripped types) halves the time to the first line of help.
  module.enableCompileCache();
  const source = new URL('../src/cli/main.ts', import.meta.url);
  const entry = existsSync(fileURLToPath(source)) ? source : new URL('../dist/cli/main.js', import.meta.url);
  void import(entry.href).then((main) => main.runProcess());
}
