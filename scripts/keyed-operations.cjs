// A plug-in of graphql-codegen: which operations take an idempotency key, for the client.
const { GraphQLNonNull, Kind, typeFromAST } = require('graphql');

function takesKey(schema, { variableDefinitions = [] }) {
  const input = variableDefinitions.find(({ variable }) => variable.name.value === 'input');
  if (!input) return false;
  const type = typeFromAST(schema, input.type);
  const fields = (type instanceof GraphQLNonNull ? type.ofType : type).getFields();
  return 'idempotencyKey' in fields;
}

exports.plugin = (schema, files) => {
  const names = files
    .flatMap(({ document }) => document.definitions)
    .filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
    .filter((operation) => takesKey(schema, operation))
    .map(({ name }) => `  '${name.value}',`);
  return [
    '/** Operations whose input may have an idempotencyKey. */',
    'export const KEYED_OPERATIONS: ReadonlySet<string> = new Set([',
    ...names,
    ']);',
  ].join('\n');
};
