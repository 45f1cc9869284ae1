// A plug-in of graphql-codegen: the types behind each interface and union, in the form that caches of clients take.
const { isAbstractType } = require('graphql');

exports.plugin = (schema) => {
  const abstract = Object.values(schema.getTypeMap()).filter(isAbstractType);
  const entries = abstract
    .filter(({ name }) => !name.startsWith('_'))
    .map((type) => [
      type.name,
      schema
        .getPossibleTypes(type)
        .map(({ name }) => name)
        .sort(),
    ]);
  return JSON.stringify(Object.fromEntries(entries.sort()), null, 2);
};
