/**
 * Ray Serve's default policy, ray-project/ray 2.60.0: requests that wait or run, over those that a replica should have,
 * a wish that has lasted. Ongoing is the mean over the look-back, as its controller merges what replicas push.
 */
import { decideRay, freshRay, type RayMemory } from './ray-rules.ts';
import { average, buckets, type Buckets, writeSeen } from './bucket-window.ts';
import { doubtOf } from '../signals.ts';
import { hold, type Policy, type PolicyDefinition } from '../policy.ts';
import type { ParameterTable, Parameters } from '../parameters.ts';

const parameters = {
  targetOngoingRequests: { kind: 'number', default: 2, min: 0.01, about: 'Requests that wait or run, a replica.' },
  upscalingFactor: { kind: 'number', default: 1, min: 0.01, about: 'Share of the way up that is gone at once.' },
  downscalingFactor: { kind: 'number', default: 1, min: 0.01, about: 'Share of the way down that is gone at once.' },
  upscaleDelaySeconds: { kind: 'number', default: 30, min: 0, about: 'Seconds a higher wish has to last.' },
  downscaleDelaySeconds: { kind: 'number', default: 600, min: 0, about: 'Seconds a lower wish has to last.' },
  downscaleToZeroDelaySeconds: {
    kind: 'number',
    default: -1,
    min: -1,
    about: 'Its own for the last replica; -1: the same.',
  },
  lookBackSeconds: { kind: 'number', default: 30, min: 1, max: 3600, about: 'Seconds of the mean.' },
} as const satisfies ParameterTable;

interface RayState {
  readonly ongoing: Buckets;
  readonly memory: RayMemory;
  /** When a second was last not known: the mean has a hole until a look-back after it. */
  readonly blindAt: number;
}

function create(set: Parameters<typeof parameters>): Policy<RayState> {
  const toZero = set.downscaleToZeroDelaySeconds;
  const config = { ...set, downscaleToZeroDelaySeconds: toZero < 0 ? null : toZero };
  return {
    name: 'ray',
    start: () => ({
      ongoing: buckets(set.lookBackSeconds),
      memory: freshRay,
      blindAt: Number.NEGATIVE_INFINITY,
    }),
    step: (before, seen, atMs) => {
      const at = atMs / 1000;
      const { inFlight, queued } = seen.signals;
      const blind = doubtOf('what runs', inFlight) ?? doubtOf('the queue', queued);
      if (blind !== undefined) {
        return { state: { ...before, memory: freshRay, blindAt: at }, proposal: hold(seen, blind) };
      }
      writeSeen(before.ongoing, at, inFlight.value + queued.value, seen.spanMs);
      const ongoing = average(before.ongoing, at);
      const { ready, target } = seen.fleet;
      const { memory, replicas } = decideRay(before.memory, { ongoing, running: ready, target }, config, at);
      const state = { ongoing: before.ongoing, memory, blindAt: before.blindAt };
      const bounded = Math.min(seen.max, Math.max(seen.min, replicas));
      const doubt = at - before.blindAt < set.lookBackSeconds ? 'its mean has a hole' : undefined;
      if (doubt !== undefined && bounded < target) return { state, proposal: hold(seen, doubt) };
      const reason = (): string => {
        const lasting =
          memory.direction === 0 ? '' : `, a ${memory.direction > 0 ? 'higher' : 'lower'} wish has to last`;
        return `${ongoing.toFixed(1)} requests over ${ready} running at ${set.targetOngoingRequests} each${lasting}`;
      };
      return { state, proposal: { target: bounded, reason, doubt } };
    },
  };
}

export const ray: PolicyDefinition<typeof parameters> = {
  name: 'ray',
  layout: 1,
  summary: "Ray Serve's default: ongoing requests a replica.",
  source: 'ray-project/ray 2.60.0, python/ray/serve/autoscaling_policy.py.',
  parameters,
  create,
};
