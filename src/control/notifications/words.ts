/** A message in words, before it is escaped and cut for its channel. Pure. */
import { type EventKind, type NotificationEvent } from '../../core/notifications/event.ts';
import { totalOf, type LeftOut, type Message } from '../../core/notifications/channel.ts';
import type { TemplateValues } from '../../core/notifications/template.ts';
import { cut, oneLine } from '../../core/notifications/text.ts';

const titleMax = 200;
const reasonMax = 500;

const lineOf = (text: string, max: number): string => cut(oneLine(text), max);

const eventsOf = ({ group }: Message): readonly NotificationEvent[] => group?.waiting.map(({ event }) => event) ?? [];

export function stateOf(message: Message): 'began' | 'ended' | 'once' {
  const states = new Set(eventsOf(message).map(({ state }) => state));
  const [only = 'once'] = states;
  return states.size > 1 ? 'began' : only;
}

export function valuesOf(
  message: Message,
  names: { readonly platform: string; readonly channel: string },
  at: number,
): TemplateValues {
  const { group, leftOut } = message;
  const [first] = eventsOf(message);
  const count = group === undefined ? 0 : group.waiting.length + group.more;
  return {
    ...names,
    kind: group?.kind ?? 'left-out',
    severity: group?.severity ?? 'warning',
    state: stateOf(message),
    deployment: group?.deployment ?? 'platform',
    title: titleOf(message, count),
    text: [...linesOf(message, count), ...leftOutLines(leftOut)].join('\n'),
    by: lineOf(first?.by ?? 'flyball', titleMax),
    at: new Date(first?.at ?? at).toISOString(),
    entry: String(first?.entry ?? 0),
    count: String(count),
  };
}

function titleOf({ group, leftOut }: Message, count: number): string {
  if (group === undefined) return `${totalOf(leftOut)} events were left out`;
  const [first] = group.waiting;
  if (count === 1 && first !== undefined) return lineOf(first.event.title, titleMax);
  const last = group.waiting.at(-1) ?? first;
  return lineOf(`${count} × ${group.kind}: ${last?.event.title ?? ''}`, titleMax);
}

function linesOf({ group }: Message, count: number): string[] {
  if (group === undefined) return [];
  const lines = group.waiting.map(({ event, repeats }) => {
    const { title, text, at } = event;
    const again = repeats === 0 ? '' : ` (${repeats} times more since it was last told)`;
    const reason = lineOf(text, reasonMax);
    if (count === 1) return `${reason}${again}`;
    const time = new Date(at).toISOString().slice(11, 19);
    return `${time} ${lineOf(title, titleMax)}${reason === '' ? '' : `: ${reason}`}${again}`;
  });
  return group.more === 0 ? lines : [...lines, `and ${group.more} more of them`];
}

export function leftOutLines(leftOut: LeftOut): string[] {
  const total = totalOf(leftOut);
  if (total === 0) return [];
  const kinds = (Object.entries(leftOut) as [EventKind, number][])
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ');
  return [`${total} events before this were not told here: ${kinds}. They are in the journal.`];
}
