/** Rules of `notifications` beyond its types: one address, one place of each secret, templates that can be filled. Pure. */
import { parseTemplate, templateFields } from '../core/notifications/template.ts';
import { didYouMean } from './nearest.ts';
import type { ChannelSpecification } from './notifications-specification.ts';
import { checkPlace } from './check-alerts.ts';
import type { ConfigurationProblem } from './problems.ts';
import type { Specification } from './specification.ts';

type Path = readonly string[];

/** Each is asked about every event. */
const channelsMax = 20;

export function checkNotifications({ notifications, deployments }: Specification): ConfigurationProblem[] {
  const { channels } = notifications;
  const path = ['notifications', 'channels'];
  const count = Object.keys(channels).length;
  return [
    ...(count > channelsMax ? [{ path, text: `expected at most ${channelsMax}, got ${count}` }] : []),
    ...Object.entries(channels).flatMap(([name, channel]) =>
      checkChannel([...path, name], channel, Object.keys(deployments)),
    ),
  ];
}

function checkChannel(path: Path, channel: ChannelSpecification, names: readonly string[]): ConfigurationProblem[] {
  const problems = (['title', 'text'] as const).flatMap((key) => checkTemplate([...path, key], channel[key]));
  for (const [index, deployment] of (channel.deployments ?? []).entries()) {
    if (names.includes(deployment)) continue;
    const text = `no deployment has the name ${deployment}${didYouMean(deployment, names)}`;
    problems.push({ path: [...path, 'deployments', String(index)], text });
  }
  if (channel.kind === 'email') {
    const { user, password, tls, host } = channel.smtp;
    const smtp = [...path, 'smtp'];
    if ((user === undefined) !== (password === undefined)) {
      problems.push({ path: smtp, text: 'expected user and password, or neither' });
    }
    if (password !== undefined) problems.push(...checkPlace([...smtp, 'password'], password));
    if (tls === 'none' && user !== undefined && !isLoopback(host)) {
      problems.push({ path: [...smtp, 'tls'], text: 'a password is not sent in clear: expected starttls or implicit' });
    }
    return problems;
  }
  if ((channel.url === undefined) === (channel.urlFrom === undefined)) {
    const got = channel.url === undefined ? 'neither' : 'both';
    problems.push({ path, text: `expected url or urlFrom, got ${got}` });
  }
  if (channel.urlFrom !== undefined) problems.push(...checkPlace([...path, 'urlFrom'], channel.urlFrom));
  if (channel.kind !== 'webhook') return problems;
  const { bearer, hmac } = channel;
  if (bearer !== undefined) problems.push(...checkPlace([...path, 'bearer'], bearer));
  if (hmac !== undefined) problems.push(...checkPlace([...path, 'hmac', 'secret'], hmac.secret));
  return problems;
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');

function checkTemplate(path: Path, template: string | undefined): ConfigurationProblem[] {
  if (template === undefined) return [];
  const parsed = parseTemplate(template);
  if (parsed.kind === 'template') return [];
  if (parsed.kind === 'broken') return [{ path, text: parsed.reason }];
  const names = Object.keys(templateFields);
  const near = didYouMean(parsed.field, names) || `; expected ${names.join(', ')}`;
  return [{ path, text: `there is no field ${JSON.stringify(parsed.field)}${near}` }];
}
