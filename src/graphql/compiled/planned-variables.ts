/**
 * The variables of an operation, coerced by functions that were made for their types. graphql-js looks each type up at
 * each request, keeps the path of each value for an error that rarely comes, and collects values in objects without a
 * prototype, which are slow. What is wrong is left to graphql-js, whose errors are exact.
 */
import {
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  typeFromAST,
  valueFromAST,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { isRecord } from '../is-record.js';
import type { Variables } from './planned-field.js';

const WRONG = Symbol('wrong');

/** The value as the type takes it, or WRONG. */
type Coerce = (value: unknown) => unknown;

interface PlannedVariable {
  readonly name: string;
  readonly coerce: Coerce;
  readonly isRequired: boolean;
  readonly defaultValue: (() => unknown) | null;
}

/** Null where graphql-js must judge the values. */
export type PlannedVariables = (inputs: Variables) => Variables | null;

export function plannedVariables(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
): PlannedVariables {
  const planned: PlannedVariable[] = [];
  for (const { variable, type: node, defaultValue } of variableDefinitions) {
    const type = typeFromAST(schema, node);
    // Only an object without a prototype can have a value of that name.
    if (!isInputType(type) || variable.name.value === '__proto__') return () => null;
    planned.push({
      name: variable.name.value,
      coerce: coercionTo(type, new Map()),
      isRequired: isNonNullType(type),
      defaultValue: defaultValue ? () => valueFromAST(defaultValue, type) : null,
    });
  }
  return (inputs) => {
    const values: Record<string, unknown> = {};
    for (const { name, coerce, isRequired, defaultValue } of planned) {
      if (Object.hasOwn(inputs, name)) {
        const value = coerce(inputs[name]);
        if (value === WRONG) return null;
        values[name] = value;
      } else if (defaultValue) values[name] = defaultValue();
      else if (isRequired) return null;
    }
    return values;
  };
}

/** @param known of input objects, which may contain themselves. */
function coercionTo(type: GraphQLInputType, known: Map<GraphQLInputObjectType, Coerce>): Coerce {
  if (isNonNullType(type)) {
    const coerce = coercionTo(type.ofType, known);
    return (value) => (value === null || value === undefined ? WRONG : coerce(value));
  }
  if (isListType(type)) return orNull(toList(coercionTo(type.ofType, known)));
  if (isInputObjectType(type)) {
    const seen = known.get(type);
    if (seen) return seen;
    // Its fields are planned at its first use: they may need this very function.
    let coerce: Coerce | undefined;
    const later = orNull((value) => (coerce ??= toInputObject(type, known))(value));
    known.set(type, later);
    return later;
  }
  return orNull((value) => {
    try {
      const parsed: unknown = type.parseValue(value);
      return parsed === undefined ? WRONG : parsed;
    } catch {
      return WRONG;
    }
  });
}

function orNull(coerce: Coerce): Coerce {
  return (value) => (value === null || value === undefined ? null : coerce(value));
}

/** A list takes a single value as a list of one. */
function toList(coerce: Coerce): Coerce {
  return (value) => {
    const entries: readonly unknown[] = Array.isArray(value) ? value : [value];
    const coerced: unknown[] = [];
    for (const each of entries) {
      const entry = coerce(each);
      if (entry === WRONG) return WRONG;
      coerced.push(entry);
    }
    return coerced;
  };
}

function toInputObject(
  type: GraphQLInputObjectType,
  known: Map<GraphQLInputObjectType, Coerce>,
): Coerce {
  // Such a type has a rule of its own for how many fields it takes.
  if (type.isOneOf) return () => WRONG;
  const fields = Object.values(type.getFields()).map(({ name, type: of, defaultValue }) => {
    return { name, coerce: coercionTo(of, known), isRequired: isNonNullType(of), defaultValue };
  });
  const names = new Set(fields.map(({ name }) => name));
  return (value) => {
    if (!isRecord(value)) return WRONG;
    for (const name of Object.keys(value)) if (!names.has(name)) return WRONG;
    const coerced: Record<string, unknown> = {};
    for (const { name, coerce, isRequired, defaultValue } of fields) {
      const given = value[name];
      if (given !== undefined) {
        const field = coerce(given);
        if (field === WRONG) return WRONG;
        coerced[name] = field;
      } else if (defaultValue !== undefined) coerced[name] = defaultValue;
      else if (isRequired) return WRONG;
    }
    return coerced;
  };
}
