/** The governor as the API asks for it, and as people tell it what it may. */
import { FlyballError } from '../../errors.ts';
import type { ControlService } from '../control-service.ts';
import type { Deployments } from '../deployments.ts';
import { whyNow, whyThen, type WhyParts } from './why.ts';

export type GovernorService = Pick<
  ControlService,
  'why' | 'setMode' | 'governor' | 'halt' | 'release' | 'approve' | 'reject'
>;

export function governorService(parts: WhyParts & { readonly deployments: Deployments }): GovernorService {
  const { deployments, governor, modes, approvals } = parts;
  const state = () => {
    const halt = modes.halt();
    return { approvals: [...approvals.list()], ...(halt === undefined ? {} : { halt }) };
  };
  return {
    async why(name, at) {
      const deployment = deployments.get(name);
      return at === undefined ? whyNow(deployment, parts) : whyThen(deployment, at, parts);
    },
    async setMode(name, { mode, by, reason, rehearsal }) {
      const deployment = deployments.get(name);
      const words =
        rehearsal === undefined ? reason : `rehearsal ${rehearsal}${reason === undefined ? '' : `: ${reason}`}`;
      if (mode !== 'advise' && words === undefined) {
        throw new FlyballError('INVALID_REQUEST', `expected a reason or a rehearsal for the mode ${mode}, got none`);
      }
      await modes.set(name, { mode, by, reason: words ?? 'asked for' });
      if (mode !== 'approve') approvals.withdraw(name, `the mode is ${mode} now`);
      const { reason: said, ...inForce } = modes.of(deployment);
      return { ...inForce, reason: said, deployment: name };
    },
    governor: async () => state(),
    async halt(request) {
      await modes.setHalt(request);
      return state();
    },
    async release(request) {
      await modes.release(request);
      return state();
    },
    approve: (id, by) => governor.approve(id, by),
    reject: async (id, { by, reason }) => governor.reject(id, by, reason),
  };
}
