/** A field of a selection, with everything that is the same at each execution. */
import {
  Kind,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  defaultFieldResolver,
  getArgumentValues,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  type FieldNode,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
} from 'graphql';

export type Variables = Readonly<Record<string, unknown>>;
type Arguments = Record<string, unknown>;

/** An output type, with its kind told apart once. */
export type Shape =
  | { readonly kind: 'nonNull'; readonly of: Shape }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'leaf'; readonly type: GraphQLLeafType }
  | { readonly kind: 'abstract'; readonly type: GraphQLAbstractType }
  | { readonly kind: 'object'; readonly type: GraphQLObjectType };

export interface PlannedField {
  readonly responseName: string;
  readonly nodes: readonly FieldNode[];
  readonly parentType: GraphQLObjectType;
  readonly definition: GraphQLField<unknown, unknown>;
  readonly shape: Shape;
  readonly resolve: GraphQLFieldResolver<unknown, unknown, Arguments>;
  /** `__typename`, which needs no value. */
  readonly isTypeName: boolean;
  /** Whether its value is a property of its parent. */
  readonly isProperty: boolean;
  /** @throws GraphQLError where a required argument has no value. */
  readonly argumentsOf: (variables: Variables) => Arguments;
  /** By the type of the object whose fields they are. */
  readonly selections: Map<GraphQLObjectType, Selection>;
}

export interface Selection {
  readonly fields: readonly PlannedField[];
  /** Whether a field is named `__proto__`: only an object without a prototype can have it. */
  readonly isUnsafe: boolean;
}

/** @param collected nodes by response name, as graphql-js collects them. */
export function selectionOf(
  schema: GraphQLSchema,
  parentType: GraphQLObjectType,
  collected: ReadonlyMap<string, readonly FieldNode[]>,
): Selection {
  const fields: PlannedField[] = [];
  for (const [responseName, nodes] of collected) {
    const field = plannedField(schema, parentType, responseName, nodes);
    if (field) fields.push(field);
  }
  return { fields, isUnsafe: collected.has('__proto__') };
}

/** Undefined where the type has no such field, which validation refuses. */
function plannedField(
  schema: GraphQLSchema,
  parentType: GraphQLObjectType,
  responseName: string,
  nodes: readonly FieldNode[],
): PlannedField | undefined {
  const [node] = nodes;
  const definition = node && definitionOf(schema, parentType, node.name.value);
  if (!definition) return undefined;
  return {
    responseName,
    nodes,
    parentType,
    definition,
    shape: shapeOf(definition.type),
    resolve: definition.resolve ?? defaultFieldResolver,
    isTypeName: definition === TypeNameMetaFieldDef,
    isProperty: definition.resolve === undefined && definition.args.length === 0,
    argumentsOf: argumentsOf(definition, node),
    selections: new Map(),
  };
}

function definitionOf(
  schema: GraphQLSchema,
  parentType: GraphQLObjectType,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  if (name === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef;
  if (parentType === schema.getQueryType()) {
    if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
    if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
  }
  return parentType.getFields()[name];
}

function shapeOf(type: GraphQLOutputType): Shape {
  if (isNonNullType(type)) return { kind: 'nonNull', of: shapeOf(type.ofType) };
  if (isListType(type)) return { kind: 'list', of: shapeOf(type.ofType) };
  if (isLeafType(type)) return { kind: 'leaf', type };
  return isAbstractType(type) ? { kind: 'abstract', type } : { kind: 'object', type };
}

/** Where each argument is a variable with a value, nothing is left to be looked up; the rest is graphql-js'. */
function argumentsOf(
  definition: GraphQLField<unknown, unknown>,
  node: FieldNode,
): PlannedField['argumentsOf'] {
  if (definition.args.length === 0) return () => ({});
  const anyOther = (variables: Variables) => getArgumentValues(definition, node, variables);
  const sources: { readonly name: string; readonly variable: string }[] = [];
  for (const { name } of definition.args) {
    const given = node.arguments?.find((argument) => argument.name.value === name);
    if (given?.value.kind !== Kind.VARIABLE) return anyOther;
    sources.push({ name, variable: given.value.name.value });
  }
  return (variables) => {
    const values: Arguments = {};
    for (const { name, variable } of sources) {
      const value = Object.hasOwn(variables, variable) ? variables[variable] : null;
      if (value === null || value === undefined) return anyOther(variables);
      values[name] = value;
    }
    return values;
  };
}
