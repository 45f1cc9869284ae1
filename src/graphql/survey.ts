/**
 * One walk over an operation finds everything that is checked before it runs: its size (limits.ts), the scopes that it
 * needs (permissions.ts), the entries that its lists may have (node-cost.ts) and the variables that must not be null
 * (limits.ts). The result is cached with the
 * operation's syntax tree, and Apollo caches the tree with the text: an operation that comes again is not walked again.
 *
 * 1. Fragments count as if they were written out at each place. Each is walked once, however often it is spread, so
 *    fragments that double with every step cost linear time (test/unit/graphql/survey.test.ts).
 * 2. The walk ends on every document that parses, valid or not: validation runs it beside GraphQL's own rules. A cycle
 *    of fragments and a name that the schema does not have count as nothing here; those rules refuse the document.
 * 3. The walk reads the text, not the variables: a field that a variable leaves out counts, too.
 */
import {
  Kind,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  valueFromASTUntyped,
  type ArgumentNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import type { Scope } from '../auth/principal.js';
import type { ListSizes, NodeCost } from './node-cost.js';
import type { LineCount } from './request-weight.js';

export interface Size {
  /** Levels of fields. */
  readonly depth: number;
  /** Fields with an alias, and fields or fragments that are repeated in the same selection. */
  readonly aliases: number;
  readonly fields: number;
  /** The most directives at one place. */
  readonly directives: number;
  /** Aliases and repetitions inside introspection, and each `__schema` after the first. */
  readonly introspection: number;
}

export interface Survey {
  readonly schema: GraphQLSchema;
  readonly size: Size;
  /** Fields at the root of the operation, `__typename` and introspection left out. */
  readonly rootFields: number;
  /** The name of that field; `several` or `none` where there is not one. Of a valid operation it is in the schema. */
  readonly rootField: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Root fields that declare no scope. */
  readonly undeclared: readonly string[];
  /** How many nodes the lists may have; null where there are none, whatever the variables. */
  readonly nodes: NodeCount | null;
  /** How many lines of stock its mutations have together; null where they have none. */
  readonly lines: ((variables: Variables) => number) | null;
  /**
   * Nullable variables in places that must not be null, with the input field. GraphQL allows them where the place or
   * the variable has a default, which an explicit null does not become.
   */
  readonly notNull: ReadonlyMap<string, string>;
}

type Variables = Readonly<Record<string, unknown>>;
type NodeCount = (variables: Variables, sizes: ListSizes) => number;
export type Fragments = Readonly<Record<string, FragmentDefinitionNode | undefined>>;

const surveys = new WeakMap<OperationDefinitionNode, Survey>();

/** The survey of one operation. `fragments` is called only where there is none in the cache. */
export function surveyOf(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: () => Fragments,
): Survey {
  const known = surveys.get(operation);
  if (known?.schema === schema) return known;
  return new Surveyor(schema, fragments()).survey(operation);
}

/** All operations of a document with their surveys; a fragment that several of them spread is walked once. */
export function surveyDocument(
  schema: GraphQLSchema,
  document: DocumentNode,
): readonly { readonly operation: OperationDefinitionNode; readonly survey: Survey }[] {
  const surveyor = new Surveyor(schema, fragmentsOf(document));
  return document.definitions.flatMap((operation) =>
    operation.kind === Kind.OPERATION_DEFINITION
      ? [{ operation, survey: surveyor.survey(operation) }]
      : [],
  );
}

export function fragmentsOf(document: DocumentNode): Record<string, FragmentDefinitionNode> {
  const fragments = Object.create(null) as Record<string, FragmentDefinitionNode>;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  }
  return fragments;
}

type Type = GraphQLNamedType | null | undefined;
type Field = GraphQLField<unknown, unknown>;

/** What was found in a selection, the fields below it included. */
interface Findings {
  depth: number;
  aliases: number;
  fields: number;
  directives: number;
  introspection: number;
  /** How often `__schema` is selected. */
  schemas: number;
  /** The fields of the selection itself; undefined: not in the schema. */
  readonly own: Map<FieldNode, Field | undefined>;
  readonly scopes: Set<Scope>;
  readonly nodes: NodeCount[];
  /** All variables in places that must not be null, nullable or not, with the input field. */
  readonly notNull: Map<string, string>;
}

function nothing(): Findings {
  return {
    depth: 0,
    aliases: 0,
    fields: 0,
    directives: 0,
    introspection: 0,
    schemas: 0,
    own: new Map(),
    scopes: new Set(),
    nodes: [],
    notNull: new Map(),
  };
}

/**
 * GraphQL bounds how often lists of introspection are nested, and tools go deeper there than our limit. Aliases would
 * multiply those lists, so they are counted. No scope or page is in them.
 */
const INTROSPECTION_FIELDS = new Set(['__schema', '__type']);

class Surveyor {
  private readonly fragmentFindings = new Map<string, Findings>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly fragments: Fragments,
  ) {}

  survey(operation: OperationDefinitionNode): Survey {
    const type = this.schema.getRootType(operation.operation);
    const found = this.ofSelections(operation.selectionSet, type);
    const { own, scopes, nodes, notNull, schemas, ...size } = found;
    const rootNames = [...own.keys()].map(({ name }) => name.value);
    const ours = rootNames.filter((name) => !name.startsWith('__'));
    const survey = {
      schema: this.schema,
      size: { ...size, introspection: size.introspection + Math.max(schemas - 1, 0) },
      rootFields: ours.length,
      rootField: oneOf(ours),
      scopes,
      undeclared: [...own.values()].flatMap((field) =>
        field && field.extensions.scope === undefined ? [field.name] : [],
      ),
      nodes: withDefaults(operation, sumOf(nodes)),
      lines: linesOf(operation, own),
      notNull: nullableOf(operation, notNull),
    };
    surveys.set(operation, survey);
    return survey;
  }

  private ofSelections({ selections }: SelectionSetNode, type: Type): Findings {
    const found = nothing();
    const names = new Set<string>();
    for (const selection of selections) {
      const name = nameOf(selection);
      if (name !== null && names.has(name)) found.aliases += 1;
      if (name !== null) names.add(name);
      found.directives = Math.max(found.directives, selection.directives?.length ?? 0);
      this.addDirectives(found, selection.directives);
      if (selection.kind === Kind.FIELD) this.addField(found, selection, type);
      else this.addFragment(found, selection, type);
    }
    return found;
  }

  private addField(found: Findings, node: FieldNode, type: Type): void {
    const name = node.name.value;
    const known = isObjectType(type) || isInterfaceType(type);
    const field = known ? type.getFields()[name] : undefined;
    found.own.set(node, field);
    if (INTROSPECTION_FIELDS.has(name)) {
      this.addIntrospection(found, node);
      return;
    }
    this.addArguments(found, node.arguments, field?.args);
    const inside = node.selectionSet
      ? this.ofSelections(node.selectionSet, field && getNamedType(field.type))
      : nothing();
    addInside(found, inside);
    found.depth = Math.max(found.depth, inside.depth + 1);
    found.aliases += node.alias ? 1 : 0;
    found.fields += 1;
    const scope = field?.extensions.scope as Scope | null | undefined;
    if (scope) found.scopes.add(scope);
    const nodes = nodesOf(node, field, sumOf(inside.nodes));
    if (nodes) found.nodes.push(nodes);
  }

  private addIntrospection(found: Findings, { name, alias, selectionSet }: FieldNode): void {
    if (name.value === '__schema') found.schemas += 1;
    if (alias) found.aliases += 1;
    if (selectionSet) found.introspection += this.ofSelections(selectionSet, null).aliases;
  }

  private addDirectives(found: Findings, directives: readonly DirectiveNode[] = []): void {
    for (const { name, arguments: given } of directives) {
      this.addArguments(found, given, this.schema.getDirective(name.value)?.args);
    }
  }

  private addArguments(
    found: Findings,
    given: readonly ArgumentNode[] = [],
    known: readonly GraphQLArgument[] = [],
  ): void {
    for (const { name, value } of given) {
      const type = known.find((argument) => argument.name === name.value)?.type;
      // The fields of `input` are named as the domain names them.
      const place = name.value === 'input' ? '' : name.value;
      if (type) addNotNull(found.notNull, value, type, place);
    }
  }

  private addFragment(
    found: Findings,
    selection: Exclude<SelectionNode, FieldNode>,
    type: Type,
  ): void {
    const inside =
      selection.kind === Kind.FRAGMENT_SPREAD
        ? this.ofFragment(selection.name.value)
        : this.ofSelections(selection.selectionSet, this.typeIn(selection.typeCondition, type));
    addInside(found, inside);
    found.introspection += inside.introspection;
    found.schemas += inside.schemas;
    for (const [node, field] of inside.own) found.own.set(node, field);
    const nodes = sumOf(inside.nodes);
    if (nodes) found.nodes.push(nodes);
  }

  private ofFragment(name: string): Findings {
    const known = this.fragmentFindings.get(name);
    if (known) return known;
    // Ends the walk where a fragment spreads itself.
    this.fragmentFindings.set(name, nothing());
    const fragment = this.fragments[name];
    if (!fragment) return nothing();
    const { selectionSet, typeCondition } = fragment;
    const found = this.ofSelections(selectionSet, this.typeIn(typeCondition));
    this.fragmentFindings.set(name, found);
    return found;
  }

  private typeIn(
    condition: FragmentDefinitionNode['typeCondition'] | undefined,
    type?: Type,
  ): Type {
    return condition ? this.schema.getType(condition.name.value) : type;
  }
}

function oneOf(names: readonly string[]): string {
  const [name = 'none', ...others] = new Set(names);
  return others.length > 0 ? 'several' : name;
}

/** Adds what counts the same below a field as inside a fragment. */
function addInside(found: Findings, inside: Findings): void {
  found.depth = Math.max(found.depth, inside.depth);
  found.aliases += inside.aliases;
  found.fields += inside.fields;
  found.directives = Math.max(found.directives, inside.directives);
  for (const scope of inside.scopes) found.scopes.add(scope);
  for (const [variable, place] of inside.notNull) found.notNull.set(variable, place);
}

/** What a selection must not repeat without being counted as an alias. */
function nameOf(selection: SelectionNode): string | null {
  switch (selection.kind) {
    case Kind.FIELD:
      return selection.alias ? null : selection.name.value;
    case Kind.FRAGMENT_SPREAD:
      return `...${selection.name.value}`;
    case Kind.INLINE_FRAGMENT:
      return null;
  }
}

/** Adds the variables of a value that stand where null is not allowed. */
function addNotNull(
  found: Map<string, string>,
  value: ValueNode,
  type: GraphQLInputType,
  place: string,
): void {
  if (value.kind === Kind.VARIABLE) {
    if (isNonNullType(type)) found.set(value.name.value, place || 'input');
    return;
  }
  const known = getNullableType(type);
  if (isListType(known)) {
    // GraphQL takes a single value for a list of one.
    const items = value.kind === Kind.LIST ? value.values : [value];
    items.forEach((item, i) => {
      addNotNull(found, item, known.ofType, `${place}[${i}]`);
    });
  } else if (isInputObjectType(known) && value.kind === Kind.OBJECT) {
    for (const field of value.fields) {
      const fieldType = known.getFields()[field.name.value]?.type;
      const name = place === '' ? field.name.value : `${place}.${field.name.value}`;
      if (fieldType) addNotNull(found, field.value, fieldType, name);
    }
  }
}

function nullableOf(
  { variableDefinitions = [] }: OperationDefinitionNode,
  notNull: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const required = new Set(
    variableDefinitions
      .filter(({ type }) => type.kind === Kind.NON_NULL_TYPE)
      .map(({ variable }) => variable.name.value),
  );
  return new Map([...notNull].filter(([variable]) => !required.has(variable)));
}

function nodesOf(
  node: FieldNode,
  field: Field | undefined,
  inside: NodeCount | null,
): NodeCount | null {
  const nodes = field?.extensions.nodes as NodeCost | undefined;
  if (!nodes) return inside;
  return (variables, sizes) =>
    nodes({
      args: argumentsOf(node, variables),
      sizes,
      inside: (around) => inside?.(variables, around) ?? 0,
    });
}

function linesOf(
  operation: OperationDefinitionNode,
  own: ReadonlyMap<FieldNode, Field | undefined>,
): Survey['lines'] {
  const counts = [...own].flatMap(([node, field]) => {
    const lines = field?.extensions.lines as LineCount | undefined;
    return lines ? [(variables: Variables) => lines(argumentsOf(node, variables))] : [];
  });
  if (counts.length === 0) return null;
  const given = defaultsOf(operation);
  return (variables) => {
    const all = { ...given, ...variables };
    return counts.reduce((sum, count) => sum + count(all), 0);
  };
}

function argumentsOf(node: FieldNode, variables: Variables): Variables {
  return Object.fromEntries(
    (node.arguments ?? []).map(({ name, value }) => [
      name.value,
      valueFromASTUntyped(value, variables),
    ]),
  );
}

function sumOf(counts: readonly NodeCount[]): NodeCount | null {
  if (counts.length <= 1) return counts[0] ?? null;
  return (variables, sizes) => counts.reduce((sum, count) => sum + count(variables, sizes), 0);
}

function withDefaults(
  operation: OperationDefinitionNode,
  nodes: NodeCount | null,
): NodeCount | null {
  if (!nodes) return null;
  const defaults = defaultsOf(operation);
  return (variables, sizes) => nodes({ ...defaults, ...variables }, sizes);
}

function defaultsOf({ variableDefinitions = [] }: OperationDefinitionNode): Variables {
  return Object.fromEntries(
    variableDefinitions.flatMap(({ variable, defaultValue }) =>
      defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
    ),
  );
}
