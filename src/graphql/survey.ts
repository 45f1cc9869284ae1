/**
 * One walk over an operation finds everything that is checked before it runs: its size (limits.ts), the scopes that it
 * needs (permissions.ts) and the entries that its pages may have (node-cost.ts). The result is cached with the
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
  isInterfaceType,
  isObjectType,
  valueFromASTUntyped,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Scope } from '../auth/principal.js';
import { nodesOfLines, type NodeCost } from './node-cost.js';

export interface Size {
  /** Levels of fields. */
  readonly depth: number;
  /** Fields with an alias, and fields or fragments that are repeated in the same selection. */
  readonly aliases: number;
  readonly fields: number;
  /** The most directives at one place. */
  readonly directives: number;
}

export interface Survey {
  readonly schema: GraphQLSchema;
  readonly size: Size;
  /** Fields at the root of the operation, `__typename` and introspection left out. */
  readonly rootFields: number;
  readonly scopes: ReadonlySet<Scope>;
  /** Root fields that declare no scope. */
  readonly undeclared: readonly string[];
  /** How many nodes the pages may have; null where there are none, whatever the variables. */
  readonly nodes: NodeCount | null;
}

type Variables = Readonly<Record<string, unknown>>;
type NodeCount = (variables: Variables) => number;
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

export function fragmentsOf(document: DocumentNode): Fragments {
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
  /** The fields of the selection itself; undefined: not in the schema. */
  readonly own: Map<FieldNode, Field | undefined>;
  readonly scopes: Set<Scope>;
  readonly nodes: NodeCount[];
}

function nothing(): Findings {
  return {
    depth: 0,
    aliases: 0,
    fields: 0,
    directives: 0,
    own: new Map(),
    scopes: new Set(),
    nodes: [],
  };
}

/** GraphQL bounds introspection itself, and its queries are deeper than ours; no scope or page is in them. */
const INTROSPECTION_FIELDS = new Set(['__schema', '__type']);

class Surveyor {
  private readonly fragmentFindings = new Map<string, Findings>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly fragments: Fragments,
  ) {}

  survey(operation: OperationDefinitionNode): Survey {
    const type = this.schema.getRootType(operation.operation);
    const { own, scopes, nodes, ...size } = this.ofSelections(operation.selectionSet, type);
    const survey = {
      schema: this.schema,
      size,
      rootFields: [...own.keys()].filter(({ name }) => !name.value.startsWith('__')).length,
      scopes,
      undeclared: [...own.values()].flatMap((field) =>
        field && field.extensions.scope === undefined ? [field.name] : [],
      ),
      nodes: withDefaults(operation, sumOf(nodes)),
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
    if (INTROSPECTION_FIELDS.has(name)) return;
    const inside = node.selectionSet
      ? this.ofSelections(node.selectionSet, field && getNamedType(field.type))
      : nothing();
    found.depth = Math.max(found.depth, inside.depth + 1);
    found.aliases += inside.aliases + (node.alias ? 1 : 0);
    found.fields += inside.fields + 1;
    found.directives = Math.max(found.directives, inside.directives);
    for (const scope of inside.scopes) found.scopes.add(scope);
    const scope = field?.extensions.scope as Scope | undefined;
    if (scope) found.scopes.add(scope);
    const nodes = nodesOf(node, field, sumOf(inside.nodes));
    if (nodes) found.nodes.push(nodes);
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
    found.depth = Math.max(found.depth, inside.depth);
    found.aliases += inside.aliases;
    found.fields += inside.fields;
    found.directives = Math.max(found.directives, inside.directives);
    for (const [node, field] of inside.own) found.own.set(node, field);
    for (const scope of inside.scopes) found.scopes.add(scope);
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

function nodesOf(
  node: FieldNode,
  field: Field | undefined,
  inside: NodeCount | null,
): NodeCount | null {
  const nodes = field?.extensions.complexity as NodeCost | undefined;
  if (!nodes || (nodes === nodesOfLines && !inside)) return inside;
  return (variables) =>
    nodes({ args: argumentsOf(node, variables), childComplexity: inside?.(variables) ?? 0 });
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
  return (variables) => counts.reduce((sum, count) => sum + count(variables), 0);
}

function withDefaults(
  { variableDefinitions = [] }: OperationDefinitionNode,
  nodes: NodeCount | null,
): NodeCount | null {
  if (!nodes) return null;
  const defaults = Object.fromEntries(
    variableDefinitions.flatMap(({ variable, defaultValue }) =>
      defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
    ),
  );
  return (variables) => nodes({ ...defaults, ...variables });
}
