/** Files of secrets under absolute paths: control reads them wherever it runs, long after the specification was read. */
import { resolve } from 'node:path';
import type { AlertsSettings, PlaybookSettings, SecretPlace, WebhookSettings } from './alerts-specification.ts';
import type { Specification } from './specification.ts';

export function withAbsoluteSecrets(specification: Specification, folder: string): Specification {
  const place = (found: SecretPlace): SecretPlace =>
    found.file === undefined ? found : { ...found, file: resolve(folder, found.file) };
  const webhook = (found: WebhookSettings | undefined): WebhookSettings | undefined =>
    found && {
      ...found,
      ...(found.bearer && { bearer: place(found.bearer) }),
      ...(found.hmac && { hmac: { ...found.hmac, secret: place(found.hmac.secret) } }),
    };
  const reaction = (found: PlaybookSettings['firing']): PlaybookSettings['firing'] =>
    found?.notify && {
      ...found,
      notify: {
        ...found.notify,
        ...(found.notify.urlFrom && { urlFrom: place(found.notify.urlFrom) }),
        ...(found.notify.bearer && { bearer: place(found.notify.bearer) }),
      },
    };
  const { webhooks, playbooks } = specification.alerts;
  const alerts: AlertsSettings = {
    ...specification.alerts,
    webhooks: mapped(webhooks, webhook),
    playbooks: mapped(playbooks, (playbook) => ({
      ...playbook,
      ...(playbook.firing && { firing: reaction(playbook.firing) ?? playbook.firing }),
      ...(playbook.resolved && { resolved: reaction(playbook.resolved) ?? playbook.resolved }),
    })),
  };
  return { ...specification, alerts };
}

function mapped<Value, Holder extends Readonly<Record<string, Value>>>(
  holder: Holder,
  change: (value: Holder[keyof Holder]) => Value,
): Holder {
  const entries = Object.entries(holder).map(([key, value]) => [key, change(value as Holder[keyof Holder])]);
  return Object.fromEntries(entries) as Holder;
}
