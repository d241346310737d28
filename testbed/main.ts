/** `npm run testbed -- VERB`: the testbed at the command line. `--help` says what there is. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { systemPath } from './commands.ts';
import { takeDown } from './down.ts';
import type { ImageSource } from './images.ts';
import { testbedName, testbedNames, type TestbedNames } from './names.ts';
import { findProgram, testbedHindrance } from './requirements.ts';
import type { TestbedSettings } from './settings.ts';
import { isRunning, listTestbeds, readRecord } from './state.ts';
import { statusTable } from './status.ts';
import { attachTestbed, raiseTestbed, type Testbed } from './testbed.ts';

const help = `npm run testbed -- [--name NAME] VERB
several real Docker engines on this machine that form a real Swarm (docs/testbed.md)

  up N            makes N nodes (3), or what is missing of them
      --managers N           the first N manage (1)
      --heartbeat MS         of the Swarm (5000)
      --cpus N               cores that all containers of a node may use together (0.25, 2)
      --memory MIB           that a node says it has, and that its containers may use together
      --advertised-cpus N    whole cores that a node says it has
      --generic gpu=2        what else it says it has; may be repeated
      --reachable            plugs this machine into the nodes' network, as 10.77.X.2
      --image FILE.tar       puts an image onto every node; may be repeated
      --image TAG            the same from the engine at --from, /var/run/docker.sock unless given
  status          each node, as kernel, engine and manager see it (--json)
  kill N          takes a node's power away        start N    switches it on again
  freeze N        stops everything in it           thaw N     lets it go on
  partition N     pulls its network cable          heal N     plugs it in again
  docker N …      the docker command at a node's engine
  lan …           a command in the network of the nodes
  list            the names of all testbeds
  down            takes everything away (--all: of every testbed that no running test has opened)

--name, or FLYBALL_TESTBED, tells several testbeds on one machine apart.
`;

const options = {
  name: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean' },
  reachable: { type: 'boolean' },
  all: { type: 'boolean' },
  managers: { type: 'string' },
  heartbeat: { type: 'string' },
  cpus: { type: 'string' },
  memory: { type: 'string' },
  'advertised-cpus': { type: 'string' },
  generic: { type: 'string', multiple: true },
  image: { type: 'string', multiple: true },
  from: { type: 'string' },
} as const;

class UsageError extends Error {}

/** What follows `docker N` and `lan` is somebody else's: it is not looked at. */
function splitForeign(args: readonly string[]): {
  readonly own: readonly string[];
  readonly foreign: readonly string[];
} {
  let at = 0;
  while (args[at]?.startsWith('-')) at += args[at] === '--name' ? 2 : 1;
  const own = args[at] === 'lan' ? at + 1 : args[at] === 'docker' ? at + 2 : args.length;
  return { own: args.slice(0, own), foreign: args.slice(own) };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

type Values = ReturnType<typeof parse>['values'];

function number(what: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new UsageError(`${what}: expected a number, came ${text}`);
  return value;
}

function settingsFrom(nodes: string | undefined, values: Values): Partial<TestbedSettings> {
  const generic = values.generic?.map((text): [string, number] => {
    const [kind = '', count] = text.split('=');
    return [kind, number('--generic', count) ?? Number.NaN];
  });
  const given: Partial<TestbedSettings> = {
    nodes: number('up', nodes),
    managers: number('--managers', values.managers),
    heartbeatMs: number('--heartbeat', values.heartbeat),
    cpus: number('--cpus', values.cpus),
    memoryMiB: number('--memory', values.memory),
    advertisedCpus: number('--advertised-cpus', values['advertised-cpus']),
    reachable: values.reachable,
    genericResources: generic === undefined ? undefined : Object.fromEntries(generic),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

const imagesFrom = ({ image = [], from = '/var/run/docker.sock' }: Values): readonly ImageSource[] =>
  image.map((text) =>
    text.endsWith('.tar')
      ? { kind: 'file', path: resolve(text) }
      : { kind: 'engine', tag: text, socketPath: from.replace(/^unix:\/\//, '') },
  );

/** Runs in the foreground; its exit code is ours. */
function pass([program = '', ...args]: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, PATH: systemPath } });
    // The terminal sends Ctrl-C to both: the one that was started decides.
    process.on('SIGINT', () => {});
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)));
  });
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function up(names: TestbedNames, nodes: string | undefined, values: Values): Promise<number> {
  const since = performance.now();
  const testbed = await raiseTestbed(names, settingsFrom(nodes, values), imagesFrom(values));
  say(statusTable(await testbed.status()));
  say(`up in ${((performance.now() - since) / 1000).toFixed(1)} s`);
  return 0;
}

async function down(names: TestbedNames, all: boolean): Promise<number> {
  for (const each of all ? listTestbeds().map(testbedNames) : [names]) {
    const owner = readRecord(each)?.owner ?? null;
    // A test that runs would be surprised; whoever means it names the testbed.
    if (all && owner !== null && isRunning(owner)) {
      say(`testbed ${each.name} is left: process ${owner.pid} has opened it for itself`);
      continue;
    }
    await takeDown(each);
    say(`testbed ${each.name} is down`);
  }
  return 0;
}

type Change = 'kill' | 'start' | 'freeze' | 'thaw' | 'partition' | 'heal';
const changes: readonly string[] = ['kill', 'start', 'freeze', 'thaw', 'partition', 'heal'] satisfies Change[];

async function change(testbed: Testbed, verb: Change, which: string | undefined): Promise<number> {
  if (which === undefined) throw new UsageError(`${verb}: expected the number of a node`);
  await testbed[verb](number(verb, which) ?? 0);
  return 0;
}

async function run(args: readonly string[]): Promise<number> {
  const { own, foreign } = splitForeign(args);
  const { values, positionals } = parse(own);
  const [verb, first, ...rest] = positionals;
  if (values.help === true || verb === undefined || verb === 'help') {
    say(help);
    return verb === undefined && values.help !== true ? 2 : 0;
  }
  if (rest.length > 0) throw new UsageError(`${verb}: expected no ${rest[0]}`);
  const names = testbedNames(testbedName(values.name, process.env));
  if (verb === 'list') {
    for (const name of listTestbeds()) say(name);
    return 0;
  }
  const hindrance = testbedHindrance();
  if (hindrance !== undefined) throw new Error(hindrance);
  if (verb === 'up') return up(names, first, values);
  if (verb === 'down') return down(names, values.all === true);
  if (verb === 'status') {
    const status = await attachTestbed(names).status();
    say(values.json === true ? JSON.stringify(status, undefined, 2) : statusTable(status));
    return 0;
  }
  if (changes.includes(verb)) return change(attachTestbed(names), verb as Change, first);
  if (verb === 'lan') {
    if (foreign.length === 0) throw new UsageError('lan: expected a command');
    return pass([...attachTestbed(names).lan, ...foreign]);
  }
  if (verb === 'docker') {
    const node = attachTestbed(names).node(number('docker', first) ?? 0);
    if (findProgram('docker') === undefined)
      throw new Error(
        `there is no docker command (Debian: apt-get install docker.io); the socket is ${node.socketPath}`,
      );
    return pass(['docker', '-H', `unix://${node.socketPath}`, ...foreign]);
  }
  throw new UsageError(`expected a verb, came ${verb}`);
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}${error instanceof UsageError ? `\n\n${help}` : ''}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
