/** The governor as the API asks for it, and as people tell it what it may. */
import type { Clock } from '../../clock.ts';
import type { ModeRequest, ModeView } from '../../api/schemas.ts';
import { FlyballError } from '../../errors.ts';
import type { ControlService } from '../control-service.ts';
import type { Deployments } from '../deployments.ts';
import { reasonOf } from '../rehearsals.ts';
import { whyNow, whyThen, type WhyParts } from './why.ts';

export type GovernorService = Pick<
  ControlService,
  'why' | 'mode' | 'setMode' | 'governor' | 'halt' | 'release' | 'approve' | 'reject' | 'approvalOf'
>;

export function governorService(
  parts: WhyParts & {
    readonly deployments: Deployments;
    readonly clock: Clock;
    /** Digest of the decision code that runs. */
    readonly build: string;
  },
): GovernorService {
  const { deployments, governor, modes, approvals, store, clock, build } = parts;
  const state = (isShown: (deployment: string) => boolean = () => true) => {
    const halt = modes.halt();
    const halts = Object.fromEntries(Object.entries(modes.halts()).filter(([name]) => isShown(name)));
    return {
      approvals: approvals.list().filter(({ deployment }) => isShown(deployment)),
      ...(halt === undefined ? {} : { halt }),
      ...(Object.keys(halts).length === 0 ? {} : { halts }),
    };
  };
  const modeOf = (name: string): ModeView => {
    const { reason, ...inForce } = modes.of(deployments.get(name));
    return { ...inForce, reason, deployment: name };
  };
  /** One after another: what somebody has read of a mode is held still until it is another. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };

  async function setMode(name: string, { mode, by, reason, rehearsal }: ModeRequest): Promise<ModeView> {
    const deployment = deployments.get(name);
    const measuredMs = governor.of(name)?.last?.seen.objective.latencyMs;
    const terms = { at: clock.wall(), build, measuredMs, ownReason: reason };
    const rested = rehearsal === undefined ? undefined : await reasonOf(store, rehearsal, deployment, terms);
    const words = [reason, rested?.words].filter((each) => each !== undefined).join('; ') || undefined;
    if (mode !== 'advise' && words === undefined) {
      throw new FlyballError('INVALID_REQUEST', `expected a reason or a rehearsal for the mode ${mode}, got none`);
    }
    await modes.set(name, { mode, by, reason: words ?? 'asked for', ...(rested && { details: rested.summary }) });
    if (mode !== 'approve') approvals.withdraw(name, `the mode is ${mode} now`);
    return modeOf(name);
  }

  const only = (name: string) => (deployment: string) => deployment === name;
  return {
    async why(name, at) {
      const deployment = deployments.get(name);
      return at === undefined ? whyNow(deployment, parts) : whyThen(deployment, at, parts);
    },
    mode: async (name) => modeOf(name),
    setMode: (name, request, precondition) =>
      inTurn(async () => {
        await precondition?.();
        return setMode(name, request);
      }),
    governor: async (isShown) => state(isShown),
    async halt(request, name) {
      if (name === undefined) {
        await modes.setHalt(request);
        return state();
      }
      await modes.setHalt({ ...request, deployment: deployments.get(name).name });
      return state(only(name));
    },
    async release(request, name) {
      if (name === undefined) {
        await modes.release(request);
        return state();
      }
      await modes.release({ ...request, deployment: deployments.get(name).name });
      return state(only(name));
    },
    approvalOf: (id) => approvals.list().find((approval) => approval.id === id)?.deployment,
    approve: (id, by) => governor.approve(id, by),
    reject: async (id, { by, reason }) => governor.reject(id, by, reason),
  };
}
