/** Rules of `alerts` beyond its types: what names each other, what excludes each other, what could never happen. Pure. */
import type { AlertsSettings, NotifySettings, PlaybookSettings, SecretPlace } from './alerts-specification.ts';
import { didYouMean } from './nearest.ts';
import type { ConfigurationProblem } from './problems.ts';
import type { Specification } from './specification.ts';

type Path = readonly PropertyKey[];

/** Signals and playbooks: each is asked for every notification, and for every look of the governor. */
const namedMax = 100;

export function checkAlerts({ alerts, deployments, notifications }: Specification): ConfigurationProblem[] {
  const { webhooks, signals, playbooks } = alerts;
  const problems: ConfigurationProblem[] = [];
  for (const [sender, settings] of Object.entries(webhooks)) {
    const path = ['alerts', 'webhooks', sender];
    if (settings === undefined) continue;
    if (settings.bearer === undefined && settings.hmac === undefined) {
      problems.push({ path, text: 'expected how the sender proves itself: bearer, hmac, or both' });
    }
    if (settings.bearer !== undefined) problems.push(...checkPlace([...path, 'bearer'], settings.bearer));
    if (settings.hmac !== undefined) problems.push(...checkPlace([...path, 'hmac', 'secret'], settings.hmac.secret));
  }
  for (const [section, found] of Object.entries({ signals, playbooks })) {
    const count = Object.keys(found).length;
    if (count > namedMax)
      problems.push({ path: ['alerts', section], text: `expected at most ${namedMax}, got ${count}` });
    for (const [name, { match, source }] of Object.entries(found)) {
      const path = ['alerts', section, name];
      if (Object.keys(match).length === 0)
        problems.push({ path: [...path, 'match'], text: 'expected at least one label' });
      problems.push(...checkSource(path, source, webhooks));
    }
  }
  for (const [name, playbook] of Object.entries(playbooks)) {
    const path = ['alerts', 'playbooks', name];
    problems.push(...checkPlaybook(path, playbook, deployments, Object.keys(notifications.channels)));
  }
  for (const [name, { scaling }] of Object.entries(deployments)) {
    for (const metric of Object.keys(scaling.metrics ?? {})) {
      if (!Object.hasOwn(signals, metric)) continue;
      const path = ['deployments', name, 'scaling', 'metrics', metric];
      problems.push({ path, text: 'is the name of a signal in alerts.signals already' });
    }
    for (const [index, signal] of (scaling.holdOn ?? []).entries()) {
      if (Object.hasOwn(signals, signal)) continue;
      const path = ['deployments', name, 'scaling', 'holdOn', index];
      problems.push({ path, text: `alerts.signals has no ${signal}${didYouMean(signal, Object.keys(signals))}` });
    }
  }
  return problems;
}

/** Exactly one place. */
export function checkPlace(path: Path, { file, env }: SecretPlace): ConfigurationProblem[] {
  if ((file === undefined) !== (env === undefined)) return [];
  return [{ path, text: `expected where the secret is: file or env, got ${file === undefined ? 'neither' : 'both'}` }];
}

function checkSource(
  path: Path,
  source: keyof AlertsSettings['webhooks'] | undefined,
  webhooks: AlertsSettings['webhooks'],
): ConfigurationProblem[] {
  const senders = Object.entries(webhooks).flatMap(([sender, settings]) => (settings === undefined ? [] : [sender]));
  if (senders.length === 0) return [{ path, text: 'no alert can come: expected a sender in alerts.webhooks' }];
  if (source === undefined || webhooks[source] !== undefined) return [];
  return [
    { path: [...path, 'source'], text: `alerts.webhooks has no ${source}; expected one of ${senders.join(', ')}` },
  ];
}

function checkPlaybook(
  path: Path,
  playbook: PlaybookSettings,
  deployments: Specification['deployments'],
  channels: readonly string[],
): ConfigurationProblem[] {
  const { deployment, reason } = playbook;
  const problems: ConfigurationProblem[] = [];
  const reactions = (['firing', 'resolved'] as const).flatMap((on) => {
    const found = playbook[on];
    return found === undefined ? [] : [{ at: [...path, on], ...found }];
  });
  if (reactions.length === 0) problems.push({ path, text: 'expected what it does: firing, resolved, or both' });
  for (const { at, scaleOut, scaleIn, mode, notify } of reactions) {
    const scales = scaleOut !== undefined || scaleIn !== undefined;
    if (!scales && mode === undefined && notify === undefined) {
      problems.push({ path: at, text: 'expected at least one of scaleOut, scaleIn, mode, notify' });
    }
    if (scaleOut !== undefined && scaleIn !== undefined) {
      problems.push({ path: [...at, 'scaleIn'], text: 'scaleOut and scaleIn exclude each other' });
    }
    if ((scales || mode !== undefined) && deployment === undefined) {
      problems.push({ path: at, text: 'expected the deployment beside it whose replicas or mode it changes' });
    }
    const bounds = deployment === undefined ? undefined : deployments[deployment]?.replicas;
    if (scales && bounds !== undefined && bounds.max <= Math.max(1, bounds.min)) {
      problems.push({
        path: at,
        text: `${deployment} has a fixed size: its bounds are ${bounds.min} to ${bounds.max}`,
      });
    }
    if (mode !== undefined && mode !== 'advise' && reason === undefined) {
      problems.push({ path: [...at, 'mode'], text: `expected the reason for the mode ${mode}: reason, beside match` });
    }
    if (notify === undefined) continue;
    problems.push(...checkTarget([...at, 'notify'], notify, channels));
  }
  if (deployment !== undefined && !Object.hasOwn(deployments, deployment)) {
    const text = `no deployment has the name ${deployment}${didYouMean(deployment, Object.keys(deployments))}`;
    problems.push({ path: [...path, 'deployment'], text });
  }
  return problems;
}

/** Who is told: one address or one channel. */
function checkTarget(path: Path, notify: NotifySettings, channels: readonly string[]): ConfigurationProblem[] {
  const { url, urlFrom, bearer, channel } = notify;
  const named = [url, urlFrom, channel].filter((one) => one !== undefined).length;
  const problems: ConfigurationProblem[] = [];
  if (named !== 1) {
    problems.push({ path, text: `expected one of url, urlFrom and channel, got ${named === 0 ? 'none' : named}` });
  }
  if (channel !== undefined && !channels.includes(channel)) {
    const text = `notifications.channels has no ${channel}${didYouMean(channel, channels)}`;
    problems.push({ path: [...path, 'channel'], text });
  }
  if (channel !== undefined && bearer !== undefined) {
    problems.push({ path: [...path, 'bearer'], text: 'is for an address; a channel has its own' });
  }
  if (urlFrom !== undefined) problems.push(...checkPlace([...path, 'urlFrom'], urlFrom));
  if (bearer !== undefined) problems.push(...checkPlace([...path, 'bearer'], bearer));
  return problems;
}
