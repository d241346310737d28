/**
 * What every orchestrator must do, as tests that each driver runs. The engine (`open` may be called again on the same
 * one) outlives the orchestrator object, as a replica outlives the control that started it. What a driver does otherwise
 * it declares by name, and the suite asks for that instead.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Orchestrator } from '../../control/orchestrator.ts';
import type { PeerIdentity } from '../../tls/peer.ts';
import { deviations, type DeviationName, type Deviations } from './orchestrator-deviations.ts';

export interface OrchestratorEngine extends AsyncDisposable {
  open(): Promise<Orchestrator>;
  /** What is shown to replicas that are reached over TCP. */
  readonly identity?: PeerIdentity;
  /** Makes a replica die by itself, as a crash would; also while no orchestrator is open. */
  crash(id: string, where: string): Promise<void>;
  /** Replicas that exist or that the engine is about to make, whoever knows of them. */
  alive(): Promise<number>;
  /** Whatever else is kept for replicas: files, services, secrets. */
  left(): Promise<readonly string[]>;
  /** Cores that the kernel lets a replica use; undefined: all that there are. */
  coresOf?(where: string): Promise<number | undefined>;
  /** Somebody else asks the engine for one more replica of deployment `m`. */
  meddle?(): Promise<void>;
}

export interface OrchestratorUnderTest {
  readonly name: string;
  readonly deviations: Deviations;
  readonly engine: () => Promise<OrchestratorEngine>;
  /** Why no limit can be made on this machine, where it is so. */
  readonly unlimited?: string | undefined;
  /** Tests at once; 1 unless it is said. */
  readonly concurrency?: number;
}

/** Tests of one idea; a driver runs all of them, a variant of it those that it changes. */
export type OrchestratorPart = (driver: OrchestratorUnderTest) => void;

export function orchestratorConformance(driver: OrchestratorUnderTest, parts: readonly OrchestratorPart[]): void {
  const { name, concurrency = 1 } = driver;
  void describe(`the ${name} orchestrator`, { concurrency }, () => parts.forEach((part) => part(driver)));
}

export type Observed = 'as the seam says' | 'as the deviation says';

/** One test where drivers differ: what is observed must be what the driver declares. */
export function itIsDeclared(
  driver: OrchestratorUnderTest,
  name: DeviationName,
  observe: (world: OrchestratorEngine, isDeclared: boolean) => Promise<Observed>,
): void {
  const why = driver.deviations[name];
  const { seam, instead } = deviations[name];
  void it(why === undefined ? seam : `deviation “${name}”: ${instead}`, async () => {
    await using world = await driver.engine();
    const observed = await observe(world, why !== undefined);
    if (why === undefined) assert.equal(observed, 'as the seam says', `a deviation is not declared: ${name}`);
    else assert.equal(observed, 'as the deviation says', `a deviation is declared and none: ${name}`);
  });
}
