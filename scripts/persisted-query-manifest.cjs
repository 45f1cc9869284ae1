// A plug-in of graphql-codegen: the operations as a manifest of trusted documents, in the format of Apollo's
// persisted-query manifests. An id is the SHA-256 of its body.
const { createHash } = require('node:crypto');
const { Kind, print, visit } = require('graphql');

/** The fragments that a definition spreads, and those that they spread, each once. */
function fragmentsOf(definition, fragments, found = []) {
  visit(definition, {
    FragmentSpread: ({ name }) => {
      const fragment = fragments.get(name.value);
      if (found.includes(fragment)) return;
      found.push(fragment);
      fragmentsOf(fragment, fragments, found);
    },
  });
  return found;
}

exports.plugin = (_schema, files) => {
  const definitions = files.flatMap(({ document }) => document.definitions);
  const ofKind = (kind) => definitions.filter((definition) => definition.kind === kind);
  const fragments = new Map(
    ofKind(Kind.FRAGMENT_DEFINITION).map((each) => [each.name.value, each]),
  );
  const operations = ofKind(Kind.OPERATION_DEFINITION).map((operation) => {
    const used = fragmentsOf(operation, fragments);
    // In the order of the texts that graphql-codegen generates.
    const parts = [operation, ...[...fragments.values()].filter((each) => used.includes(each))];
    const body = parts.map(print).join('\n\n');
    const id = createHash('sha256').update(body).digest('hex');
    return { id, name: operation.name.value, type: operation.operation, body };
  });
  const manifest = { format: 'apollo-persisted-query-manifest', version: 1, operations };
  return JSON.stringify(manifest, null, 2);
};
