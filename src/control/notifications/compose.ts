/** A message as its channel is to get it: the operator's words where there are some, else ours. Pure. */
import type { ChannelSpecification } from '../../config/notifications-specification.ts';
import type { Message } from '../../core/notifications/channel.ts';
import { fill, parseTemplate, type TemplateValues } from '../../core/notifications/template.ts';
import type { Content, Notifier, Words } from './notifier.ts';
import { stateOf, valuesOf } from './words.ts';

export interface Names {
  readonly platform: string;
  readonly channel: string;
}

export function compose(
  message: Message,
  { title, text }: Pick<ChannelSpecification, 'title' | 'text'>,
  names: Names,
  escape: Notifier['escape'],
  at: number,
): Content {
  const { group, leftOut } = message;
  const values = valuesOf(message, names, at);
  return {
    ...names,
    title: wordsOf(title, values, values.title, escape),
    text: wordsOf(text, values, values.text, escape),
    severity: group?.severity ?? 'warning',
    state: stateOf(message),
    ...(group?.deployment === undefined ? {} : { deployment: group.deployment }),
    kind: values.kind,
    events: group?.waiting.map(({ event }) => event) ?? [],
    more: group?.more ?? 0,
    leftOut,
    id: `${names.platform.replaceAll(/[^A-Za-z0-9-]/g, '-')}.${names.channel}.${message.id}.${values.entry}`,
    at: group?.waiting[0]?.event.at ?? at,
  };
}

function wordsOf(
  template: string | undefined,
  values: TemplateValues,
  ours: string,
  escape: Notifier['escape'],
): Words {
  if (template === undefined) return { kind: 'plain', text: ours };
  const parsed = parseTemplate(template);
  // The specification was checked; one that an older release has let through is told in our words.
  return parsed.kind === 'template'
    ? { kind: 'markup', text: fill(parsed.parts, values, escape) }
    : { kind: 'plain', text: ours };
}
