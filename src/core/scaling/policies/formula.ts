/**
 * Formulas over named numbers, as KEDA's scalingModifiers write them (a part of expr-lang): arithmetic, comparisons,
 * `&&`, `||`, `!`, `c ? a : b`, `a ?? b` for what is absent, lists, and a few functions.
 *
 *   conditional = coalesce [ "?" conditional ":" conditional ]
 *   coalesce    = or { "??" or }          or = and { "||" and }       and = comparison { "&&" comparison }
 *   comparison  = sum [ ("=="|"!="|"<"|"<="|">"|">=") sum ]
 *   sum         = product { ("+"|"-") product }       product = power { ("*"|"/"|"%") power }
 *   power       = unary [ ("^"|"**") power ]          unary   = ("-"|"!"|"not") unary | primary
 *   primary     = number | name | "#" | "nil" | "true" | "false" | name "(" list ")" | "[" list "]" | "{" conditional "}"
 *
 * Reading it once gives a function; evaluating one can't loop and touches nothing but the numbers it is given.
 */

export type FormulaValue = number | boolean | null | readonly FormulaValue[];
export type Named = Readonly<Record<string, number | null>>;
type Evaluate = (of: Named, element: FormulaValue) => FormulaValue;

class FormulaError extends Error {}

const lengthMax = 2000;
const depthMax = 100;

function numberOf(value: FormulaValue): number {
  if (typeof value === 'number') return value;
  throw new FormulaError(`a number was expected, ${JSON.stringify(value)} came`);
}

const arithmetic: Readonly<Record<string, (left: number, right: number) => number | boolean>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '%': (left, right) => left % right,
  '^': (left, right) => left ** right,
  '**': (left, right) => left ** right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};

const flat = (values: readonly FormulaValue[]): readonly number[] =>
  values.flatMap((value) => (Array.isArray(value) ? flat(value as FormulaValue[]) : [numberOf(value)]));

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

const functions: Readonly<Record<string, (values: readonly FormulaValue[]) => number>> = {
  abs: ([value = null]) => Math.abs(numberOf(value)),
  ceil: ([value = null]) => Math.ceil(numberOf(value)),
  floor: ([value = null]) => Math.floor(numberOf(value)),
  round: ([value = null]) => Math.round(numberOf(value)),
  int: ([value = null]) => Math.trunc(numberOf(value)),
  float: ([value = null]) => numberOf(value),
  len: ([value = null]) => (Array.isArray(value) ? value.length : 0),
  max: (values) => Math.max(...flat(values)),
  min: (values) => Math.min(...flat(values)),
  sum: (values) => total(flat(values)),
  mean: (values) => total(flat(values)) / flat(values).length,
  median: (values) => {
    const sorted = flat(values).toSorted((left, right) => left - right);
    const middle = sorted.length / 2;
    return total(sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1)) / (sorted.length % 2 === 0 ? 2 : 1);
  },
};

/** Over the elements of a list that pass a predicate. */
const overList: Readonly<Record<string, (passed: number, all: number) => FormulaValue>> = {
  count: (passed) => passed,
  any: (passed) => passed > 0,
  all: (passed, all) => passed === all,
  none: (passed) => passed === 0,
};

const token =
  /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-z_]\w*)|(\?\?|\*\*|==|!=|<=|>=|&&|\|\||[-+*/%^<>!?:()[\]{},#]))/uy;

function tokensOf(text: string): readonly string[] {
  if (text.length > lengthMax) throw new FormulaError(`it has ${text.length} characters, ${lengthMax} are allowed`);
  const tokens: string[] = [];
  const source = text.trimEnd();
  token.lastIndex = 0;
  while (token.lastIndex < source.length) {
    const at = token.lastIndex;
    const match = token.exec(source);
    if (match === null) throw new FormulaError(`nothing is known of ${JSON.stringify(source.slice(at, at + 10))}`);
    tokens.push((match[1] ?? match[2] ?? match[3]) as string);
  }
  return tokens;
}

class Reader {
  readonly #tokens: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  whole(): Evaluate {
    const read = this.#conditional();
    if (this.#at < this.#tokens.length) throw new FormulaError(`${this.#tokens[this.#at]} was not expected`);
    return read;
  }

  #take(...wanted: readonly string[]): string | undefined {
    const next = this.#tokens[this.#at];
    if (next === undefined || !wanted.includes(next)) return undefined;
    this.#at += 1;
    return next;
  }

  #expect(wanted: string): void {
    if (this.#take(wanted) === undefined)
      throw new FormulaError(`${wanted} was expected, ${this.#tokens[this.#at] ?? 'the end'} came`);
  }

  #conditional(): Evaluate {
    this.#depth += 1;
    if (this.#depth > depthMax) throw new FormulaError('it is nested too deeply');
    const condition = this.#coalesce();
    let read = condition;
    if (this.#take('?') !== undefined) {
      const yes = this.#conditional();
      this.#expect(':');
      const no = this.#conditional();
      read = (of, element) => (condition(of, element) === true ? yes : no)(of, element);
    }
    this.#depth -= 1;
    return read;
  }

  #coalesce(): Evaluate {
    const left = this.#or();
    if (this.#take('??') === undefined) return left;
    const right = this.#coalesce();
    return (of, element) => left(of, element) ?? right(of, element);
  }

  #or(): Evaluate {
    const left = this.#and();
    if (this.#take('||', 'or') === undefined) return left;
    const right = this.#or();
    return (of, element) => left(of, element) === true || right(of, element) === true;
  }

  #and(): Evaluate {
    const left = this.#comparison();
    if (this.#take('&&', 'and') === undefined) return left;
    const right = this.#and();
    return (of, element) => left(of, element) === true && right(of, element) === true;
  }

  #comparison(): Evaluate {
    // A predicate may leave its element out: `{# > 1}` and `{#>1}`.
    const left = this.#chain(['+', '-'], () => this.#chain(['*', '/', '%'], () => this.#power()));
    const sign = this.#take('==', '!=', '<', '<=', '>', '>=');
    if (sign === undefined) return left;
    const right = this.#chain(['+', '-'], () => this.#chain(['*', '/', '%'], () => this.#power()));
    if (sign === '==') return (of, element) => left(of, element) === right(of, element);
    if (sign === '!=') return (of, element) => left(of, element) !== right(of, element);
    return this.#calculate(sign, left, right);
  }

  #chain(signs: readonly string[], next: () => Evaluate): Evaluate {
    let read = next();
    for (let sign = this.#take(...signs); sign !== undefined; sign = this.#take(...signs))
      read = this.#calculate(sign, read, next());
    return read;
  }

  #power(): Evaluate {
    const base = this.#unary();
    const sign = this.#take('^', '**');
    return sign === undefined ? base : this.#calculate(sign, base, this.#power());
  }

  #calculate(sign: string, left: Evaluate, right: Evaluate): Evaluate {
    const apply = arithmetic[sign] as (left: number, right: number) => number | boolean;
    return (of, element) => apply(numberOf(left(of, element)), numberOf(right(of, element)));
  }

  #unary(): Evaluate {
    const sign = this.#take('-', '!', 'not');
    if (sign === undefined) return this.#primary();
    this.#depth += 1;
    if (this.#depth > depthMax) throw new FormulaError('it is nested too deeply');
    const of = this.#unary();
    this.#depth -= 1;
    return sign === '-'
      ? (named, element) => -numberOf(of(named, element))
      : (named, element) => of(named, element) !== true;
  }

  #list(end: string): readonly Evaluate[] {
    const parts: Evaluate[] = [];
    if (this.#take(end) !== undefined) return parts;
    do parts.push(this.#conditional());
    while (this.#take(',') !== undefined);
    this.#expect(end);
    return parts;
  }

  #primary(): Evaluate {
    const next = this.#tokens[this.#at];
    if (next === undefined) throw new FormulaError('it ends too early');
    this.#at += 1;
    if (/^[\d.]/u.test(next)) {
      const value = Number(next);
      return () => value;
    }
    if (next === '#') return (_, element) => element;
    if (next === '(' || next === '{') {
      const inner = this.#conditional();
      this.#expect(next === '(' ? ')' : '}');
      return inner;
    }
    if (next === '[') {
      const parts = this.#list(']');
      return (of, element) => parts.map((part) => part(of, element));
    }
    if (!/^[A-Za-z_]/u.test(next)) throw new FormulaError(`${next} was not expected`);
    return this.#take('(') === undefined ? this.#name(next) : this.#call(next, this.#list(')'));
  }

  #name(name: string): Evaluate {
    if (name === 'nil' || name === 'null') return () => null;
    if (name === 'true' || name === 'false') return () => name === 'true';
    return (of) => {
      if (!Object.hasOwn(of, name)) throw new FormulaError(`nothing is called ${name}`);
      return of[name] as number | null;
    };
  }

  #call(name: string, parts: readonly Evaluate[]): Evaluate {
    const over = Object.hasOwn(overList, name) ? overList[name] : undefined;
    const [list, predicate] = parts;
    if (over !== undefined && list !== undefined && predicate !== undefined) {
      return (of, element) => {
        const values = list(of, element);
        if (!Array.isArray(values)) throw new FormulaError(`${name} takes a list`);
        const all = values as readonly FormulaValue[];
        return over(all.filter((value) => predicate(of, value) === true).length, all.length);
      };
    }
    const apply = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (apply === undefined) throw new FormulaError(`no function is called ${name}`);
    return (of, element) => apply(parts.map((part) => part(of, element)));
  }
}

export type Formula =
  | { readonly kind: 'formula'; readonly evaluate: (of: Named) => FormulaResult }
  | { readonly kind: 'refused'; readonly reason: string };

/** `value` null: the formula itself gives nothing. */
export type FormulaResult =
  | { readonly kind: 'value'; readonly value: number | null }
  | { readonly kind: 'error'; readonly reason: string };

export function readFormula(text: string): Formula {
  try {
    const read = new Reader(tokensOf(text)).whole();
    const evaluate = (of: Named): FormulaResult => {
      try {
        const value = read(of, null);
        if (value === null) return { kind: 'value', value };
        const number = typeof value === 'boolean' ? Number(value) : numberOf(value);
        if (Number.isFinite(number)) return { kind: 'value', value: number };
        return { kind: 'error', reason: `it gives ${number}` };
      } catch (error) {
        if (error instanceof FormulaError) return { kind: 'error', reason: error.message };
        throw error;
      }
    };
    return { kind: 'formula', evaluate };
  } catch (error) {
    if (error instanceof FormulaError) return { kind: 'refused', reason: error.message };
    throw error;
  }
}

/** The composite metric of several triggers; where the formula gives nothing, what the fallback's replicas stand for. */
export function compositeMetric(
  formula: string,
  triggers: Named,
  fallback: { readonly replicas: number; readonly target: number } | undefined,
): FormulaResult {
  const read = readFormula(formula);
  if (read.kind === 'refused') return { kind: 'error', reason: read.reason };
  const result = read.evaluate(triggers);
  if (result.kind === 'error' || result.value !== null) return result;
  return fallback === undefined
    ? { kind: 'error', reason: 'the formula gives nothing and there is no fallback' }
    : { kind: 'value', value: fallback.replicas * fallback.target };
}
