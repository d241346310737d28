/** The tier as people write it: how long a replica takes from its order to its first request. Pure. */
import { lagSeconds } from '../scenario.ts';
import type { Distribution } from '../world/distribution.ts';
import { AskRefused, type Wording } from './ask.ts';

const lagMsMax = 86_400_000;
const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** `process`, `container`, `vm`, seconds, or a duration; `:0.3` behind it makes it lognormal with that spread. */
export function readLag(text: string, { option }: Wording): Distribution {
  const [tier = '', spread] = text.split(':');
  const ms = lagMs(tier);
  if (!(ms >= 0 && ms <= lagMsMax))
    throw new AskRefused(`${option('lag')} expects process, container, vm or seconds such as 10, got ${text}`);
  if (spread === undefined) return { kind: 'fixed', mean: ms };
  const cv = Number(spread);
  if (!(cv > 0 && cv <= 10))
    throw new AskRefused(`${option('lag')} ${text}: the spread is expected to be above 0 and at most 10`);
  return { kind: 'lognormal', mean: ms, cv };
}

function lagMs(tier: string): number {
  if (Object.hasOwn(lagSeconds, tier)) return lagSeconds[tier as keyof typeof lagSeconds] * 1000;
  const [, value, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(tier) ?? [];
  return Number(value) * unitMs[unit as keyof typeof unitMs];
}
