/**
 * For every argument and every field of an input, however deep: an operation that gives it by the variable `$v`,
 * nullable where GraphQL allows that, and gives everything else that is required.
 */
import {
  OperationTypeNode,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLInputField,
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLSchema,
} from 'graphql';

export interface OperationWithNull {
  /** As in `createProduct(input.quantity)`. */
  readonly place: string;
  readonly query: string;
}

type Input = GraphQLArgument | GraphQLInputField;

export function operationsWithNull(schema: GraphQLSchema): OperationWithNull[] {
  return [OperationTypeNode.QUERY, OperationTypeNode.MUTATION].flatMap((kind) =>
    Object.values(schema.getRootType(kind)?.getFields() ?? {}).flatMap((field) => {
      const selection = isLeafType(getNamedType(field.type)) ? '' : '{ __typename }';
      return field.args.flatMap((argument) =>
        variants(argument, field.args).map(({ path, text, type }) => ({
          place: `${field.name}(${path})`,
          query: `${kind} N($v: ${type}) { ${field.name}(${text}) ${selection} }`,
        })),
      );
    }),
  );
}

interface Variant {
  readonly path: string;
  readonly text: string;
  readonly type: string;
}

/** The siblings with `$v` for this input, or for a part of it. */
function variants(input: Input, siblings: readonly Input[]): Variant[] {
  const others = siblings
    .filter((other) => other !== input && isRequired(other))
    .map((other) => `${other.name}: ${sample(other.type)}`);
  const around = (inner: string) => [`${input.name}: ${inner}`, ...others].join(', ');
  return inner(input).map(({ path, text, type }) => ({
    path: input.name + path,
    text: around(text),
    type,
  }));
}

function inner(input: Input): Variant[] {
  const nullable = String(getNullableType(input.type));
  const known = getNullableType(input.type);
  // A variable that must not be null is refused by itself; a default makes a nullable one allowed.
  const type =
    isNonNullType(input.type) && input.defaultValue === undefined
      ? `${nullable} = ${sample(input.type)}`
      : nullable;
  const whole = { path: '', text: '$v', type };
  const item = isListType(known) ? getNullableType(known.ofType) : known;
  if (!isInputObjectType(item)) return [whole];
  const fields = Object.values(item.getFields());
  const parts = fields.flatMap((field) =>
    variants(field, fields).map((part) => ({
      ...part,
      path: `.${part.path}`,
      text: isListType(known) ? `[{${part.text}}]` : `{${part.text}}`,
    })),
  );
  return [whole, ...parts];
}

function isRequired(input: Input): boolean {
  return isNonNullType(input.type) && input.defaultValue === undefined;
}

/** A value of the right form that names nothing that exists. */
function sample(type: GraphQLInputType): string {
  const known = getNullableType(type);
  if (isListType(known)) return `[${sample(known.ofType)}]`;
  if (isInputObjectType(known)) {
    const fields = Object.values(known.getFields()).filter(isRequired);
    return `{${fields.map((field) => `${field.name}: ${sample(field.type)}`).join(', ')}}`;
  }
  if (isEnumType(known)) return known.getValues()[0]?.name ?? '';
  if (isObjectType(known)) throw new Error('An input has no objects.');
  // No id: a mutation that all inputs allow must change nothing.
  return { Int: '0', Boolean: 'true' }[known.name] ?? '" "';
}
