/**
 * The loop: observe → reconcile → act → publish → tell the operations. Woken by events and by a tick; one turn at a
 * time. What is to be done is decided in core/upkeep; this only has it carried out.
 * Invariant: what a turn has decided is durable (records, what serves) before the table that follows from it leaves.
 */
import { followColdStarts } from './cold-start.ts';
import { openObserver } from './deployment-seen.ts';
import { noteFleetEvent } from './fleet-events.ts';
import type { FleetEvent } from './fleet.ts';
import type { GatewayChannel } from './gateway-channel.ts';
import { wokenOf } from './observations.ts';
import type { Publisher } from './publisher.ts';
import { takeTurns, type Turns } from './turns.ts';
import { carryOut, stopGraceMs, type UpkeepActionParts } from './upkeep-actions.ts';
import { planUpkeep } from './upkeep-plan.ts';

export interface UpkeepLoop extends Turns {
  onFleetEvent(event: FleetEvent): void;
}

export interface UpkeepLoopParts extends UpkeepActionParts {
  readonly channel: GatewayChannel;
  readonly publisher: Publisher;
  /** Nothing may be done, on nobody's behalf: every replica stays as it is. */
  readonly halted?: () => boolean;
}

const tickMs = 250;

export function startUpkeepLoop(parts: UpkeepLoopParts): UpkeepLoop {
  const { deployments, fleet, channel, publisher, progress, clock } = parts;
  const coldStarts = followColdStarts(() => clock.wall());
  const observer = openObserver(channel, publisher, clock);

  async function turn(): Promise<void> {
    const replicas = fleet.replicas();
    const gateways = channel.gateways();
    let acted = false;
    const halted = parts.halted?.() === true;
    for (const { deployment, upkeep } of planUpkeep({ deployments, channel, coldStarts, observer, clock }, replicas)) {
      deployment.upkeep = upkeep;
      if (halted) continue;
      acted ||= upkeep.actions.length > 0;
      for (const action of upkeep.actions) await carryOut(parts, deployment, action);
    }
    for (const replica of replicas) {
      // Its deployment is gone from the store, for instance restored from a backup: nobody wants it any more.
      if (deployments.find(replica.deployment) === undefined) {
        fleet.stop(replica.id, 'its deployment is gone', stopGraceMs);
      }
    }
    await deployments.flush();
    await publisher.publish(deployments.all(), fleet.replicas());
    for (const [name, woken] of wokenOf(gateways)) {
      const coldStart = coldStarts.answered(name, woken);
      const deployment = coldStart === undefined ? undefined : deployments.find(name);
      if (deployment !== undefined && coldStart !== undefined) deployment.coldStart = coldStart;
    }
    // Whoever hears that an operation has ended may ask any gateway for what came of it.
    if (publisher.isInForce()) progress.look(deployments, fleet.replicas());
    // What was done may be the last thing that was missing: somebody waits to hear it.
    if (acted) turns.poke();
  }

  const turns = takeTurns(clock, tickMs, 'upkeep', turn);
  return {
    ...turns,
    onFleetEvent(event) {
      noteFleetEvent({ deployments, progress, coldStarts, clock }, event);
      turns.poke();
    },
  };
}
