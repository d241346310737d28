/**
 * Several real Docker engines on one machine that form a real Swarm: each a machine of its own as far as power, network
 * and limits go. For tests and for trying things out; docs/testbed.md says what it cannot do.
 */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type Docker from 'dockerode';
import { freezeGroup, thawGroup } from './control-groups.ts';
import { sweep, takeDown } from './down.ts';
import { engineAt } from './engine.ts';
import { loadImages, type ImageSource } from './images.ts';
import { testbedNames, type NodeNames, type TestbedNames } from './names.ts';
import { isNetworkTaken, lanCommand, makeLan, plugInMachine } from './network.ts';
import { cutNode, healNode, killNode, powerOf, startNode } from './node.ts';
import { testbedHindrance } from './requirements.ts';
import { checkSettings, defaultSettings, mergeSettings, type TestbedSettings } from './settings.ts';
import { identify, isRunning, lockTestbed, readRecord, writeRecord, type ProcessIdentity } from './state.ts';
import { lookAt, type TestbedStatus } from './status.ts';
import { formSwarm } from './swarm.ts';

export interface TestbedOptions extends Partial<TestbedSettings> {
  /** A name that nobody else uses unless one is given. */
  readonly name?: string;
  readonly images?: readonly ImageSource[];
}

/** Nodes are numbered from 1; the first ones are managers. Disposing it takes it down. */
export interface Testbed extends AsyncDisposable {
  readonly name: string;
  readonly settings: TestbedSettings;
  /** A command is put behind these words to run in the network of the nodes, as a caller's machine would. */
  readonly lan: readonly string[];
  /** Of this machine, as the nodes and their containers reach it; undefined unless it is `reachable`. */
  readonly machineAddress: string | undefined;
  /** Address, socket and host name of a node; throws for a number that it does not have. */
  node(number: number): NodeNames;
  /** Its engine's API. */
  docker(number: number): Docker;
  /** Takes a node's power away: its engine and all its containers are gone at once. */
  kill(number: number): Promise<void>;
  /** Switches it on again; returns when its engine answers, before the Swarm has it back. */
  start(number: number): Promise<void>;
  /** Stops all of its processes where they are; its connections stay open. */
  freeze(number: number): Promise<void>;
  thaw(number: number): Promise<void>;
  /** Pulls its network cable; what it runs goes on. */
  partition(number: number): Promise<void>;
  heal(number: number): Promise<void>;
  load(...images: readonly ImageSource[]): Promise<void>;
  status(): Promise<TestbedStatus>;
}

/** Opens one for this process alone: what a process that died had opened is taken away first. */
export async function openTestbed({ name, images, ...asked }: TestbedOptions = {}): Promise<Testbed> {
  refuseWhereImpossible();
  await sweep();
  const names = name === undefined ? await unusedNames() : testbedNames(name);
  // It would be taken down when this one ends, or cannot come up.
  if (readRecord(names) !== undefined) throw new Error(`testbed ${names.name} is there already: somebody else's`);
  try {
    return await raise(names, asked, images ?? [], identify(process.pid) ?? null);
  } catch (error) {
    await takeDown(names);
    throw error;
  }
}

async function unusedNames(): Promise<TestbedNames> {
  for (;;) {
    const names = testbedNames(`t-${randomBytes(4).toString('hex')}`);
    if (!(await isNetworkTaken(names))) return names;
  }
}

/** Brings up what is missing of a testbed that stays until it is taken down; safe to repeat. */
export function raiseTestbed(
  names: TestbedNames,
  asked: Partial<TestbedSettings>,
  images: readonly ImageSource[],
): Promise<Testbed> {
  refuseWhereImpossible();
  return raise(names, asked, images, null);
}

/** One that is there; throws when there is none of this name. */
export function attachTestbed(names: TestbedNames): Testbed {
  const record = readRecord(names);
  if (record === undefined)
    throw new Error(`there is no testbed ${names.name}: npm run testbed -- --name ${names.name} up 3`);
  return handle(names, record.settings);
}

function refuseWhereImpossible(): void {
  const hindrance = testbedHindrance();
  if (hindrance !== undefined) throw new Error(hindrance);
}

async function raise(
  names: TestbedNames,
  asked: Partial<TestbedSettings>,
  images: readonly ImageSource[],
  owner: ProcessIdentity | null,
): Promise<Testbed> {
  using _ = await lockTestbed(names);
  const record = readRecord(names);
  const merged = record === undefined ? { ...defaultSettings, ...asked } : mergeSettings(record.settings, asked);
  const settings = checkSettings(merged, availableParallelism());
  // First of all, so that whoever finds half of it knows what it was to be.
  // Whoever opened it and lives goes on to own it; nobody else would take it down.
  const kept = record?.owner != null && isRunning(record.owner) ? record.owner : owner;
  writeRecord(names, { settings, owner: kept });
  await makeLan(names);
  if (settings.reachable) await plugInMachine(names);
  const nodes = Array.from({ length: settings.nodes }, (_, index) => names.node(index + 1));
  await Promise.all(
    nodes.map(async (node) => {
      thawGroup(node.group);
      await healNode(names, node);
      await startNode(names, node, settings);
    }),
  );
  const socketPaths = nodes.map(({ socketPath }) => socketPath);
  await Promise.all([formSwarm(names, settings), loadImages(images, socketPaths, `${names.folder}/images`)]);
  return handle(names, settings);
}

function handle(names: TestbedNames, settings: TestbedSettings): Testbed {
  const node = (number: number): NodeNames => {
    if (!Number.isInteger(number) || number < 1 || number > settings.nodes)
      throw new Error(`expected a node from 1 to ${settings.nodes}, came ${number}`);
    return names.node(number);
  };
  /** Of a node that is on: a frozen or a dead one has nothing to be stopped or continued. */
  const running = (number: number): NodeNames => {
    const found = node(number);
    if (powerOf(found) === 'off') throw new Error(`${found.hostname} is off: npm run testbed -- start ${number}`);
    return found;
  };
  return {
    name: names.name,
    settings,
    lan: lanCommand(names),
    machineAddress: settings.reachable ? names.machine.address : undefined,
    node,
    docker: (number) => engineAt(node(number).socketPath),
    kill: async (number) => killNode(names, node(number)),
    start: async (number) => startNode(names, node(number), settings),
    freeze: async (number) => freezeGroup(running(number).group),
    thaw: async (number) => thawGroup(running(number).group),
    partition: async (number) => cutNode(names, node(number)),
    heal: async (number) => healNode(names, node(number)),
    load: (...images) => {
      const socketPaths = Array.from({ length: settings.nodes }, (_, index) => node(index + 1).socketPath);
      return loadImages(images, socketPaths, `${names.folder}/images`);
    },
    status: () => lookAt(names, settings),
    [Symbol.asyncDispose]: () => takeDown(names),
  };
}
