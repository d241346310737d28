/**
 * The words of a message as an operator writes them: text with `{{field}}` in it, and nothing else: no conditions, no
 * loops, no code. What is filled in is escaped for its channel; what the operator wrote stands as it is.
 */

export const templateFields = {
  platform: 'Name of the platform.',
  channel: 'Name of the channel.',
  kind: 'Kind of the events.',
  severity: 'info, warning or critical: the highest of its events.',
  state: 'began, ended or once; of several that differ, began.',
  deployment: 'Which deployment; `platform` where it is of none.',
  title: 'One line that says what happened.',
  text: 'Why; of several events a line each, with what was left out.',
  by: 'Who did it; of several events the first.',
  at: 'When the first of its events was, UTC.',
  entry: 'Number of the first journal entry.',
  count: 'How many events it tells of.',
} as const;
export type TemplateField = keyof typeof templateFields;
export type TemplateValues = Readonly<Record<TemplateField, string>>;

export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly field: TemplateField };

export type Parsed =
  | { readonly kind: 'template'; readonly parts: readonly Part[] }
  | { readonly kind: 'unknown'; readonly field: string }
  | { readonly kind: 'broken'; readonly reason: string };

const isField = (name: string): name is TemplateField => Object.hasOwn(templateFields, name);

export function parseTemplate(template: string): Parsed {
  const parts: Part[] = [];
  for (let rest = template; rest !== '';) {
    const open = rest.indexOf('{{');
    const text = open < 0 ? rest : rest.slice(0, open);
    if (text.includes('}}')) return { kind: 'broken', reason: 'expected {{ before }}' };
    if (text !== '') parts.push({ kind: 'text', text });
    if (open < 0) break;
    const close = rest.indexOf('}}', open);
    if (close < 0) return { kind: 'broken', reason: 'expected }} after {{' };
    const field = rest.slice(open + 2, close).trim();
    if (!isField(field)) return { kind: 'unknown', field };
    parts.push({ kind: 'field', field });
    rest = rest.slice(close + 2);
  }
  return { kind: 'template', parts };
}

export function fill(parts: readonly Part[], values: TemplateValues, escape: (value: string) => string): string {
  return parts.map((part) => (part.kind === 'text' ? part.text : escape(values[part.field]))).join('');
}
