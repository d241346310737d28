/** What somebody changed past the specification, in a line: what, who, how long ago, and how it ends. Pure. */
import type { OverrideView } from '../api/schemas.ts';
import { age } from '../units.ts';

const valueLength = 60;

export function overrideText({ path, value, owner, at }: OverrideView, now: number): string {
  const by = `by ${owner}, ${age(now - at)} ago`;
  const [, deployment] = /^deployments\.(.+?)(?:\.replicas)?$/.exec(path) ?? [];
  if (deployment !== undefined && path === `deployments.${deployment}`) {
    return value === null
      ? `${deployment} was stopped ${by}; deploying the specification brings it back`
      : `${deployment} was deployed ${by}, past the specification (flyball plan tells what becomes of it, flyball down ${deployment} ends it)`;
  }
  return `${path} is ${shortJson(value)} ${by}; deploying the specification drops it`;
}

function shortJson(value: unknown): string {
  const text = JSON.stringify(value) ?? 'gone';
  return text.length <= valueLength ? text : `${text.slice(0, valueLength - 3)}...`;
}
