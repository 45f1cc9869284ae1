/**
 * Draws operations over a schema, with variables that fit or do not, and the answers of the schema's resolvers: values
 * that are present, null, late or wrong, and errors. Everything follows from one number.
 */
import {
  GraphQLError,
  getNamedType,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLInputType,
  type GraphQLNamedOutputType,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
} from 'graphql';

/** A generator of 32-bit numbers (mulberry32). */
export class Draw {
  private state: number;

  constructor(...seed: readonly (number | string)[]) {
    this.state = 0x9e3779b9;
    for (const c of seed.join('/')) this.state = Math.imul(this.state ^ c.charCodeAt(0), 16777619);
  }

  /** From 0 up to `max`, which is left out. */
  below(max: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * max);
  }

  /** True once in so many times. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  of<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined && values.length === 0) throw new Error('Nothing to draw from.');
    return value as T;
  }
}

export interface DrawnOperation {
  readonly text: string;
  /** Variables of two calls. */
  readonly calls: readonly [Record<string, unknown>, Record<string, unknown>];
}

/** Of fields that have a selection; each fragment around them counts, too. */
const DEPTH_MAX = 5;
const FRAGMENTS_DEPTH_MAX = 7;
const UNUSUAL_NAMES = ['then', '__proto__', 'constructor', 'toString'];

export function drawOperation(schema: GraphQLSchema, seed: number): DrawnOperation {
  return new Drawing(schema, new Draw(seed)).operation();
}

interface DrawnVariable {
  readonly type: GraphQLInputType;
  readonly definition: string;
}

class Drawing {
  private readonly variables = new Map<string, DrawnVariable>();
  private readonly fragments: string[] = [];
  private aliases = 0;

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly draw: Draw,
  ) {}

  operation(): DrawnOperation {
    const { draw, schema } = this;
    const isQuery = draw.below(3) > 0;
    const root = isQuery ? schema.getQueryType() : schema.getMutationType();
    if (!root) throw new Error('The schema has no root type.');
    const selection = this.selection(root, 0);
    const definitions = [...this.variables.values()].map(({ definition }) => definition).join(', ');
    const head = `${isQuery ? 'query' : 'mutation'} Drawn${definitions && `(${definitions})`}`;
    const text = [`${head} ${selection}`, ...this.fragments].join('\n');
    return { text, calls: [this.values(), this.values()] };
  }

  private values(): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const [name, { type }] of this.variables) {
      if (!this.draw.oneIn(8)) values[name] = this.value(type, 0);
    }
    return values;
  }

  private selection(type: GraphQLCompositeType, depth: number): string {
    const { draw } = this;
    const parts: string[] = [];
    const wanted = 1 + draw.below(depth === 0 ? 2 : 4);
    for (let i = 0; i < wanted; i += 1) parts.push(this.part(type, depth));
    // What is repeated is merged.
    if (draw.oneIn(4)) parts.push(draw.of(parts));
    return `{ ${parts.join(' ')} }`;
  }

  private part(type: GraphQLCompositeType, depth: number): string {
    const { draw } = this;
    if (depth > FRAGMENTS_DEPTH_MAX) return '__typename';
    const members = isAbstractType(type) ? this.schema.getPossibleTypes(type) : [];
    if (members.length > 0 && draw.below(3) > 0) return this.fragment(draw.of(members), depth);
    if (draw.oneIn(5)) return this.fragment(type, depth);
    const interfaces = isObjectType(type) ? type.getInterfaces() : [];
    if (interfaces.length > 0 && draw.oneIn(4)) return this.fragment(draw.of(interfaces), depth);
    const fields =
      isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
    const usable = fields.filter(
      (field) => depth < DEPTH_MAX || isLeafType(getNamedType(field.type)),
    );
    if (usable.length === 0 || draw.oneIn(10)) return `${this.alias(false)}__typename`;
    return this.field(draw.of(usable), depth);
  }

  private fragment(type: GraphQLCompositeType, depth: number): string {
    const selection = this.selection(type, depth + 1);
    const condition = this.condition();
    if (this.draw.oneIn(3)) {
      const name = `F${this.fragments.length}`;
      this.fragments.push(`fragment ${name} on ${type.name} ${selection}`);
      return `...${name}${condition}`;
    }
    return `... on ${type.name}${condition} ${selection}`;
  }

  private field(field: GraphQLField<unknown, unknown>, depth: number): string {
    const args = field.args.flatMap((argument) => this.argument(argument));
    const type = getNamedType(field.type);
    const selection = isCompositeType(type) ? ` ${this.selection(type, depth + 1)}` : '';
    const given = args.length > 0 ? `(${args.join(', ')})` : '';
    return `${this.alias(args.length > 0)}${field.name}${given}${this.condition()}${selection}`;
  }

  /** Another one at each place, because equal names of fields that differ are refused. */
  private alias(isNeeded: boolean): string {
    const { draw } = this;
    if (draw.oneIn(30)) return `${draw.of(UNUSUAL_NAMES)}: `;
    if (!isNeeded && !draw.oneIn(5)) return '';
    this.aliases += 1;
    return `a${this.aliases}: `;
  }

  private condition(): string {
    const { draw } = this;
    if (!draw.oneIn(5)) return '';
    const value = draw.of(['true', 'false', '$yes', '$no', '$maybe']);
    if (value.startsWith('$')) {
      const type = value === '$maybe' ? 'Boolean = true' : 'Boolean!';
      this.declare(value.slice(1), this.boolean(value !== '$maybe'), `${value}: ${type}`);
    }
    return ` @${draw.of(['skip', 'include'])}(if: ${value})`;
  }

  private boolean(isRequired: boolean): GraphQLInputType {
    const include = this.schema.getDirective('include')?.args[0];
    if (!include) throw new Error('The schema has no @include.');
    return isRequired ? include.type : getNullableType(include.type);
  }

  private declare(name: string, type: GraphQLInputType, definition: string): void {
    if (!this.variables.has(name)) this.variables.set(name, { type, definition });
  }

  private argument({ name, type }: GraphQLArgument): string[] {
    const { draw } = this;
    if (!isNonNullType(type) && draw.oneIn(3)) return [];
    if (draw.oneIn(4)) return [`${name}: ${this.literal(type, 0)}`];
    const variable = `${name}${this.variables.size}`;
    const hasDefault = draw.oneIn(3);
    const written = hasDefault ? getNullableType(type) : type;
    const value = hasDefault ? ` = ${this.literal(type, 0, false)}` : '';
    this.declare(variable, written, `$${variable}: ${String(written)}${value}`);
    return [`${name}: $${variable}`];
  }

  /** In the text of an operation; without variables in defaults. */
  private literal(type: GraphQLInputType, depth: number, mayVary = true): string {
    const { draw } = this;
    if (isNonNullType(type)) return this.literal(type.ofType, depth, mayVary);
    if (isListType(type)) {
      const entries = Array.from({ length: draw.below(3) }, () =>
        this.literal(type.ofType, depth + 1, mayVary),
      );
      return `[${entries.join(', ')}]`;
    }
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).flatMap((field) => {
        if (!isNonNullType(field.type) && draw.oneIn(2)) return [];
        if (isNonNullType(field.type) && field.defaultValue !== undefined && draw.oneIn(2)) {
          return [];
        }
        if (mayVary && draw.oneIn(6)) {
          const variable = `in${this.variables.size}`;
          this.declare(variable, field.type, `$${variable}: ${String(field.type)}`);
          return [`${field.name}: $${variable}`];
        }
        return [`${field.name}: ${this.literal(field.type, depth + 1, mayVary)}`];
      });
      return `{ ${fields.join(', ')} }`;
    }
    if (isEnumType(type)) return draw.of(type.getValues()).name;
    return literalOf(type, draw);
  }

  /** As JSON brings it: mostly of the type, sometimes not. */
  private value(type: GraphQLInputType, depth: number): unknown {
    const { draw } = this;
    if (draw.oneIn(25)) return draw.of<unknown>([null, 'x', 1.5, [], {}, true, 2 ** 53]);
    if (isNonNullType(type)) return this.value(type.ofType, depth);
    if (draw.oneIn(8)) return null;
    if (isListType(type)) {
      if (draw.oneIn(5)) return this.value(type.ofType, depth + 1);
      return Array.from({ length: draw.below(3) }, () => this.value(type.ofType, depth + 1));
    }
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).flatMap((field) => {
        const mayBeLeftOut = !isNonNullType(field.type) || field.defaultValue !== undefined;
        if (mayBeLeftOut && draw.oneIn(2)) return [];
        return [[field.name, this.value(field.type, depth + 1)] as const];
      });
      if (draw.oneIn(30)) fields.push(['unknown', 1]);
      // JSON may name fields in any order.
      return Object.fromEntries(draw.oneIn(2) ? fields.reverse() : fields);
    }
    if (isEnumType(type)) return draw.of(type.getValues()).name;
    return JSON.parse(literalOf(type, draw)) as unknown;
  }
}

function literalOf({ name }: GraphQLNamedType, draw: Draw): string {
  switch (name) {
    case 'Int':
      return draw.of(['0', '1', '-7', '2147483647']);
    case 'Float':
      return draw.of(['0.5', '3']);
    case 'Boolean':
      return draw.of(['true', 'false']);
    case 'ID':
      return draw.of(['"p-1"', '7', '""']);
    default:
      return draw.of(['"a"', '""', '"ä\\u0001"']);
  }
}

/** What resolvers were given, in their order. */
export interface Witness {
  readonly seed: number;
  readonly calls: string[];
}

/** Replaces every resolver and the types of union members by drawn ones. Returns the same schema. */
export function answerDrawn(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type)) continue;
    if (isAbstractType(type)) type.resolveType = undefined;
    if (!isObjectType(type)) continue;
    type.isTypeOf = undefined;
    const isRoot = [schema.getQueryType(), schema.getMutationType()].includes(type);
    for (const field of Object.values(type.getFields())) {
      delete field.resolve;
      const isPlain = field.args.length === 0 && !isCompositeType(getNamedType(field.type));
      if (isPlain && !isRoot) continue;
      const resolve: GraphQLFieldResolver<unknown, Witness> = (_source, args, context, info) => {
        const { seed, calls } = context;
        const { path, returnType, fieldNodes } = info;
        const at = [...keysOf(path)].reverse();
        calls.push(JSON.stringify([at, args, fieldNodes.length, info.variableValues]));
        const isInList = at.some((key) => typeof key === 'number');
        return new Answer(schema, seed, at.join('.')).of(returnType, isInList);
      };
      Object.assign(field, { resolve });
    }
  }
  return schema;
}

function* keysOf(path: GraphQLResolveInfo['path'] | undefined): Generator<string | number> {
  for (let at = path; at; at = at.prev) yield at.key;
}

/**
 * Draws what a resolver returns. Of a list either all entries are late, or nothing below it is: where one entry fails
 * at once and another one late, graphql-js leaves a rejection without a handler, which ends the process.
 */
class Answer {
  private readonly draw: Draw;
  private readonly hasLateEntries: boolean;

  constructor(
    private readonly schema: GraphQLSchema,
    seed: number,
    path: string,
  ) {
    this.draw = new Draw(seed, path);
    this.hasLateEntries = seed % 2 === 0;
  }

  of(type: GraphQLOutputType, isInList: boolean): unknown {
    const { draw } = this;
    const mayBeLate = !isInList || this.hasLateEntries;
    if (draw.oneIn(40)) throw new GraphQLError('Thrown.', { extensions: { code: 'DRAWN' } });
    const value = this.value(type, mayBeLate);
    if (!mayBeLate || draw.oneIn(2)) return value;
    return this.late(() => {
      if (draw.oneIn(20)) throw new Error('Rejected.');
      return value;
    });
  }

  private async late<T>(value: () => T): Promise<T> {
    const ticks = this.draw.below(4);
    for (let i = 0; i < ticks; i += 1) await Promise.resolve();
    return value();
  }

  private value(type: GraphQLOutputType, mayBeLate: boolean): unknown {
    const { draw } = this;
    if (draw.oneIn(40)) return draw.of(WRONG);
    if (isNonNullType(type)) return this.value(type.ofType, mayBeLate);
    if (draw.oneIn(12)) return null;
    if (isListType(type)) return this.list(type.ofType);
    if (isEnumType(type)) return draw.of(type.getValues()).value;
    if (isLeafType(type)) return leaf(type, draw);
    return this.object(
      isAbstractType(type) ? draw.of(this.schema.getPossibleTypes(type)) : type,
      mayBeLate,
    );
  }

  private list(type: GraphQLOutputType): unknown {
    const entries = Array.from({ length: this.draw.below(4) }, () => {
      const entry = this.value(type, this.hasLateEntries);
      return this.hasLateEntries ? this.late(() => entry) : entry;
    });
    return this.draw.oneIn(4) ? new Set(entries) : entries;
  }

  private object(type: GraphQLNamedOutputType, mayBeLate: boolean): object {
    const object: Record<string, unknown> = { __typename: type.name };
    for (const field of isObjectType(type) ? Object.values(type.getFields()) : []) {
      if (field.resolve) continue;
      const value = this.value(field.type, mayBeLate);
      const form = this.draw.below(12);
      if (form === 0) object[field.name] = () => value;
      else if (form === 1 && mayBeLate) object[field.name] = this.late(() => value);
      else object[field.name] = value;
    }
    return object;
  }
}

const WRONG: readonly unknown[] = [
  null,
  undefined,
  new Error('A value.'),
  'wrong',
  {},
  { __typename: 'Product' },
  { __typename: 'Error' },
  { __typename: 'Unknown' },
];

function leaf({ name }: GraphQLNamedType, draw: Draw): unknown {
  switch (name) {
    case 'Int':
      return draw.of<unknown>([0, 1, -5, 2 ** 31 - 1, 'no number']);
    case 'Boolean':
      return draw.oneIn(2);
    case 'DateTime':
      return draw.of<unknown>([new Date(0), new Date(1e12), 'no date']);
    default:
      return draw.of<unknown>(['a', 'b', 7, 2 ** 60]);
  }
}
