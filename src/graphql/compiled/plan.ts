/**
 * An operation prepared for being executed often. What graphql-js looks up anew at each execution is looked up once
 * and kept in a plan: the fields of each selection, their resolvers, their types, where their arguments come from.
 *
 * 1. A plan answers exactly as graphql-js does. It follows graphql-js step by step, waits where graphql-js waits, so
 *    that errors come in the same order, and takes arguments, collected fields and located errors from graphql-js.
 *    test/unit/graphql/compiled-operations.test.ts compares the two over the whole schema.
 * 2. The selection of an object is prepared when an object of its type comes for the first time: members of unions that
 *    never come cost nothing, and an operation costs no more than its first execution by graphql-js.
 * 3. `@skip` and `@include` by a variable make other selections, so a plan is made for one set of their values;
 *    compiled-operations.ts keeps several plans for one operation.
 * 4. A leaf without a resolver, which most fields are, costs one property and its serialization: its path is made where
 *    it has an error.
 * 5. No code is generated: a process that forbids `eval` can run this.
 */
import {
  GraphQLError,
  OperationTypeNode,
  defaultTypeResolver,
  isObjectType,
  locatedError,
  type ExecutionResult,
  type FragmentDefinitionNode,
  type GraphQLAbstractType,
  type GraphQLLeafType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { collectFields, collectSubfields } from 'graphql/execution/collectFields.js';
import { inspect } from 'graphql/jsutils/inspect.js';
import { addPath, pathToArray, type Path } from 'graphql/jsutils/Path.js';
import {
  selectionOf,
  type PlannedField,
  type Selection,
  type Shape,
  type Variables,
} from './planned-field.js';

type Values = Record<string, unknown>;

/** One execution. */
interface Run {
  readonly plan: Plan;
  readonly context: unknown;
  readonly variables: Variables;
  readonly errors: GraphQLError[];
  /** Positions that are null because of an error; undefined stands for the whole of the data. */
  readonly nulled: Set<Path | undefined>;
}

export class Plan {
  private root: Selection | undefined;

  constructor(
    readonly schema: GraphQLSchema,
    readonly operation: OperationDefinitionNode,
    readonly fragments: Record<string, FragmentDefinitionNode>,
  ) {}

  /** @param variables as graphql-js coerces them for this operation. */
  execute(context: unknown, variables: Variables): ExecutionResult | Promise<ExecutionResult> {
    const run: Run = { plan: this, context, variables, errors: [], nulled: new Set() };
    try {
      const data = this.executeRoot(run);
      if (!isPromise(data)) return responseOf(run, data);
      return data.then(
        (resolved) => responseOf(run, resolved),
        (error: unknown) => failed(run, error),
      );
    } catch (error) {
      return failed(run, error);
    }
  }

  private executeRoot(run: Run): unknown {
    const { schema, fragments, operation } = this;
    const type = schema.getRootType(operation.operation);
    if (!type) throw new GraphQLError(`The schema has no ${operation.operation}.`);
    this.root ??= selectionOf(
      schema,
      type,
      collectFields(schema, fragments, run.variables, type, operation.selectionSet),
    );
    return operation.operation === OperationTypeNode.MUTATION
      ? executeSerially(run, this.root)
      : executeFields(run, this.root, undefined, undefined);
  }
}

function responseOf({ errors }: Run, data: unknown): ExecutionResult {
  const values = data as Values | null;
  return errors.length === 0 ? { data: values } : { errors, data: values };
}

/** An error that no field has caught makes the whole of the data null. */
function failed(run: Run, error: unknown): ExecutionResult {
  note(run, error as GraphQLError, undefined);
  return responseOf(run, null);
}

/** An error below a position that is null already is not reported. */
function note({ errors, nulled }: Run, error: GraphQLError, path: Path | undefined): void {
  for (let at = path; at; at = at.prev) if (nulled.has(at)) return;
  if (nulled.has(undefined)) return;
  nulled.add(path);
  errors.push(error);
}

/** Objects without a prototype are slow. */
function emptyFor({ isUnsafe }: Selection): Values {
  return isUnsafe ? (Object.create(null) as Values) : {};
}

function executeFields(
  run: Run,
  selection: Selection,
  source: unknown,
  path: Path | undefined,
): Values | Promise<Values> {
  const results = emptyFor(selection);
  let waits = false;
  try {
    for (const field of selection.fields) {
      const result = executeField(run, field, source, path);
      results[field.responseName] = result;
      if (isPromise(result)) waits = true;
    }
  } catch (error) {
    if (!waits) throw error;
    // The other fields may reject, too.
    return settled(results).finally(() => {
      throw error;
    });
  }
  return waits ? settled(results) : results;
}

function executeSerially(run: Run, selection: Selection): unknown {
  const results = emptyFor(selection);
  let done: unknown = results;
  for (const field of selection.fields) {
    const execute = (): unknown => {
      const result = executeField(run, field, undefined, undefined);
      if (!isPromise(result)) {
        results[field.responseName] = result;
        return results;
      }
      return result.then((resolved) => {
        results[field.responseName] = resolved;
        return results;
      });
    };
    done = isPromise(done) ? done.then(execute) : execute();
  }
  return done;
}

function settled(results: Values): Promise<Values> {
  return Promise.all(Object.values(results)).then((values) => {
    for (const [i, name] of Object.keys(results).entries()) results[name] = values[i];
    return results;
  });
}

function executeField(
  run: Run,
  field: PlannedField,
  source: unknown,
  parent: Path | undefined,
): unknown {
  if (field.isTypeName) return field.parentType.name;
  if (field.isProperty && isObject(source)) {
    const value = source[field.definition.name];
    if (typeof value !== 'function' && !isPromise(value)) {
      return completeProperty(run, field, parent, value);
    }
  }
  const path = pathOf(field, parent);
  try {
    const args = field.argumentsOf(run.variables);
    const result = field.resolve(source, args, run.context, infoOf(run, field, path));
    const completed = isPromise(result)
      ? result.then((resolved) => complete(run, field, field.shape, path, resolved))
      : complete(run, field, field.shape, path, result);
    return isPromise(completed) ? guarded(run, field, field.shape, path, completed) : completed;
  } catch (error) {
    return nulled(run, field, field.shape, path, error);
  }
}

function completeProperty(
  run: Run,
  field: PlannedField,
  parent: Path | undefined,
  value: unknown,
): unknown {
  const leaf = leafIn(field.shape);
  let path = leaf ? null : pathOf(field, parent);
  try {
    if (leaf && value !== null && value !== undefined && !(value instanceof Error)) {
      return completeLeaf(leaf, value);
    }
    path ??= pathOf(field, parent);
    const completed = complete(run, field, field.shape, path, value);
    return isPromise(completed) ? guarded(run, field, field.shape, path, completed) : completed;
  } catch (error) {
    return nulled(run, field, field.shape, path ?? pathOf(field, parent), error);
  }
}

function leafIn(shape: Shape): GraphQLLeafType | null {
  const inner = shape.kind === 'nonNull' ? shape.of : shape;
  return inner.kind === 'leaf' ? inner.type : null;
}

function guarded(
  run: Run,
  field: PlannedField,
  shape: Shape,
  path: Path,
  completed: Promise<unknown>,
): Promise<unknown> {
  return completed.then(undefined, (error: unknown) => nulled(run, field, shape, path, error));
}

/** The value of a position that has an error. @throws the error, located, where the position must not be null. */
function nulled(run: Run, field: PlannedField, shape: Shape, path: Path, raw: unknown): null {
  const error = locatedError(raw, field.nodes, pathToArray(path));
  if (shape.kind === 'nonNull') throw error;
  note(run, error, path);
  return null;
}

function complete(
  run: Run,
  field: PlannedField,
  shape: Shape,
  path: Path,
  value: unknown,
): unknown {
  if (value instanceof Error) throw value;
  if (shape.kind === 'nonNull') {
    const completed = complete(run, field, shape.of, path, value);
    if (completed !== null) return completed;
    const { parentType, definition } = field;
    throw new Error(
      `Cannot return null for non-nullable field ${parentType.name}.${definition.name}.`,
    );
  }
  if (value === null || value === undefined) return null;
  switch (shape.kind) {
    case 'leaf':
      return completeLeaf(shape.type, value);
    case 'list':
      return completeList(run, field, shape.of, path, value);
    case 'abstract':
      return completeAbstract(run, field, shape.type, path, value);
    case 'object':
      return completeObject(run, field, shape.type, path, value);
  }
}

function completeLeaf(type: GraphQLLeafType, value: unknown): unknown {
  const serialized = type.serialize(value);
  if (serialized !== null && serialized !== undefined) return serialized;
  throw new Error(
    `Expected \`${inspect(type)}.serialize(${inspect(value)})\` to return non-nullable value, ` +
      `returned: ${inspect(serialized)}`,
  );
}

function completeList(
  run: Run,
  field: PlannedField,
  shape: Shape,
  path: Path,
  value: unknown,
): unknown {
  if (!isIterable(value)) {
    const { parentType, definition } = field;
    throw new GraphQLError(
      `Expected Iterable, but did not find one for field "${parentType.name}.${definition.name}".`,
    );
  }
  // The closure sets it, which the compiler does not see.
  let waits = false as boolean;
  const completed = Array.from(value, (item, index) => {
    const itemPath = addPath(path, index, undefined);
    try {
      const entry = isPromise(item)
        ? item.then((resolved) => complete(run, field, shape, itemPath, resolved))
        : complete(run, field, shape, itemPath, item);
      if (!isPromise(entry)) return entry;
      waits = true;
      return guarded(run, field, shape, itemPath, entry);
    } catch (error) {
      return nulled(run, field, shape, itemPath, error);
    }
  });
  return waits ? Promise.all(completed) : completed;
}

function completeAbstract(
  run: Run,
  field: PlannedField,
  type: GraphQLAbstractType,
  path: Path,
  value: unknown,
): unknown {
  const resolveType = type.resolveType ?? defaultTypeResolver;
  const name = resolveType(value, run.context, infoOf(run, field, path), type);
  return isPromise(name)
    ? name.then((resolved) => completeMember(run, field, type, { path, value, name: resolved }))
    : completeMember(run, field, type, { path, value, name });
}

function completeMember(
  run: Run,
  field: PlannedField,
  type: GraphQLAbstractType,
  { path, value, name }: { readonly path: Path; readonly value: unknown; readonly name: unknown },
): unknown {
  const { schema } = run.plan;
  const member = typeof name === 'string' ? schema.getType(name) : undefined;
  if (isObjectType(member) && schema.isSubType(type, member)) {
    return completeObject(run, field, member, path, value);
  }
  throw new GraphQLError(noMember(field, type, value, name, member), { nodes: field.nodes });
}

/** In graphql-js' words. */
function noMember(
  { parentType, definition }: PlannedField,
  { name: type }: GraphQLAbstractType,
  value: unknown,
  name: unknown,
  member: GraphQLNamedType | undefined,
): string {
  const where = `for field "${parentType.name}.${definition.name}"`;
  const rule =
    `Either the "${type}" type should provide a "resolveType" function or each possible type should provide an ` +
    '"isTypeOf" function.';
  const must = `Abstract type "${type}" must resolve to an Object type at runtime ${where}`;
  if (name === null || name === undefined) return `${must}. ${rule}`;
  if (typeof name !== 'string') {
    return `${must} with value ${inspect(value)}, received "${inspect(name)}".`;
  }
  const was = `Abstract type "${type}" was resolved to a`;
  if (!member) return `${was} type "${name}" that does not exist inside the schema.`;
  if (!isObjectType(member)) return `${was} non-object type "${name}".`;
  return `Runtime Object type "${name}" is not a possible type for "${type}".`;
}

function completeObject(
  run: Run,
  field: PlannedField,
  type: GraphQLObjectType,
  path: Path,
  value: unknown,
): unknown {
  let selection = field.selections.get(type);
  if (!selection) {
    const { schema, fragments } = run.plan;
    const collected = collectSubfields(schema, fragments, run.variables, type, field.nodes);
    selection = selectionOf(schema, type, collected);
    field.selections.set(type, selection);
  }
  const prepared = selection;
  if (!type.isTypeOf) return executeFields(run, prepared, value, path);
  const is = type.isTypeOf(value, run.context, infoOf(run, field, path));
  const execute = (isOfType: unknown) => {
    if (isOfType) return executeFields(run, prepared, value, path);
    const message = `Expected value of type "${type.name}" but got: ${inspect(value)}.`;
    throw new GraphQLError(message, { nodes: field.nodes });
  };
  return isPromise(is) ? is.then(execute) : execute(is);
}

function infoOf({ plan, variables }: Run, field: PlannedField, path: Path): GraphQLResolveInfo {
  const { definition, nodes, parentType } = field;
  return {
    fieldName: definition.name,
    fieldNodes: nodes,
    returnType: definition.type,
    parentType,
    path,
    schema: plan.schema,
    fragments: plan.fragments,
    rootValue: undefined,
    operation: plan.operation,
    variableValues: variables,
  };
}

function pathOf({ responseName, parentType }: PlannedField, parent: Path | undefined): Path {
  return addPath(parent, responseName, parentType.name);
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return isObject(value) && Symbol.iterator in value;
}
