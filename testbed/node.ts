/** One node as a machine: switched on, off, frozen, cut off. Whether it is on is read from the kernel, never remembered. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { bootCommand, engineConfiguration, smallerMeminfo } from './boot.ts';
import { sleep, systemPath } from './commands.ts';
import { groupMembers, isFrozen, killGroup, makeGroups } from './control-groups.ts';
import { answers } from './engine.ts';
import type { NodeNames, TestbedNames } from './names.ts';
import { plugIn, setCable, unplug } from './network.ts';
import type { TestbedSettings } from './settings.ts';

const bootMs = 60_000;

export type Power = 'up' | 'frozen' | 'off';

export function powerOf(node: NodeNames): Power {
  if (firstProcess(groupMembers(node.group)) === undefined) return 'off';
  return isFrozen(node.group) ? 'frozen' : 'up';
}

/**
 * The first process of a node: process 1 of a namespace one below this. Those of its containers are two below.
 * Undefined when the node is not on, or is only just being switched on.
 */
export function firstProcess(pids: readonly number[]): number | undefined {
  return pids.find((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const inner = /^NSpid:\t\d+\t(.*)$/m.exec(status)?.[1];
      return inner === '1';
    } catch {
      return false; // it has ended in between
    }
  });
}

const cutMark = (node: NodeNames): string => `${node.folder}/cut`;

/** Whether its cable is cut, which a node that is off and on again does not mend. */
export const isCut = (node: NodeNames): boolean => existsSync(cutMark(node));

/**
 * Switches a node on that is off: with its disk as it was left, and nothing else of what it was. Returns when its
 * engine answers.
 */
export async function startNode(names: TestbedNames, node: NodeNames, settings: TestbedSettings): Promise<void> {
  if (powerOf(node) === 'off') await boot(names, node, settings);
  else await waitForEngine(node, () => false);
}

async function boot(names: TestbedNames, node: NodeNames, settings: TestbedSettings): Promise<void> {
  await killNode(names, node); // what an attempt that was broken off has left
  mkdirSync(`${node.folder}/etc`, { recursive: true });
  rmSync(node.socketPath, { force: true });
  writeFileSync(`${node.folder}/daemon.json`, `${JSON.stringify(engineConfiguration(node, settings), undefined, 2)}\n`);
  if (settings.memoryMiB !== undefined)
    writeFileSync(`${node.folder}/meminfo`, smallerMeminfo(readFileSync('/proc/meminfo', 'utf8'), settings.memoryMiB));
  makeGroups(node.group, settings);
  await plugIn(names, node, isCut(node));
  const { program, args } = bootCommand(node, settings, availableParallelism());
  const log = openSync(`${node.folder}/dockerd.log`, 'a');
  const child = spawn(program, args, {
    // Of its own, so that a Ctrl-C that is meant for the caller does not reach it.
    detached: true,
    cwd: '/',
    stdio: ['ignore', log, log],
    // Images are where the testbed has put them: asking a registry on every new task would only take time.
    env: { PATH: systemPath, HOME: '/root', DOCKER_SERVICE_PREFER_OFFLINE_IMAGE: '1' },
  });
  closeSync(log);
  let ended = false;
  child.once('exit', () => (ended = true));
  child.once('error', () => (ended = true));
  child.unref();
  await waitForEngine(node, () => ended);
}

async function waitForEngine(node: NodeNames, ended: () => boolean): Promise<void> {
  const end = performance.now() + bootMs;
  while (!(await answers(node.socketPath))) {
    if (!ended() && performance.now() < end) {
      await sleep(25);
      continue;
    }
    const log = readFileSync(`${node.folder}/dockerd.log`, 'utf8').trim().split('\n').slice(-5).join('\n');
    throw new Error(`the engine of ${node.hostname} ${ended() ? 'has ended' : 'does not answer'}:\n${log}`);
  }
}

/** Takes its power away: engine, containers and network are gone at once, without a word to anybody; the disk stays. */
export async function killNode(names: TestbedNames, node: NodeNames): Promise<void> {
  await killGroup(node.group, firstProcess);
  await unplug(names, node);
}

export async function cutNode(names: TestbedNames, node: NodeNames): Promise<void> {
  writeFileSync(cutMark(node), '');
  if (powerOf(node) !== 'off') await setCable(names, node, 'down');
}

export async function healNode(names: TestbedNames, node: NodeNames): Promise<void> {
  rmSync(cutMark(node), { force: true });
  if (powerOf(node) !== 'off') await setCable(names, node, 'up');
}
